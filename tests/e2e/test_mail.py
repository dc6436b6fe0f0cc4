"""A check that fails on this machine becomes one mail, through a real Alertmanager."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for
from tests.support.ports import free_port

EVENTS = """\
[{"ServiceName": "TEST", "EventType": "I", "EventName": "Daily check", \
"EventMessage": "안녕하세요", "EventTime": "2026-11-22 09:00:00", \
"EventDetailMessage": "<b>모두 정상</b>"}]
"""


def write_config(
    supervisor: SupervisorProcess, url: str, port: int, *, extra: str = "", min_visible: str = "4s"
) -> None:
    events = supervisor.directory / "events.json"
    events.write_text(EVENTS, encoding="utf-8")
    supervisor.config.write_text(
        f"""
service = "KOR-TEST"
timezone = "Asia/Seoul"
[labels]
host = "test-host"
[alertmanager]
urls = ["{url}"]
min_visible = "{min_visible}"

[[modules]]
check = "connection"
every = "1s"
[modules.params]
servers = [{{ name = "USTD-DEV1", host = "127.0.0.1", port = {port} }}]

[[modules]]
check = "disk"
every = "2s"
[modules.params]
filesystems = [{{ filesystem = "/", max_use_percent = 0 }}]
{extra}
""",
        encoding="utf-8",
    )


def report_module(supervisor: SupervisorProcess) -> str:
    # `every` is long: the report is made once, by the first run after the start.
    return f"""
[[modules]]
check = "command"
name = "daily"
every = "1d"
[modules.params]
protocol = "eborder"
argv = ["sh", "-c", "cat {supervisor.directory / "events.json"}"]
"""


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def active(alertmanager: AlertmanagerServer) -> list[str]:
    return alertmanager.names()


def test_a_refused_port_a_full_disk_and_a_report_become_one_mail_each(
    supervisor: SupervisorProcess, alertmanager: AlertmanagerServer, smtp_sink: SmtpSink
) -> None:
    port = free_port()
    write_config(supervisor, alertmanager.url, port, extra=report_module(supervisor))
    supervisor.start()

    wait_for(lambda: len(smtp_sink.mails) >= 3, 40, "the mails do not arrive")

    subjects = smtp_sink.subjects()
    assert [subject[:31] for subject in subjects] == [
        "KOR-TEST - E, Connection failed",
        "KOR-TEST - W, Disk usage, " + subjects[1][26:31],
        "TEST - I, Daily check, 2026-11-",
    ]
    assert [
        mail["To"] for mail in sorted(smtp_sink.mails, key=lambda mail: str(mail["Subject"]))
    ] == [
        "warning-error@example.invalid",
        "warning-error@example.invalid",
        "info@example.invalid",
    ]
    assert f"127.0.0.1:{port}" in smtp_sink.body("Connection failed")
    assert "/ is " in smtp_sink.body("Disk usage")
    assert "<b>모두 정상</b>" in smtp_sink.body("Daily check")
    labels = next(
        alert["labels"]
        for alert in alertmanager.alerts()
        if alert["labels"]["alertname"] == "Connection failed"
    )
    assert labels == {
        "alertname": "Connection failed",
        "service": "KOR-TEST",
        "event_type": "E",
        "host": "test-host",
        "check": "connection",
        "instance": "USTD-DEV1",
    }

    with listening(port):
        wait_for(lambda: "Connection failed" not in active(alertmanager), 15, "it does not resolve")
        assert supervisor.stop() == 0

    assert len(smtp_sink.mails) == 3
    assert "Disk usage" in active(alertmanager)


def test_what_fired_before_a_kill_and_ended_before_the_next_start_is_still_mailed(
    tmp_path: Path, supervisor: SupervisorProcess, smtp_sink: SmtpSink
) -> None:
    port, directory = free_port(), tmp_path / "late-alertmanager"
    directory.mkdir()
    alertmanager = AlertmanagerServer(directory, f"127.0.0.1:{smtp_sink.port}")
    write_config(supervisor, alertmanager.url, port)
    supervisor.start()
    wait_for(lambda: "FIRING   E  Connection failed" in supervisor.log, 15, "it does not fire")
    supervisor.kill()

    alertmanager.start()
    try:
        with listening(port):
            supervisor.start()
            wait_for(
                lambda: any("Connection failed" in subject for subject in smtp_sink.subjects()),
                40,
                "it was lost",
                lambda: supervisor.log,
            )
            wait_for(
                lambda: "Connection failed" not in active(alertmanager), 30, "it does not resolve"
            )
            supervisor.stop()
    finally:
        alertmanager.stop()

    assert sum("Connection failed" in subject for subject in smtp_sink.subjects()) == 1
