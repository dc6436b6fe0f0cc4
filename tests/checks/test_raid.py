"""The `raid` check on arrays that were recorded: tests/checks/_devices/data/arrays/README.md.

Real arrays are tested in tests/checks/_devices/test_arrays.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from checks import raid
from checks._devices import md_arrays
from checks.raid import Params, WatchedArray
from supervisor.api import CheckFailed, Condition, Context, Limit, Measurement
from tests.support.check_context import context
from tests.support.raid_check import ANY, conditions, measured, observe
from tests.support.sysfs_tree import lay

DATA = Path(__file__).parent / "_devices" / "data" / "arrays"


@pytest.fixture
def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that stands for /sys/block. A disk without md is there."""
    monkeypatch.setattr(md_arrays, "BLOCK", tmp_path)
    monkeypatch.setattr(raid, "DEVICES", tmp_path / "dev")
    (tmp_path / "sda").mkdir()
    return tmp_path


def record(block: Path, name: str, **changes: str) -> None:
    """Lay a recorded tree in place of the one before, with some files that say something else."""
    shutil.rmtree(block / "md0", ignore_errors=True)
    lay(DATA / f"{name}.tree", block)
    for file, text in changes.items():
        (block / "md0/md" / file).write_text(f"{text}\n")


def told(given: Context | None = None, params: Params = ANY) -> list[tuple[str, str]]:
    """Return the alertnames and messages."""
    return [(each.alertname, each.message) for each in conditions(given, params)]


@pytest.mark.parametrize("name", ["raid0-whole", "raid1-whole", "raid5-checking"])
def test_a_recorded_array_that_is_whole_or_checked_is_right(block: Path, name: str) -> None:
    record(block, name)

    assert told() == []
    assert measured(observe())["raid_arrays"] == 1


def test_a_recorded_failure_is_told_until_the_member_is_replaced(block: Path) -> None:
    given, seen = context(), []
    for name in ("raid1-whole", "raid1-failed", "raid1-gone", "raid1-rebuilding", "raid1-whole"):
        record(block, name)
        seen.append(told(given))
    left = "md0 (raid1) has 1 of 2 members"

    assert seen == [
        [],
        [
            ("Raid degraded", f"{left}; loop1 has failed"),
            (
                "Raid member failed",
                "loop1 has failed in md0 (raid1); the kernel does not use it any more",
            ),
        ],
        [("Raid degraded", f"{left}; loop1 is gone")],
        [
            ("Raid degraded", f"{left}; loop1 is gone; it is rebuilt, 50 % done"),
            ("Raid rebuilding", "md0 (raid1) is rebuilt, 50 % done"),
        ],
        [],
    ]


def test_a_recorded_rebuild_is_measured(block: Path) -> None:
    record(block, "raid1-rebuilding")
    found = [each for each in observe() if isinstance(each, Measurement)]

    assert [(each.value, each.labels) for each in found if each.name == "raid_sync_percent"] == [
        (52.6, {"array": "md0", "action": "recover"})
    ]


def test_a_long_rebuild_is_told_with_the_time_that_is_left(block: Path) -> None:
    record(block, "raid1-rebuilding", sync_completed="1000000 / 20000000", sync_speed="1900")

    assert told()[1] == ("Raid rebuilding", "md0 (raid1) is rebuilt, 5 % done, about 1 h left")


@pytest.mark.parametrize("waits", ["delayed", "none", "", "1 / 0", "x / y"])
def test_a_rebuild_that_waits_is_told_without_progress(block: Path, waits: str) -> None:
    record(block, "raid1-rebuilding", sync_completed=waits)

    assert told()[1] == (
        "Raid rebuilding",
        "md0 (raid1) is rebuilt, after another array on the same disks",
    )


def test_two_failed_members_are_both_named(block: Path) -> None:
    record(block, "raid5-two-failed")

    assert told()[0] == (
        "Raid degraded",
        "md0 (raid5) has 1 of 3 members; loop1 has failed, loop2 has failed",
    )


def test_an_array_that_was_not_started_is_stopped(block: Path) -> None:
    record(block, "raid1-not-started")
    (stopped,) = conditions()

    assert (stopped.alertname, stopped.event_type, stopped.instance) == ("Raid stopped", "E", "md0")
    assert stopped.message == "md0 was not started; it may have too few members"


def test_a_raid0_that_has_lost_a_disk_is_broken(block: Path) -> None:
    # By Documentation/admin-guide/md.rst. It was not recorded: a loop device in use cannot be lost.
    record(block, "raid0-whole", array_state="broken")

    assert told() == [("Raid stopped", "md0 (raid0) is broken: it has lost a member that it needs")]


