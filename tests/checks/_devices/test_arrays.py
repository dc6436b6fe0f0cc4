"""The `raid` check on real arrays of loop devices, whose members fail. They need a kernel with md.

`scripts/test --world linux` has one. Elsewhere tests/checks/test_raid.py reads trees that were
recorded there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.raid import Params, WatchedArray
from tests.support.check_context import context
from tests.support.md_host import ARRAY, Arrays, arrays, needs_md
from tests.support.processes import poll
from tests.support.raid_check import conditions, measured, observe

pytestmark = needs_md


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Arrays]:
    with arrays(tmp_path) as made:
        yield made


def test_a_member_that_fails_is_told_until_another_has_taken_its_place(there: Arrays) -> None:
    given = context()
    there.create(1, 2)
    whole = conditions(given)
    there.manage("--fail", 1)
    degraded, failed = conditions(given)
    there.manage("--remove", 1)
    (gone,) = conditions(given)
    there.manage("--add", 2)
    poll(lambda: not conditions(given))
    after = observe(given)

    assert whole == []
    assert (degraded.alertname, degraded.event_type) == ("Raid degraded", "E")
    assert degraded.message == f"{ARRAY} (raid1) has 1 of 2 members; {there.name(1)} has failed"
    assert (failed.alertname, failed.instance) == (
        "Raid member failed",
        f"{ARRAY} {there.name(1)}",
    )
    assert gone.message == f"{ARRAY} (raid1) has 1 of 2 members; {there.name(1)} is gone"
    assert measured(after)["raid_missing_members"] == 0


def test_a_rebuild_is_told_with_its_progress(there: Arrays) -> None:
    there.create(1, 2)
    (there.sysfs / "sync_speed_max").write_text("1000")
    (there.sysfs / "sync_speed_min").write_text("1000")
    there.manage("--fail", 1)
    there.manage("--remove", 1)
    there.manage("--add", 2)
    poll(lambda: "raid_sync_percent" in measured(observe()))
    found = {each.alertname: each for each in conditions()}
    (there.sysfs / "sync_speed_max").write_text("system")
    (there.sysfs / "sync_speed_min").write_text("system")
    poll(lambda: not conditions())

    assert found["Raid rebuilding"].event_type == "W"
    assert " % done" in found["Raid rebuilding"].message
    assert "; it is rebuilt, " in found["Raid degraded"].message


def test_sectors_that_differ_are_told_after_a_check(there: Arrays) -> None:
    there.create(5, 3)
    (there.sysfs / "sync_action").write_text("check")
    poll(lambda: (there.sysfs / "sync_action").read_text() == "idle\n")
    before = conditions()
    with open(there.loops[0], "r+b", buffering=0) as member:
        member.seek(12 << 20)
        member.write(os.urandom(64 << 10))
        os.fsync(member.fileno())
    (there.sysfs / "sync_action").write_text("check")
    poll(lambda: (there.sysfs / "sync_action").read_text() == "idle\n")
    (differ,) = conditions()

    assert before == []
    assert (differ.alertname, differ.event_type, differ.instance) == ("Raid mismatches", "W", ARRAY)
    assert differ.message.endswith(" that differed when it was last checked (limit 0)")


def test_an_array_that_is_stopped_is_missing_if_it_is_named(there: Arrays) -> None:
    there.create(1, 2)
    named = Params((WatchedArray(f"/dev/{ARRAY}"),))
    before = conditions(params=named)
    there.mdadm("--stop", f"/dev/{ARRAY}")
    (missing,) = conditions(params=named)

    assert before == []
    assert missing.alertname in ("Raid missing", "Raid stopped")
    assert conditions() == []


def test_an_array_that_was_not_started_is_told(there: Arrays) -> None:
    there.create(1, 2)
    there.mdadm("--stop", f"/dev/{ARRAY}")
    there.mdadm("--incremental", "--no-degraded", there.loops[0])
    (stopped,) = conditions()
    subprocess_stop = stopped.instance
    there.mdadm("--stop", f"/dev/{subprocess_stop}")

    assert (stopped.alertname, stopped.event_type) == ("Raid stopped", "E")
    assert stopped.message.endswith(" was not started; it may have too few members")
