"""Databases under a whole supervisor: what reaches the mail, and that bad ones disturb nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.e2e.mariadb import SLOW, MariaDbServer, SlowProxy
from tests.e2e.servers import ROOT, AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for
from tests.support.ports import free_port

HEAD = """
service = "KOR-TEST"
timezone = "Asia/Seoul"
[alertmanager]
urls = ["@URL@"]
min_visible = "4s"
"""
PUSHES = """
SET time_zone = "+09:00";
INSERT INTO flight VALUES
    (1, 'KE', '001', 'ICN', 'NRT', NOW()), (2, 'NO', '002', 'OSL', 'ICN', NOW());
INSERT INTO push_message (flight_id, airline, received) VALUES
    (1, 'KE', NOW() - INTERVAL 2 DAY), (2, 'NO', NOW() - INTERVAL 2 DAY);
INSERT INTO report_row (airline, process, messages, handled) VALUES
    ('KE', 'U', 120, NOW() - INTERVAL 6 HOUR), ('1E', 'U', 30, NOW() - INTERVAL 6 HOUR),
    ('KE', 'U', 100, NOW() - INTERVAL 30 HOUR);
"""
SERVICES = """
INSERT INTO service VALUES ('TEST', 'KE', '대한항공', NOW()), ('TEST', '1E', 'Travelsky', NOW());
"""


def module(check: str, params: str, name: str = "", every: str = "1h", timeout: str = "3s") -> str:
    return f"""
[[modules]]
check = "{check}"
name = "{name or check}"
every = "{every}"
timeout = "{timeout}"
[modules.params]
{params}
"""


def status(supervisor: SupervisorProcess) -> dict[str, dict[str, Any]]:
    """Return what the supervisor says of each module."""
    service, _, state = supervisor.options()
    command = [sys.executable, "-m", "supervisor", "status", "--json", service, state]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {found["name"]: found for found in json.loads(asked.stdout)["modules"]}


def everything_written(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def connections(*ports: int) -> list[str]:
    """Return who is connected to one of these ports of 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    remote = {f"0100007F:{port:04X}" for port in ports}
    return [line for line in lines if line.split()[2] in remote and line.split()[3] == "01"]


def test_pushes_a_report_and_rows_are_mailed_in_both_languages(
    mariadb: MariaDbServer,
    supervisor: SupervisorProcess,
    alertmanager: AlertmanagerServer,
    smtp_sink: SmtpSink,
) -> None:
    mariadb.sql(PUSHES, "KOR-PNR")
    mariadb.sql(SERVICES, "eborder")
    (supervisor.directory / "airports.json").write_text('{"ICN": "인천", "GMP": "김포"}')
    (supervisor.directory / "names.sql").write_text(
        "SELECT service, CONCAT(name, ' 지연: 100% of ', %(what)s) AS note FROM service "
        "WHERE name LIKE '대%'"
    )
    korea, monitor = mariadb.toml("KOR-PNR"), mariadb.toml("eborder")
    supervisor.config.write_text(
        HEAD.replace("@URL@", alertmanager.url)
        + module(
            "pnr_push_process",
            f'airports_file = "airports.json"\ndatabase = {korea}\npoll_interval = 0.1',
            timeout="10s",
        )
        + module(
            "pnr_report",
            f'databases = [{korea}]\nmonitoring_database = {monitor}\ntimezone = "KST"\n'
            'process_names = { U = "작업 갱신" }\nreport_interval = "12h"',
            timeout="10s",
        )
        + module(
            "sql",
            f'database = {monitor}\nquery = "names.sql"\nparams = {{ what = "메시지" }}\n'
            'alertname = "Airline late"\ninstance_column = "service"\nmessage_column = "note"',
            timeout="10s",
        )
        + module(
            "pnr_last_message_date",
            f'server_name = "TEST"\npnr_database = {korea}\nmonitoring_database = {monitor}',
        ),
        encoding="utf-8",
    )
    supervisor.start()
    wait_for(lambda: len(smtp_sink.mails) >= 3, 40, "no mails", lambda: supervisor.log)
    supervisor.stop()

    pushes = smtp_sink.body("Push not processed")
    report = smtp_sink.body("PNR report")
    assert "KE: 1 push message not processed within 10 min" in pushes
    assert "NO: 1 push message not processed within 10 min" in pushes
    assert "대한항공" in report
    assert "작업 갱신 120" in report
    assert "150 messages, 50 % more than the day before" in report
    assert "대한항공 지연: 100% of 메시지" in smtp_sink.body("Airline late")
    assert mariadb.sql("SELECT service FROM service WHERE service = 'NO'", "eborder") == [("NO",)]
    sent = "".join(str(mail) for mail in smtp_sink.mails)
    assert mariadb.password not in sent
    assert mariadb.password.encode() not in everything_written(supervisor.directory)


