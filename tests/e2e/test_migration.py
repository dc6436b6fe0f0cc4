"""docs/how-to/migrate.md: beside the legacy agent, no mail reaches the teams before the switch."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter

import httpx

from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for
from tests.support.ports import free_port

EVENTS = json.dumps([{"EventType": "I", "EventName": "Daily", "EventMessage": "all is well"}])
ROUTE = """  routes:
    - matchers: ['trial="new"']
      receiver: 'trial'
"""
RECEIVER = """receivers:
  - name: 'trial'
    email_configs:
      - to: 'you@example.invalid'
        headers:
          Subject: '{{ .GroupLabels.alertname }}'
        tls_config:
          insecure_skip_verify: true
"""


def add_route(alertmanager: AlertmanagerServer) -> None:
    """Put the trial's route above the others, and let Alertmanager notify within a second."""
    config = alertmanager.directory / "alertmanager.yml"
    text = config.read_text(encoding="utf-8").replace("3s", "1s")
    text = text.replace("  routes:\n", ROUTE, 1).replace("receivers:\n", RECEIVER, 1)
    config.write_text(text, encoding="utf-8")
    httpx.post(f"{alertmanager.url}/-/reload", trust_env=False).raise_for_status()


def write_config(
    supervisor: SupervisorProcess, port: int, *, urls: list[str], labels: str = ""
) -> None:
    supervisor.config.write_text(
        f"""
service = "KOR-TEST"
[labels]
{labels}
[alertmanager]
urls = {json.dumps(urls)}
min_visible = "2s"
[[modules]]
check = "connection"
every = "1s"
[modules.params]
servers = [{{ name = "USTD-DEV1", host = "127.0.0.1", port = {port} }}]
[[modules]]
check = "command"
every = "1d"
[modules.params]
protocol = "eborder"
argv = ["sh", "-c", {json.dumps(f"echo '{EVENTS}'")}]
""",
        encoding="utf-8",
    )


def reload(supervisor: SupervisorProcess) -> None:
    before = supervisor.log.count(" reloaded ")
    os.kill(supervisor.pid, signal.SIGHUP)
    wait_for(lambda: supervisor.log.count(" reloaded ") > before, 10, "it does not reload")


def test_the_teams_get_no_mail_before_the_switch_and_one_for_what_fires_then(
    supervisor: SupervisorProcess, alertmanager: AlertmanagerServer, smtp_sink: SmtpSink
) -> None:
    def mails() -> Counter[tuple[str, str]]:
        return Counter((mail["To"].split("@")[0], mail["Subject"]) for mail in smtp_sink.mails)

    add_route(alertmanager)
    port = free_port()
    write_config(supervisor, port, urls=[], labels='trial = "new"')
    supervisor.start()
    wait_for(
        lambda: "FIRING " in supervisor.log and "REPORT " in supervisor.log,
        20,
        "nothing is seen",
        lambda: supervisor.log,
    )

    write_config(supervisor, port, urls=[alertmanager.url], labels='trial = "new"')
    reload(supervisor)
    trial = Counter([("you", "Connection failed"), ("you", "Daily")])
    wait_for(lambda: mails() >= trial, 20, "the trial's mails do not arrive")
    assert mails() == trial

    write_config(supervisor, port, urls=[alertmanager.url])
    reload(supervisor)
    wait_for(lambda: mails() > trial, 20, "what fires at the switch is not mailed")

    assert [who for who, _ in (mails() - trial).elements()] == ["warning-error"]
