"""How the `disk` check finds a filesystem: by type, device, link or mount point, also hung."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio

from checks import inode
from supervisor.host.threads import abandoned_threads
from tests.checks.disk_bench import look
from tests.support.check_context import context
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import (
    bindfs,
    conditions,
    ext4,
    hung,
    measured,
    mounted,
    needs_root,
    seen,
    shown_by_df,
    source_of,
    types_shown_by_df,
    watching,
)

pytestmark = pytest.mark.may_block("the tests mount, and ask df")


async def test_every_mount_of_this_machine_is_as_full_as_df_says() -> None:
    for _ in range(20):
        before = shown_by_df("pcent")
        ours = measured(await look(watching(*before)), "disk_use_percent")
        if ours == before:  # else another program has just written
            break

    assert ours == before


async def test_a_type_names_all_its_mounts_as_df_shows_them() -> None:
    kinds = types_shown_by_df()
    for kind in set(kinds.values()):
        ours = measured(await look(watching(kind)), "disk_use_percent")

        assert set(ours) == {point for point, shown in kinds.items() if shown == kind}


async def test_udev_names_the_device_files_wherever_they_are() -> None:
    ours = measured(await look(watching("udev")), "disk_use_percent")

    assert set(ours) == {point for point, kind in types_shown_by_df().items() if kind == "devtmpfs"}


@needs_root
async def test_a_device_counts_once_with_any_number_of_bind_mounts(tmp_path: Path) -> None:
    with ext4(tmp_path) as point:
        device = source_of(point)
        (point / "inner").mkdir()
        with mounted("--bind", point / "inner", tmp_path / "b"):
            by_device = measured(await look(watching(device)), "disk_use_percent")
            by_bind = measured(await look(watching(tmp_path / "b")), "disk_use_percent")

    assert [*by_device] == [str(point)]
    assert [*by_bind] == [str(tmp_path / "b")]


@needs_root
async def test_a_link_to_a_device_names_it(tmp_path: Path) -> None:
    link = f"/dev/supervisor-test-{os.getpid()}"
    with ext4(tmp_path) as point:
        os.symlink(source_of(point), link)
        try:
            found = measured(await look(watching(link)), "disk_use_percent")
        finally:
            os.unlink(link)

    assert [*found] == [str(point)]


async def test_a_mount_that_two_entries_name_is_measured_once() -> None:
    kind = types_shown_by_df()["/"]

    assert "/" in measured(await look(watching("/", kind)), "disk_use_percent")


@needs_root
async def test_a_hung_mount_does_not_delay_the_others(tmp_path: Path) -> None:
    point = str(tmp_path / "hung")
    with hung(tmp_path / "source", Path(point)) as process:
        first = await look(watching(point, "/", limit=0, timeout=1))
        assert abandoned_threads() == 1

        with trio.fail_after(5):  # while one call hangs, no check makes another
            both = watching(point, limit=0, timeout=60)
            second = await look(both)
            own = inode.Params(both.filesystems, both.probe_timeout)
            third = list(await inode.run(context(), own))
        assert abandoned_threads() == 1

        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        answered = await look(watching(point, limit=99))

    not_responding = ("Filesystem not responding", "E", point)
    assert seen(first) == [not_responding, ("Disk usage", "W", "/")]
    assert seen(second) == seen(third) == [not_responding]
    assert seen(answered) == []
    assert [*measured(answered, "disk_use_percent")] == [point]


@needs_root
async def test_the_message_about_a_hung_mount_stays_the_same(tmp_path: Path) -> None:
    with hung(tmp_path / "source", tmp_path / "hung"):
        params = watching(tmp_path / "hung", timeout=0.5)
        first, second = conditions(await look(params)), conditions(await look(params))
    await until_no_thread_hangs()

    assert first == second
    assert first[0].message.startswith(f"{tmp_path}/hung does not respond: no answer within 0.5 s")


@needs_root
async def test_a_mount_whose_server_died_does_not_respond(tmp_path: Path) -> None:
    with bindfs(tmp_path / "source", tmp_path / "dead") as process:
        process.kill()
        process.wait()
        (condition,) = conditions(await look(watching(tmp_path / "dead")))

    assert condition.alertname == "Filesystem not responding"
    assert "endpoint is not connected" in condition.message