def test_bad_databases_fail_clearly_disturb_nobody_and_leave_nothing(
    mariadb: MariaDbServer, supervisor: SupervisorProcess, alertmanager: AlertmanagerServer
) -> None:
    for name, text in (
        ("quick", "SELECT 1 AS n"),
        ("sleep", SLOW),
        ("locked", "SELECT COUNT(*) AS n FROM flight"),
        ("schema", "SELECT absent AS n FROM flight"),
    ):
        (supervisor.directory / f"{name}.sql").write_text(text)
    wrong = supervisor.directory / "wrong"
    wrong.write_text("dummy-wrong-password")
    wrong.chmod(0o600)
    refused = mariadb.toml().replace(str(mariadb.password_file), str(wrong))
    with ExitStack() as stack:
        silent = stack.enter_context(SlowProxy(mariadb.port).running())
        dripping = stack.enter_context(SlowProxy(mariadb.port, drips=True).running())
        stack.enter_context(mariadb.locked("KOR-PNR", "flight"))
        bad = {
            "down": (mariadb.toml(port=free_port()), "quick", "Connection refused"),
            "refused": (refused, "quick", "Access denied for user"),
            "schema": (mariadb.toml("eborder"), "schema", "Unknown column"),
            "sleep": (mariadb.toml(), "sleep", "and was stopped"),
            "locked": (mariadb.toml(), "locked", "waited for a lock"),
            "silent": (mariadb.toml(port=silent.port), "quick", "no answer within 2."),
            "dripping": (mariadb.toml(port=dripping.port), "quick", "no answer within 2."),
        }
        good = HEAD.replace("@URL@", alertmanager.url) + module(
            "inode", 'filesystems = [{ filesystem = "/", max_use_percent = 100 }]', every="2s"
        )
        supervisor.config.write_text(
            good
            + "".join(
                module("sql", f'database = {database}\nquery = "{query}.sql"', name, every="4s")
                for name, (database, query, _) in bad.items()
            ),
            encoding="utf-8",
        )
        mariadb.sql("CREATE TABLE IF NOT EXISTS flight (id INT)", "eborder")
        supervisor.start()

        def all_failed() -> bool:
            modules = status(supervisor)
            return all(modules[name]["failures"] for name in bad)

        wait_for(all_failed, 30, "not failed", lambda: supervisor.log)
        modules = status(supervisor)
        wait_for(lambda: len(alertmanager.alerts()) == len(bad), 10, "no alerts")
        alerts = alertmanager.alerts()
        said = json.dumps(alerts) + json.dumps(modules)
        # The modules are taken away in the middle of their runs; the process lives on.
        supervisor.config.write_text(good, encoding="utf-8")
        os.kill(supervisor.pid, signal.SIGHUP)
        wait_for(
            lambda: not connections(silent.port, dripping.port) and not mariadb.sessions(),
            5,
            "connections stay",
            lambda: f"{mariadb.sessions()}\n{supervisor.log}",
        )
        supervisor.stop()

    assert {name: modules[name]["last_result"] for name in bad} == dict.fromkeys(bad, "failed")
    assert modules["inode"]["skipped"] == modules["inode"]["failures"] == 0
    assert modules["inode"]["runs"] >= 2
    messages = {
        alert["labels"]["alertname"]: alert["annotations"]["message"]
        for alert in alerts
        if alert["labels"]["event_type"] == "TE"
    }
    for name, (_, _, part) in bad.items():
        assert part in messages[f"Failed to execute module ({name})"]
    wrong.unlink()
    kept = everything_written(supervisor.directory)
    for password in (mariadb.password, "dummy-wrong-password"):
        assert password not in said
        assert password.encode() not in kept
