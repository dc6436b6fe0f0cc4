"""Real mounts for the tests of `disk` and `inode`. They need root, and are always unmounted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from checks._files import mounts
from checks._files.filesystems import DiskFilesystem, DiskParams
from supervisor.api import Condition, Limit, Measurement, Observation
from tests.support.processes import poll

AUTOMOUNTER = Path(__file__).with_name("automount.py")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


def command(*argv: str | Path) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def mounted(*argv: str | Path) -> Iterator[Path]:
    """Mount with these arguments of mount(8); the last is the mount point, which is made."""
    point = Path(argv[-1])
    point.mkdir(exist_ok=True)
    command("mount", *argv)
    try:
        yield point
    finally:
        command("umount", "-l", point)


def tmpfs(point: Path, options: str) -> contextlib.AbstractContextManager[Path]:
    return mounted("-t", "tmpfs", "-o", options, "tmpfs", point)


@contextlib.contextmanager
def ext4(directory: Path, options: str = "loop") -> Iterator[Path]:
    """Mount a new ext4 of 8 MiB with few inodes and the usual blocks reserved for root."""
    image = ext4_image(directory)
    if "loop" in options.split(","):
        _need_loop_device(image)
    with mounted("-o", options, image, directory / "ext4") as point:
        yield point


def _need_loop_device(image: Path) -> None:
    """Skip the test where there is none, as in most containers."""
    done = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"there is no loop device: {done.stderr.strip()}")
    command("losetup", "--detach", done.stdout.strip())


def ext4_image(directory: Path) -> Path:
    image = directory / "image"
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    command("mkfs.ext4", "-q", "-N", "128", image)
    return image


@contextlib.contextmanager
def automounted(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Return an automounter, and the mount point of an ext4 that it has not mounted yet."""
    point = directory / "auto"
    point.mkdir()
    argv: list[str | Path] = [sys.executable, AUTOMOUNTER, ext4_image(directory), point]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            pytest.skip("this kernel has no autofs")
        yield process, point / "data"
    finally:
        process.kill()
        process.communicate()
        for each in (point / "data", point):
            subprocess.run(["umount", "-l", each], check=False, capture_output=True)


@contextlib.contextmanager
def bindfs(source: Path, point: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Mount a directory through a FUSE process, which the test may stop or kill."""
    source.mkdir(exist_ok=True)
    point.mkdir(exist_ok=True)
    process = subprocess.Popen(["bindfs", "-f", source, point])
    try:
        poll(lambda: str(point) in mount_points())
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        subprocess.run(["umount", "-l", point], check=False)


@contextlib.contextmanager
def hung(source: Path, point: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Mount a directory through a FUSE process that is stopped, so that it does not answer."""
    with bindfs(source, point) as process:
        stop(process)
        yield process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, and wait until it has stopped."""
    process.send_signal(signal.SIGSTOP)
    status = Path(f"/proc/{process.pid}/stat")
    poll(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")


def mount_points() -> list[str]:
    return [mount.mount_point for mount in mounts.read_mounts()]


def source_of(point: Path) -> str:
    (mount,) = [mount for mount in mounts.read_mounts() if mount.mount_point == str(point)]
    return mount.source


def watching(*names: str | Path, limit: int | Limit[int] = 90, timeout: float = 5.0) -> DiskParams:
    limits = limit if isinstance(limit, Limit) else Limit.of(limit)
    return DiskParams(
        tuple(DiskFilesystem(str(name), limits) for name in names),
        timeout,  # type: ignore[arg-type]  # seconds
    )


def conditions(observed: Iterable[Observation]) -> list[Condition]:
    return [seen for seen in observed if isinstance(seen, Condition)]


def seen(observed: Iterable[Observation]) -> list[tuple[str, str, str]]:
    """Return the conditions' identities with their event types."""
    return [(found.alertname, found.event_type, found.instance) for found in conditions(observed)]


def measured(observed: Iterable[Observation], name: str) -> dict[str, float]:
    """Return a measurement by mount point."""
    found = [item for item in observed if isinstance(item, Measurement) and item.name == name]
    assert len({item.labels["mount_point"] for item in found}) == len(found)
    return {item.labels["mount_point"]: item.value for item in found}


def shown_by_df(column: str, *arguments: str | Path) -> dict[str, int]:
    """Return the percentages that `df` shows in a column, by mount point."""
    lines = command("df", f"--output={column},target", *arguments).splitlines()[1:]
    pairs = [line.strip().split(maxsplit=1) for line in lines]
    return {point: int(percent[:-1]) for percent, point in pairs if percent != "-"}


def types_shown_by_df() -> dict[str, str]:
    """Return the types of the filesystems that `df` shows, by mount point."""
    lines = command("df", "--output=fstype,target").splitlines()[1:]
    return {point: kind for kind, point in (line.split(maxsplit=1) for line in lines)}
