"""The checks of a host fire, are mailed once, and resolve, through a real Alertmanager."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for

CONFIG = """
service = "HOST"
[alertmanager]
urls = ["@URL@"]
min_visible = "4s"

[[modules]]
check = "daemon"
every = "1s"
[modules.params]
daemons = [{ name = "e2eArchiveManager" }]

[[modules]]
check = "session"
every = "1s"
[modules.params]
sessions = [{ name = "test", port = @PORT@, limit = 0, when = "over" }]

[[modules]]
check = "unprocessed_file"
every = "1s"
[modules.params]
directories = [{ directory = "@QUEUE@", max_age = "10m" }]

[[modules]]
check = "routing_table"
every = "1s"
[modules.params]
routes = [{ destination = "127.200.0.0", netmask = "255.255.0.0", interface = "lo" }]

[[modules]]
check = "daily"
every = "1h"
"""
REPORT = "Daily check"
"""The alertname of the report."""

CONDITIONS = ["Daemon not running", "Route missing", "Session count", "Unprocessed files"]
"""The alertnames of the conditions."""


def start_daemon() -> subprocess.Popen[bytes]:
    """Start a process with the daemon's name as its title, like a Ruby daemon."""
    return subprocess.Popen(["bash", "-c", "exec -a e2eArchiveManager sleep 600"])


@pytest.mark.skipif(os.geteuid() != 0, reason="a route needs root")
def test_each_check_fires_is_mailed_once_and_resolves(
    tmp_path: Path,
    supervisor: SupervisorProcess,
    alertmanager: AlertmanagerServer,
    smtp_sink: SmtpSink,
) -> None:
    queue = tmp_path / "queue"
    queue.mkdir()
    stale = queue / "안녕 <b>.xml"
    stale.touch()
    os.utime(stale, (0, 0))
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    served, _ = listener.accept()
    text = CONFIG.replace("@URL@", alertmanager.url).replace("@QUEUE@", str(queue))
    supervisor.config.write_text(
        text.replace("@PORT@", str(listener.getsockname()[1])), encoding="utf-8"
    )
    with listener, client, served:
        supervisor.start()

        wait_for(lambda: len(smtp_sink.mails) >= 5, 60, "mails are missing", lambda: supervisor.log)
        assert alertmanager.names() == sorted([*CONDITIONS, REPORT])
        assert "Largest processes" in smtp_sink.body(REPORT)
        assert "안녕 &lt;b&gt;.xml" in smtp_sink.body("Unprocessed files")

    stale.unlink()
    daemon = start_daemon()
    subprocess.run(["ip", "route", "add", "127.200.0.0/16", "dev", "lo"], check=True)
    try:
        wait_for(
            lambda: alertmanager.names() == [REPORT],
            20,
            "they do not resolve",
            lambda: supervisor.log,
        )
    finally:
        subprocess.run(["ip", "route", "del", "127.200.0.0/16", "dev", "lo"], check=True)
        daemon.kill()
        daemon.wait()
    supervisor.stop()

    subjects = [subject.split(", ")[1] for subject in smtp_sink.subjects()]
    assert sorted(subjects) == sorted([*CONDITIONS, REPORT])
