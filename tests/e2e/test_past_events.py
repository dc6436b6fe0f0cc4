"""Each line of a log is mailed, though Alertmanager waits longer than a run."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.mailing import ShippedAlertmanager, text_of
from tests.e2e.servers import SmtpSink, SupervisorProcess, wait_for

RUN = 0.3
"""Seconds between two runs of the module."""

INTERVALS = {"group_wait": "2s", "group_interval": "3s"}
"""As in the shipped file, they are longer than a run, and shorter than `min_visible`."""


@pytest.fixture
def peer(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[ShippedAlertmanager]:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    smarthost = f"127.0.0.1:{smtp_sink.port}"
    server = ShippedAlertmanager(directory, smarthost, intervals=INTERVALS)
    server.start()
    yield server
    server.stop()


def mailed(sink: SmtpSink) -> list[list[str]]:
    """Return the lines that each mail is the first to name. A mail may name earlier ones, too."""
    found: list[list[str]] = []
    for mail in sink.mails:
        known = {line for lines in found for line in lines}
        if news := sorted(set(re.findall(r"lost-\d", text_of(mail))) - known):
            found.append(news)
    return found


def test_three_lines_of_a_log_become_three_mails(
    supervisor: SupervisorProcess, peer: ShippedAlertmanager, smtp_sink: SmtpSink
) -> None:
    log = supervisor.directory / "app.log"
    log.write_text("", encoding="utf-8")
    supervisor.config.write_text(
        f"""
service = "TEST"
[alertmanager]
urls = ["{peer.url}"]
min_visible = "8s"
[[modules]]
check = "log_pattern"
every = {RUN}
[modules.params]
logs = [{{ path = "{log}", pattern = "lost", from_start = true }}]
""",
        encoding="utf-8",
    )
    supervisor.start()

    for number in (1, 2, 3):
        with log.open("a", encoding="utf-8") as file:
            file.write(f"lost-{number}\n")
        wait_for(partial(has_ended, supervisor, number), 20, "it does not end")
        wait_for(partial(is_mailed, smtp_sink, number), 30, "no mail of it")

    assert mailed(smtp_sink) == [["lost-1"], ["lost-2"], ["lost-3"]]
    assert not peer_is_active_after(peer, 60)


def has_ended(supervisor: SupervisorProcess, times: int) -> bool:
    return supervisor.log.count("RESOLVED") >= times


def is_mailed(sink: SmtpSink, number: int) -> bool:
    return [f"lost-{number}"] in mailed(sink)


def peer_is_active_after(peer: ShippedAlertmanager, seconds: float) -> list[str]:
    deadline = time.monotonic() + seconds
    while (names := peer.names()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return names