def test_sectors_that_differ_are_told_of_levels_on_which_they_are_wrong(block: Path) -> None:
    record(block, "raid5-mismatches")
    (differ,) = conditions()
    tolerant = Params((WatchedArray("md0", max_mismatches=Limit.of(128)),))
    strict = Params((WatchedArray(max_mismatches=Limit((("W", 0), ("E", 100)))),))
    graver = conditions(params=strict)
    allowed = told(params=tolerant)
    record(block, "raid1-whole", mismatch_cnt="128")  # as swap on a raid1 makes them

    assert (differ.alertname, differ.event_type, differ.instance) == ("Raid mismatches", "W", "md0")
    assert differ.message == (
        "md0 (raid5) had 128 sectors that differed when it was last checked (limit 0)"
    )
    assert (allowed, [each.event_type for each in graver]) == ([], ["E"])
    assert (told(), len(told(params=strict))) == ([], 1)


def test_a_named_array_that_is_not_there_is_missing(block: Path) -> None:
    (missing,) = conditions(params=Params((WatchedArray("md0"), WatchedArray())))

    assert (missing.alertname, missing.event_type, missing.instance) == ("Raid missing", "E", "md0")
    assert missing.message == "there is no array md0"


def test_a_host_without_arrays_has_nothing_to_tell(block: Path) -> None:
    assert [each for each in observe() if isinstance(each, Condition)] == []
    assert measured(observe()) == {"raid_arrays": 0}


def test_an_array_is_found_by_its_name_in_dev(block: Path) -> None:
    record(block, "raid1-failed")
    (block / "dev/md").mkdir(parents=True)
    (block / "dev/md/root").symlink_to("../md0")
    for name in ("/dev/md/root", "md/root", "md0"):
        entry = WatchedArray(name.replace("/dev", str(block / "dev")), event_type="S")
        degraded, _failed = conditions(params=Params((entry, WatchedArray())))
        assert (degraded.event_type, degraded.instance) == ("S", "md0")


def test_an_exception_of_the_star_is_left_alone(block: Path) -> None:
    record(block, "raid1-failed")

    assert told(params=Params((WatchedArray(except_=("md[0-9]",)),))) == []
    with pytest.raises(ValueError, match='is only for name = "\\*"; remove it'):
        WatchedArray("md0", except_=("md1",))


def test_an_empty_shell_of_an_array_is_nothing_to_a_star(block: Path) -> None:
    record(block, "raid1-whole", array_state="clear")

    assert told() == []
    assert told(params=Params((WatchedArray("md0"),))) == [
        ("Raid stopped", "md0 (raid1) has no members")
    ]


@pytest.mark.parametrize(
    ("metadata", "arrays"),
    [("1.2", 1), ("external:/md127/0", 1), ("external:-md127/0", 1), ("external:imsm", 0)],
)
def test_a_container_of_arrays_is_not_an_array(block: Path, metadata: str, arrays: int) -> None:
    record(block, "raid1-whole", metadata_version=metadata)

    assert measured(observe())["raid_arrays"] == arrays


def test_the_members_of_an_array_that_gets_another_shape_are_counted(block: Path) -> None:
    # The kernel writes the new number, and the old one behind it.
    record(block, "raid1-rebuilding", raid_disks="3 (2)", sync_action="reshape")
    restored = "gets another shape, 50 % done"

    assert told() == [
        ("Raid degraded", f"md0 (raid1) has 2 of 3 members; it {restored}"),
        ("Raid rebuilding", f"md0 (raid1) {restored}"),
    ]


def test_an_array_that_is_stopped_while_it_is_read_is_gone(
    block: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(block, "raid1-whole")
    monkeypatch.setattr(md_arrays, "_progress", lambda directory: shutil.rmtree(directory))

    assert told() == []


def test_a_member_that_is_removed_while_it_is_read_is_not_one(block: Path) -> None:
    record(block, "raid1-failed")
    (block / "md0/md/dev-loop1/state").unlink()

    assert told() == [("Raid degraded", "md0 (raid1) has 1 of 2 members")]


def test_a_host_without_sysfs_fails_the_check(block: Path) -> None:
    shutil.rmtree(block)
    with pytest.raises(CheckFailed, match=r"^cannot read the arrays in .*: "):
        observe()


@pytest.mark.parametrize("known", [None, 5, "md0", {"md0": 5}, {"md0": [5, None]}, {"": ["x"]}])
def test_a_malformed_state_is_ignored(block: Path, known: Any) -> None:
    record(block, "raid1-gone")
    given = context()
    given.state["members"] = known

    assert told(given) == [("Raid degraded", "md0 (raid1) has 1 of 2 members")]
    assert given.state["members"] in ({}, {"": ["x"]})


def test_hundreds_of_arrays_leave_a_small_state(block: Path) -> None:
    for number in range(300):
        lay(DATA / "raid1-whole.tree", block)
        (block / "md0").rename(block / f"md_{number}")
    given = context()

    assert told(given) == []
    assert len(str(given.state)) < 8_000
