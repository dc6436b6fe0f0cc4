"""What Monit alerts of: the table in docs/reference/checks.md says what of it is told here.

Each row that is told has here tests that make the situation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "checks.md"

SITUATIONS: Mapping[str, tuple[str, ...]] = {
    "nonexist": (
        "checks/test_daemon.py::test_a_daemon_fires_until_it_runs_and_again_when_it_is_killed",
        "checks/test_file.py::test_a_file_that_is_missing_fires_and_resolves",
        "checks/test_disk.py::test_a_filesystem_that_is_not_mounted_fires_until_it_is_mounted",
        "checks/test_interface.py::test_an_interface_that_is_removed_is_missing",
    ),
    "data": (
        "checks/test_disk_mounts.py::test_a_mount_whose_server_died_does_not_respond",
        "checks/test_file.py::test_what_another_user_may_not_look_at_is_unreadable",
    ),
    "exec": ("systemd/test_units.py::test_another_unit_that_fails_is_told_of_until_it_is_reset",),
    "invalid": (
        "checks/test_file.py::test_each_kind_is_told_from_the_others_and_holds_up_nothing",
    ),
    "status": ("checks/test_command.py::test_any_program_that_does_not_end_with_0_is_a_condition",),
    "icmp": ("checks/test_ping.py::test_a_host_that_does_not_answer_has_lost_all",),
    "connection": (
        "checks/test_connection.py::test_a_closed_port_is_a_condition_until_a_process_listens",
        "checks/test_talk.py::test_a_wrong_answer_fires_and_resolves",
    ),
    "resource": (
        "checks/test_system.py::test_busy_processors_are_seen_and_calm_again",
        "checks/_daemons/test_resources.py::test_a_daemon_that_eats_memory_is_told_of",
        "checks/_daemons/test_resources.py::"
        "test_a_daemon_that_burns_a_processor_is_told_of_from_the_second_run",
        "checks/test_disk.py::test_a_filesystem_fires_above_its_limit_and_not_at_it",
    ),
    "checksum": (
        "checks/test_file_changes.py::test_a_checksum_must_be_right",
        "checks/test_file_changes.py::test_a_change_is_told_once",
    ),
    "size": (
        "checks/test_file_limits.py::test_a_file_may_be_too_large_or_too_small",
        "checks/test_file_limits.py::test_a_file_may_grow_too_fast_or_too_slowly",
    ),
    "timestamp": (
        "checks/test_file_limits.py::test_a_file_may_be_too_old_or_too_new",
        "checks/test_unprocessed_file.py::test_old_files_fire_and_resolve",
    ),
    "permission": ("checks/test_file.py::test_mode_owner_and_group_must_be_right",),
    "uid": (
        "checks/_daemons/test_real_daemons.py::test_the_user_of_a_daemon_is_judged",
        "checks/test_file.py::test_mode_owner_and_group_must_be_right",
    ),
    "gid": ("checks/test_file.py::test_mode_owner_and_group_must_be_right",),
    "pid": (
        "checks/_daemons/test_restarts.py::"
        "test_a_daemon_that_restarts_in_a_loop_is_told_of_once_for_each_restart",
        "systemd/test_units.py::test_restarts_are_counted",
    ),
    "ppid": (),
    "timeout": ("systemd/test_units.py::test_a_unit_that_systemd_no_longer_restarts_is_told_of",),
    "content": ("checks/test_log_pattern.py::test_new_lines_that_match_fire_until_the_next_run",),
    "fsflags": (
        "checks/_files/test_read_only.py::test_an_ext4_that_became_read_only_after_an_error_fires",
    ),
    "action": (),
    "link": (
        "checks/test_interface.py::test_a_link_that_is_pulled_fires_and_comes_back",
        "checks/_devices/test_bonds.py::"
        "test_a_bond_that_has_lost_a_member_is_told_without_any_parameter",
    ),
    "speed": (
        "checks/test_interface.py::test_a_link_that_becomes_slower_is_told_until_it_is_fast_again",
    ),
    "saturation": (
        "checks/test_interface.py::test_traffic_is_judged_in_bytes_and_as_a_part_of_the_speed",
    ),
    "bytein, byteout, packetin, packetout": (
        "checks/test_interface.py::test_traffic_is_judged_in_bytes_and_as_a_part_of_the_speed",
    ),
    "instance": (),
}
"""Monit's events, in the order of the situations in its manual, each with tests that make it.

Without a test, nothing here tells of the situation.
"""

MIN_TOLD = 21
"""Of these 25 situations, so many are told at least."""


def rows() -> dict[str, str]:
    """Return what the table says here of each of Monit's events."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("\n### What Monit alerts of\n")
    found = re.findall(r"(?m)^\| .+ \| (`.+`) \| (.+) \|$", section.partition("\n### ")[0])
    return {events.replace("`", ""): here for events, here in found}


def is_told(here: str) -> bool:
    return not here.startswith("not ")


def test_the_table_has_each_situation_of_monits_manual() -> None:
    assert [*rows()] == [*SITUATIONS]
    assert len(SITUATIONS) == 25


def test_the_table_tells_what_a_test_makes() -> None:
    assert {events: is_told(here) for events, here in rows().items()} == {
        events: bool(tests) for events, tests in SITUATIONS.items()
    }


@pytest.mark.parametrize("test", sorted({each for tests in SITUATIONS.values() for each in tests}))
def test_the_test_of_a_situation_exists(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    functions = ast.FunctionDef, ast.AsyncFunctionDef

    assert name in {each.name for each in tree.body if isinstance(each, functions)}


def test_the_table_names_alerts_that_checks_raise() -> None:
    page = " ".join(
        PAGE.read_text(encoding="utf-8").partition("\n### What Monit alerts of\n")[0].split()
    )
    named = {name for here in rows().values() for name in re.findall("`([A-Z][^`]*)`", here)}

    assert [name for name in sorted(named) if f"`{name}`" not in page] == []
    assert len(named) >= MIN_TOLD


def test_nearly_all_situations_are_told() -> None:
    assert sum(map(bool, SITUATIONS.values())) >= MIN_TOLD
