"""`doctor` against real servers: each thing that can be wrong, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.command_line import run_supervisor
from tests.e2e.mailing import LegacyAlertmanager, ShippedAlertmanager, alert
from tests.e2e.mariadb import USER, MariaDbServer
from tests.e2e.servers import SupervisorProcess, wait_for
from tests.e2e.test_tls import PASSWORD, SecureAlertmanager, settings
from tests.support.ports import free_port

CONFIG = """
service = "TEST"
heartbeat = true
max_ledger = "1MiB"
[alertmanager]
urls = [{urls}]
{more}

[[modules]]
check = "command"
every = "1h"
[modules.params]
protocol = "text"
argv = ["true"]
"""
SQL = """
[[modules]]
check = "sql"
every = "1h"
[modules.params]
query = "one.sql"
database = {{ user = "{user}", port = {port}, password = {{ file = "{password}" }} }}
"""


def configure(supervisor: SupervisorProcess, *urls: str, more: str = "", sql: str = "") -> None:
    listed = ", ".join(f'"{url}"' for url in urls)
    supervisor.config.write_text(CONFIG.format(urls=listed, more=more) + sql, encoding="utf-8")
    (supervisor.directory / "one.sql").write_text("SELECT 1 AS value", encoding="utf-8")


def doctor(supervisor: SupervisorProcess, *arguments: str) -> tuple[int, str]:
    """Return the exit code and all that was printed."""
    done = run_supervisor("doctor", *supervisor.options(), *arguments)
    return done.returncode, done.stderr + done.stdout


def failures(text: str) -> list[str]:
    """Return what failed, each with its remedy."""
    lines = text.splitlines()
    return [
        f"{line.removeprefix('  FAILED').strip()} {lines[number + 1].strip()}"
        for number, line in enumerate(lines)
        if line.startswith("  FAILED")
    ]


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[ShippedAlertmanager]:
    """The shipped configuration, with the waits that it has, and a mail server that is down."""
    directory = tmp_path / "shipped"
    directory.mkdir()
    server = ShippedAlertmanager(directory, f"127.0.0.1:{free_port()}", intervals={})
    server.start()
    yield server
    server.stop()


def test_nothing_fails_when_all_is_right_and_nothing_is_sent_or_stored(
    supervisor: SupervisorProcess, shipped: ShippedAlertmanager, mariadb: MariaDbServer
) -> None:
    sql = SQL.format(user=USER, port=mariadb.port, password=mariadb.password_file)
    configure(supervisor, shipped.url, sql=sql)
    code, said = doctor(supervisor)

    assert failures(said) == []
    assert code == 0
    for line in (
        "W reaches warning-error-team",
        "E reaches warning-error-team",
        "TE reaches default",
        "I reaches info-reports, dead-mans-switch",
        "S reaches su-reports",
        "its group_by, group_wait, group_interval and repeat_interval suit our alerts",
        "module 'sql': database.password: can be read",
        "what it names is there and answers",
        "no supervisor runs there now",
    ):
        assert f"  ok       {line}\n" in said
    assert mariadb.password not in said
    assert shipped.alerts() == []
    assert not (supervisor.directory / "state").exists()


def test_without_peers_it_says_so(supervisor: SupervisorProcess) -> None:
    configure(supervisor)
    code, said = doctor(supervisor, "--json")
    document: dict[str, Any] = json.loads(said)

    assert code == 0
    assert document["ok"] is True
    assert document["sections"][-1]["subject"] == "Alertmanager"


def test_the_running_supervisor_is_seen(supervisor: SupervisorProcess) -> None:
    configure(supervisor)
    supervisor.start()
    code, said = doctor(supervisor)

    assert code == 0
    assert f"the supervisor runs there as process {supervisor.pid} and answers" in said


def test_a_peer_that_is_down_does_not_hide_the_other(
    supervisor: SupervisorProcess, shipped: ShippedAlertmanager
) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    configure(supervisor, down, shipped.url)
    code, said = doctor(supervisor)

    assert code == 1
    assert any(
        "cannot be asked: connect" in each and "→ start it" in each for each in failures(said)
    )
    assert "TE reaches default" in said
    assert any("it is not in a cluster" in each for each in failures(said))


def test_the_legacy_configuration_would_lose_reports(
    supervisor: SupervisorProcess, tmp_path: Path
) -> None:
    directory = tmp_path / "legacy"
    directory.mkdir()
    legacy = LegacyAlertmanager(directory, "127.0.0.1:1")
    legacy.start()
    try:
        configure(supervisor, legacy.url)
        code, said = doctor(supervisor)
    finally:
        legacy.stop()

    assert code == 1
    assert [each.split(" groups reports by")[0] for each in failures(said)] == [
        "the route to 'info-team'",
        "the route to 'su-team'",
    ]
    assert "→ add event_id to its group_by" in said


def test_notifications_that_fail_are_seen(supervisor: SupervisorProcess, tmp_path: Path) -> None:
    directory = tmp_path / "failing"
    directory.mkdir()
    server = ShippedAlertmanager(directory, f"127.0.0.1:{free_port()}")
    server.start()
    try:
        server.post(alert("Disk usage", "E"))
        failed = "alertmanager_notification_requests_failed_total"
        wait_for(lambda: server.metric(failed) > 0, 20, "nothing has failed")
        configure(supervisor, server.url)
        code, said = doctor(supervisor)
    finally:
        server.stop()

    assert code == 1
    (failure,) = failures(said)
    assert "by email have failed since it started → look in its log" in failure


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureAlertmanager]:
    server = SecureAlertmanager(tmp_path_factory.mktemp("secure"), "127.0.0.1:1")
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("fault", "said", "remedy"),
    [
        ("none", "", ""),
        ("authority", "certificate: the peer's is not trusted", "name in ca_file who signed it"),
        ("no client certificate", "certificate: the peer refuses ours", "cert_file and key_file"),
        ("password", "HTTP 401", "correct username and password"),
        ("no certificate", "cannot load the certificates", "correct ca_file"),
    ],
)
def test_tls_and_login(
    supervisor: SupervisorProcess,
    secure: SecureAlertmanager,
    tmp_path: Path,
    fault: str,
    said: str,
    remedy: str,
) -> None:
    other, wrong = tmp_path / "other.pem", tmp_path / "wrong"
    trustme.CA().cert_pem.write_to_path(str(other))
    wrong.write_text("wrong", encoding="utf-8")
    wrong.chmod(0o600)
    changes = {
        "none": {},
        "authority": {"ca_file": f'"{other}"'},
        "no client certificate": {"cert_file": "", "key_file": ""},
        "password": {"password": f'{{ file = "{wrong}" }}'},
        "no certificate": {"ca_file": f'"{wrong}"'},
    }[fault]
    configure(supervisor, secure.url, more=settings(secure, **changes))
    code, printed = doctor(supervisor)
    about_us = [each for each in failures(printed) if "groups reports" not in each]

    assert PASSWORD not in printed
    if fault == "none":
        assert "  ok       reachable in " in printed
        assert about_us == []
    else:
        (failure,) = about_us
        assert said in failure
        assert remedy in failure
        assert code == 1


def test_a_database_that_is_down_and_a_secret_that_is_open(supervisor: SupervisorProcess) -> None:
    password = supervisor.directory / "password"
    password.write_text("dummy", encoding="utf-8")
    password.chmod(0o600)
    configure(supervisor, sql=SQL.format(user=USER, port=1, password=password))
    code, said = doctor(supervisor)
    password.chmod(0o644)
    also, more = doctor(supervisor)

    assert (code, also) == (1, 1)
    (failure,) = failures(said)
    assert failure.startswith("cannot connect to 127.0.0.1:1 as eborder: Connection refused → ")
    assert f"correct module 'sql' in {supervisor.config}:" in failure
    assert any(f"others may read it → run: chmod 600 {password}" in each for each in failures(more))


def test_a_file_in_the_place_of_the_state_directory(supervisor: SupervisorProcess) -> None:
    state = supervisor.directory / "state"
    state.touch()
    configure(supervisor)
    code, said = doctor(supervisor)

    assert code == 1
    assert failures(said) == [
        f"{state} is not a directory → move it away, or name another with --state-dir"
    ]


def test_a_certificate_for_another_host_is_named(
    supervisor: SupervisorProcess, secure: SecureAlertmanager
) -> None:
    configure(supervisor, secure.url.replace("127.0.0.1", "localhost"), more=settings(secure))
    code, said = doctor(supervisor)

    assert code == 1
    assert any(
        "Hostname mismatch" in each and "a host that it is for" in each for each in failures(said)
    )
