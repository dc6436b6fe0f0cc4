"""What the daily report says about the host itself. To read it takes a little over a second."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import partial

import trio
from attrs import frozen

from checks._common.gather import gather
from checks._common.printable import shown
from checks._devices import interfaces, md_arrays
from checks._devices.interfaces import Interface
from checks._devices.md_arrays import Array
from checks._files import usage
from checks._files.mounts import Mount, read_mounts
from checks._files.read_only import became_read_only
from checks._files.real import real
from checks._files.usage import Usage, ask
from checks._kernel import proc_stat
from checks._kernel.proc_stat import Birth, CpuTimes, Memory
from checks._kernel.tcp_sessions import count_sessions
from checks._processes import top
from checks._processes.top import Consumer, ProcessUsage
from supervisor.api import StillHanging, probe

SAMPLE_INTERVAL = 1.0
"""Seconds between the two samples that tell how busy the processors are."""

TITLES_TIMEOUT = 2.0
"""Seconds for reading command lines. A single process can delay this."""


@frozen
class FilesystemReading:
    """How full one filesystem is."""

    mount_point: str
    space: Usage | None = None
    inodes: Usage | None = None

    trouble: str = ""
    """Why the filesystem gave no answer."""

    read_only: bool = False
    """Whether it became read-only after an error."""


@frozen
class TopProcess:
    """One of the processes that use the most, with its title."""

    title: str
    consumer: Consumer


@frozen
class Readings:
    """How the host is doing."""

    birth: Birth
    uptime: float
    processors: int
    load: tuple[float, float, float]
    cpu: CpuTimes
    memory: Memory

    sessions: int | None
    """The established TCP sessions. None when they cannot be counted."""

    filesystems: tuple[FilesystemReading, ...]
    by_cpu: tuple[TopProcess, ...]
    by_memory: tuple[TopProcess, ...]

    bonds: tuple[Interface, ...] = ()
    """The bonds that are set up. Empty, too, when they cannot be read."""

    arrays: tuple[Array, ...] = ()
    """The RAID arrays. Empty, too, when they cannot be read."""


@frozen
class _Sample:
    cpu: CpuTimes
    processes: dict[int, ProcessUsage]

    @classmethod
    def take(cls) -> _Sample:
        return cls(proc_stat.cpu_times(), top.read_processes())


async def read(top_processes: int, probe_timeout: float) -> Readings:
    """Return how the host is doing now.

    Raises `OSError` or `ValueError` when /proc cannot be read or has another format.
    """
    before = await probe("look at all processes", _Sample.take)
    await trio.sleep(SAMPLE_INTERVAL)
    after = await probe("look at all processes", _Sample.take)
    processors = os.cpu_count() or 1
    cpu = after.cpu.since(before.cpu)
    found = top.consumers(before.processes, after.processes, cpu.total / processors)
    by_cpu, by_memory = top.by_cpu(found, top_processes), top.by_memory(found, top_processes)
    titles = await _titles({consumer.process.pid for consumer in [*by_cpu, *by_memory]})
    bonds, arrays = await _devices()
    return Readings(
        birth=proc_stat.own_birth(),
        uptime=proc_stat.uptime(),
        processors=processors,
        load=os.getloadavg(),
        cpu=cpu,
        memory=proc_stat.memory(),
        sessions=await _sessions(),
        filesystems=await _filesystems(probe_timeout),
        by_cpu=tuple(_with_title(consumer, titles) for consumer in by_cpu),
        by_memory=tuple(_with_title(consumer, titles) for consumer in by_memory),
        bonds=bonds,
        arrays=arrays,
    )


async def _titles(pids: Collection[int]) -> dict[int, str]:
    try:
        with trio.move_on_after(TITLES_TIMEOUT):
            return await probe("read of command lines", lambda: top.read_titles(pids))
    except StillHanging:
        pass  # the short names are good enough
    return {}


def _with_title(consumer: Consumer, titles: dict[int, str]) -> TopProcess:
    process = consumer.process
    return TopProcess(titles.get(process.pid) or f"[{shown(process.name)}]", consumer)


async def _sessions() -> int | None:
    try:
        return (await probe("count of the TCP sessions", count_sessions)).total()
    except (OSError, StillHanging):
        return None


async def _devices() -> tuple[tuple[Interface, ...], tuple[Array, ...]]:
    try:
        return await probe("look at bonds and arrays", lambda: (_bonds(), _arrays()))
    except (OSError, ValueError, StillHanging):
        return (), ()


def _bonds() -> tuple[Interface, ...]:
    found = map(interfaces.read, interfaces.bonds())
    return tuple(each for each in found if each is not None and each.is_up)


def _arrays() -> tuple[Array, ...]:
    found = map(md_arrays.read, md_arrays.names())
    return tuple(each for each in found if each is not None and each.disks)


async def _filesystems(seconds: float) -> tuple[FilesystemReading, ...]:
    try:
        mounts = await probe("read of the mount table", _real_mounts)
    except (OSError, StillHanging) as error:
        return (FilesystemReading("mount table", trouble=f"cannot be read: {error}"),)
    filesystems = await gather(partial(_ask, seconds=seconds), mounts)
    return tuple(filesystem for filesystem in filesystems if filesystem is not None)


def _real_mounts() -> list[tuple[Mount, bool]]:
    """Return the filesystems that keep files, and whether each became read-only."""
    return [(mount, became_read_only(mount)) for mount in real(read_mounts())]


async def _ask(found: tuple[Mount, bool], seconds: float) -> FilesystemReading | None:
    """Return how full a filesystem is. None if it has nothing to fill, or is no longer mounted."""
    mount, read_only = found
    space = await ask(mount, seconds, usage.space)
    if space is None:
        return None
    if space.usage is None:
        return (
            FilesystemReading(mount.mount_point, trouble=space.trouble) if space.trouble else None
        )
    inodes = await ask(mount, seconds, usage.inodes)
    return FilesystemReading(
        mount.mount_point, space.usage, inodes.usage if inodes else None, read_only=read_only
    )
