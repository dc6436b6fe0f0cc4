"""All that the daily report says about the host itself, read within a good second."""

from __future__ import annotations

import os
from collections.abc import Collection

import trio
from attrs import frozen

from checks._common.printable import shown
from checks._files import mounts as files_mounts
from checks._files import usage
from checks._files import usage as files_usage
from checks._files.mounts import Mount
from checks._files.usage import Usage, ask
from checks._kernel import proc_stat
from checks._kernel.proc_stat import Birth, CpuTimes, Memory
from checks._kernel.tcp_sessions import count_sessions
from checks._processes import top
from checks._processes.top import Consumer, Process
from supervisor.api import StillHanging, probe

INTERVAL = 1.0
"""Seconds between the two looks that tell how busy the processors are."""

TITLES_WITHIN = 2.0
"""Seconds for reading command lines, for which one process may make us wait."""

PSEUDO = frozenset(
    {"tmpfs", "devtmpfs", "ramfs", "efivarfs", "overlay", "squashfs", "erofs", "iso9660", "udf"}
    | {"fuse.snapfuse", "fuse.lxcfs"}
)
"""Types that keep no files of this host: memory, images that are always full, containers' views.

Others that have nothing to fill have no blocks, and are known by that.
"""


@frozen
class Filesystem:
    """One filesystem: how full it is, or the trouble with asking it."""

    mount_point: str
    space: Usage | None = None
    inodes: Usage | None = None
    trouble: str = ""


@frozen
class Top:
    """One process among the greatest consumers, with its title."""

    title: str
    consumer: Consumer


@frozen
class Readings:
    """How the host is doing. `sessions` is None when they cannot be counted."""

    birth: Birth
    uptime: float
    processors: int
    load: tuple[float, float, float]
    cpu: CpuTimes
    memory: Memory
    sessions: int | None
    filesystems: tuple[Filesystem, ...]
    by_cpu: tuple[Top, ...]
    by_memory: tuple[Top, ...]


@frozen
class _Sample:
    cpu: CpuTimes
    processes: dict[int, Process]

    @classmethod
    def take(cls) -> _Sample:
        return cls(proc_stat.cpu_times(), top.read_processes())


async def read(top_processes: int, probe_timeout: float) -> Readings:
    """Return how the host is doing now; raises `OSError` or `ValueError` when /proc is not ours."""
    before = await probe("look at all processes", _Sample.take)
    await trio.sleep(INTERVAL)
    after = await probe("look at all processes", _Sample.take)
    processors = os.cpu_count() or 1
    cpu = after.cpu.since(before.cpu)
    found = top.consumers(before.processes, after.processes, cpu.total / processors)
    by_cpu, by_memory = top.by_cpu(found, top_processes), top.by_memory(found, top_processes)
    titles = await _titles({consumer.process.pid for consumer in [*by_cpu, *by_memory]})
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
    )


async def _titles(pids: Collection[int]) -> dict[int, str]:
    try:
        with trio.move_on_after(TITLES_WITHIN):
            return await probe("read of command lines", lambda: top.read_titles(pids))
    except StillHanging:
        pass  # the short names must do
    return {}


def _with_title(consumer: Consumer, titles: dict[int, str]) -> Top:
    process = consumer.process
    return Top(titles.get(process.pid) or f"[{shown(process.name)}]", consumer)


async def _sessions() -> int | None:
    try:
        return (await probe("count of the TCP sessions", count_sessions)).total()
    except (OSError, StillHanging):
        return None


async def _filesystems(timeout: float) -> tuple[Filesystem, ...]:  # noqa: ASYNC109  # each mount has its own
    mounts = await probe("read of the mount table", _real_mounts)
    asked: dict[int, Filesystem] = {}

    async def examine(mount: Mount) -> None:
        filesystem = await _ask(mount, timeout)
        if filesystem is not None:
            asked[mount.number] = filesystem

    async with trio.open_nursery() as nursery:
        for mount in mounts:
            nursery.start_soon(examine, mount)
    return tuple(asked[mount.number] for mount in mounts if mount.number in asked)


def _real_mounts() -> list[Mount]:
    return [
        mount
        for mount in files_mounts.once_each(files_mounts.read_mounts())
        if mount.kind not in PSEUDO or mount.mount_point == "/"
    ]


async def _ask(mount: Mount, timeout: float) -> Filesystem | None:  # noqa: ASYNC109  # as above
    """Return what is known of a filesystem, or None of one that has nothing to fill."""
    space = await ask(mount, timeout, usage.space)
    if space is None:
        return None
    if space.usage is None:
        return Filesystem(mount.mount_point, trouble=space.trouble) if space.trouble else None
    inodes = await ask(mount, timeout, files_usage.inodes)
    return Filesystem(mount.mount_point, space.usage, inodes.usage if inodes else None)
