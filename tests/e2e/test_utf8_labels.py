"""Names of labels in UTF-8: a new Alertmanager takes them, an old one refuses, and doctor tells."""

from __future__ import annotations

import re

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import AlertmanagerServer, SupervisorProcess, wait_for
from tests.support.alertmanager_version import alertmanager_version

CONFIG = """
service = "TEST"
[labels]
host = "h"
"région" = "north"
[alertmanager]
urls = ["{url}"]
{switch}

[[modules]]
check = "disk"
every = "1s"
[modules.labels]
"app.kubernetes.io/name" = "shop"
[modules.params]
filesystems = [{{ filesystem = "/", max_use_percent = 0 }}]
"""


def configure(supervisor: SupervisorProcess, url: str, switch: str) -> None:
    supervisor.config.write_text(CONFIG.format(url=url, switch=switch), encoding="utf-8")


def test_they_arrive_where_doctor_says_so(
    supervisor: SupervisorProcess, alertmanager: AlertmanagerServer
) -> None:
    takes = alertmanager_version() >= (0, 27)
    configure(supervisor, alertmanager.url, "utf8_labels = true")
    told = run_supervisor("doctor", *supervisor.options()).stdout
    supervisor.start()
    if takes:
        wait_for(alertmanager.alerts, 30, "no alert", lambda: supervisor.log)
        labels = alertmanager.alerts()[0]["labels"]
        assert (labels["région"], labels["app.kubernetes.io/name"]) == ("north", "shop")
    else:
        wait_for(lambda: "AlertRejected" in supervisor.log, 30, "taken", lambda: supervisor.log)

    told = " ".join(told.split())
    assert ("it takes names of labels in UTF-8" in told) is takes
    assert bool(re.search("does not take the label .*run Alertmanager 0.27", told)) is not takes


def test_without_the_switch_they_are_refused(supervisor: SupervisorProcess) -> None:
    configure(supervisor, "http://127.0.0.1:1", "")
    refused = run_supervisor("validate", *supervisor.options()[:2])

    assert refused.returncode == 78
    assert refused.stderr.count("is not a label name") == 2
    assert "set utf8_labels = true in [alertmanager]" in refused.stderr
