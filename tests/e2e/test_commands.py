"""The commands as a person types them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import AlertmanagerServer
from tests.support.ports import free_port

CONFIG = """
service = "TEST"
timezone = "Europe/Berlin"

[[modules]]
check = "command"
name = "fine"
every = "1m"
[modules.params]
protocol = "nagios"
argv = ["echo", "all is well|time=3ms"]

[[modules]]
check = "connection"
at = ["09:00"]
[modules.params]
servers = [{ name = "gone", host = "127.0.0.1", port = @PORT@ }]

[[modules]]
check = "command"
name = "broken"
every = "1m"
[modules.params]
protocol = "nagios"
argv = ["/nonexistent/plugin"]
"""


def supervisor(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    name = [] if arguments[0] == "checks" else ["--service=Test", f"--config-dir={directory}"]
    return run_supervisor(*arguments, *name)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    text = CONFIG.replace("@PORT@", str(free_port()))
    (tmp_path / "Test.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_validate_says_ok_or_every_problem(directory: Path) -> None:
    fine = supervisor(directory, "validate")
    path = directory / "Test.toml"
    path.write_text(CONFIG.replace("@PORT@", '"http"').replace('"1m"', '"1x"', 1), encoding="utf-8")
    wrong = supervisor(directory, "validate")

    assert (fine.returncode, fine.stdout) == (0, f"{path}: ok, 3 modules\n")
    assert wrong.returncode == 78
    assert [line.split(": ")[1:3] for line in wrong.stderr.splitlines()] == [
        ["module 'fine'", "every"],
        ["module 'connection'", "servers[0].port"],
    ]


def test_an_unknown_service_is_answered_with_those_that_exist(directory: Path) -> None:
    found = run_supervisor("--service", "Tset", f"--config-dir={directory}")

    assert found.returncode == 78
    assert "did you mean 'Test'?" in found.stderr


@pytest.mark.parametrize(
    ("modules", "code"),
    [(["fine"], 0), (["connection"], 1), (["fine", "connection"], 1), (["broken"], 3), ([], 3)],
)
def test_once_ends_in_the_exit_code_of_the_worst(
    directory: Path, modules: list[str], code: int
) -> None:
    assert supervisor(directory, "once", *modules).returncode == code


def test_once_shows_what_the_modules_see(directory: Path) -> None:
    found = supervisor(directory, "once", "--json")
    fine, connection, broken = json.loads(found.stdout)

    assert (fine["module"], fine["ok"], fine["conditions"], fine["reports"]) == (
        "fine",
        True,
        [],
        [],
    )
    assert connection["check"] == "connection"
    assert connection["conditions"][0]["alertname"] == "Connection failed"
    assert connection["conditions"][0]["instance"] == "gone"
    assert (broken["ok"], "/nonexistent/plugin" in broken["error"]) == (False, True)
    assert "Connection failed" in supervisor(directory, "once").stdout
    assert not list(directory.glob("**/ledger*"))


def test_once_knows_no_other_modules(directory: Path) -> None:
    found = supervisor(directory, "once", "conection")

    assert found.returncode == 2
    assert "has no module conection; did you mean 'connection'?" in found.stderr


def test_plan_prints_the_day(directory: Path) -> None:
    found = supervisor(directory, "plan", "--date", "2026-03-29", "--format", "json")
    made = json.loads(found.stdout)

    assert (made["date"], made["timezone"]) == ("2026-03-29", "Europe/Berlin")
    assert {"at": "2026-03-29T09:00:00+02:00", "module": "connection"} in made["runs"]
    assert len(made["runs"]) == 2 * 23 * 60 + 1
    assert "every 1m" in supervisor(directory, "plan").stdout
    assert supervisor(directory, "plan", "--date", "yesterday").returncode == 2


def test_checks_are_listed_and_described(directory: Path) -> None:
    listed = supervisor(directory, "checks")
    described = supervisor(directory, "checks", "disk")

    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {
        "command",
        "connection",
        "disk",
        "inode",
    }
    assert "max_use_percent" in described.stdout


def test_test_alert_names_the_receiver_that_the_peer_chose(
    directory: Path, alertmanager: AlertmanagerServer
) -> None:
    peers = f'\n[alertmanager]\nurls = ["{alertmanager.url}", "http://127.0.0.1:{free_port()}"]\n'
    path = directory / "Test.toml"
    path.write_text(peers.join(path.read_text("utf-8").split("\n\n", 1)), encoding="utf-8")
    found = supervisor(directory, "test-alert", "--event-type", "E")
    taken, refused = found.stdout.splitlines()

    assert found.returncode == 1
    assert taken == f"{alertmanager.url}: taken (HTTP 200); receiver: warning-error-team"
    assert "not taken: connect" in refused
    assert alertmanager.names() == ["Test alert"]


def test_test_alert_says_that_no_route_knows_the_event_type(
    directory: Path, alertmanager: AlertmanagerServer
) -> None:
    peers = f'\n[alertmanager]\nurls = ["{alertmanager.url}"]\n'
    path = directory / "Test.toml"
    path.write_text(peers.join(path.read_text("utf-8").split("\n\n", 1)), encoding="utf-8")
    found = supervisor(directory, "test-alert", "--event-type", "e")
    taken, warning = found.stdout.splitlines()

    assert found.returncode == 0
    assert taken.startswith(f"{alertmanager.url}: taken (HTTP 200); receiver: ")
    assert warning.startswith(f"{alertmanager.url}: warning: no route knows the event type e: ")
    assert "write E" in warning


def test_validate_prints_warnings_and_counts_them_with_strict(directory: Path) -> None:
    path = directory / "Test.toml"
    path.write_text('service = "TEST"\n', encoding="utf-8")
    warned = supervisor(directory, "validate")
    strict = supervisor(directory, "validate", "--strict")
    checked = supervisor(directory, "doctor")

    said = f"{path}:1: modules: warning: there are none, so nothing is looked at; "
    assert (warned.returncode, warned.stderr.startswith(said)) == (0, True)
    assert warned.stdout == f"{path}: ok, 0 modules\n"
    assert (strict.returncode, strict.stderr.startswith(said)) == (78, True)
    assert "warning  modules: there are none, so nothing is looked at" in checked.stdout


def test_test_alert_needs_an_alertmanager(directory: Path) -> None:
    found = supervisor(directory, "test-alert")

    assert found.returncode == 1
    assert "names no Alertmanager" in found.stderr
