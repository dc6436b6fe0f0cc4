"""Jobs of real users, of cron and of a timer, under the shipped unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.systemd.machine import Machine
from tests.systemd.test_unit import configure, status
from tests.systemd.test_unit import wait_for as wait_for_unit

pytestmark = pytest.mark.timeout(900)
PATIENCE = 90.0
"""Seconds: a machine that other tests keep busy is slow."""

NAME = "jobs"
SPOOL = f"/var/spool/supervisor/{NAME}"
JOBS = """
[[modules]]
check = "jobs"
every = "1s"
[[modules.params.jobs]]
name = "nightly"
users = ["games"]
[[modules.params.jobs]]
name = "cleaning"
unit = "cleaning.service"
"""
CLEANING = "[Service]\nType=oneshot\nExecStart=/bin/sh -c '{what}'\n"
TIMER = "[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\n"
CRONTAB = """\
PATH=/usr/local/bin:/usr/bin:/bin
* * * * * games alertmanager-supervisor job nightly --service {name} -- false
"""


def wait_for(machine: Machine, name: str, happened: Callable[[], Any]) -> None:
    wait_for_unit(machine, name, happened, PATIENCE)


def firing(machine: Machine, name: str) -> list[str]:
    """Return what fires now. `status` also shows what was resolved a moment ago."""
    alerts = status(machine, name)["alerts"]
    return [each["alertname"] for each in alerts if each["state"] == "firing"]


def figure(machine: Machine, name: str, job: str) -> float | None:
    for module in status(machine, NAME)["modules"]:
        for each in module["measurements"]:
            if (each["name"], each["labels"].get("job")) == (name, job):
                return float(each["value"])
    return None


@pytest.fixture(scope="module")
def jobs(machine: Machine) -> Machine:
    configure(machine, NAME, JOBS)
    machine.write("/etc/systemd/system/cleaning.service", CLEANING.format(what="exit 3"))
    machine.run(f"systemctl daemon-reload; systemctl start supervisor@{NAME}")
    wait_for(
        machine, NAME, lambda: machine.run(f"test -S {SPOOL}/socket", check=False).returncode == 0
    )
    return machine


def test_the_spool_has_the_mode_that_it_needs(jobs: Machine) -> None:
    said = jobs.run(f"stat -c '%U %a' /var/spool/supervisor {SPOOL}").stdout.splitlines()

    assert said == ["supervisor 755", "supervisor 1733"]


def test_the_job_of_a_user_fires_and_resolves(jobs: Machine) -> None:
    job = f"alertmanager-supervisor job nightly --service {NAME}"
    ran = jobs.run(f"runuser -u games -- {job} -- sh -c 'echo no space; exit 3'", check=False)

    assert ran.returncode == 3
    wait_for(jobs, NAME, lambda: "Job failed" in firing(jobs, NAME))
    assert jobs.run(f"runuser -u games -- {job} --ok --wait 60").returncode == 0
    wait_for(jobs, NAME, lambda: "Job failed" not in firing(jobs, NAME))


def test_another_user_reports_nothing_and_reads_nothing(jobs: Machine) -> None:
    before = figure(jobs, "job_failures", "nightly")
    job = f"alertmanager-supervisor job nightly --service {NAME}"
    jobs.run(f"runuser -u nobody -- {job} --fail forged")
    wait_for(jobs, NAME, lambda: not jobs.run(f"ls {SPOOL} | grep json", check=False).stdout)

    assert figure(jobs, "job_failures", "nightly") == before
    assert jobs.run(f"runuser -u nobody -- ls {SPOOL}", check=False).returncode != 0


def test_a_unit_and_its_timer_need_no_wrapper(jobs: Machine) -> None:
    jobs.write("/etc/systemd/system/cleaning.timer", TIMER)
    assert figure(jobs, "job_last_start_age", "cleaning") is None, "it was never triggered"
    jobs.run("systemctl daemon-reload; systemctl start cleaning.timer")
    wait_for(jobs, NAME, lambda: figure(jobs, "job_failures", "cleaning") == 1)

    assert "Job failed" in firing(jobs, NAME)
    jobs.write("/etc/systemd/system/cleaning.service", CLEANING.format(what="sleep 1"))
    jobs.run("systemctl daemon-reload; systemctl start cleaning.service")
    wait_for(jobs, NAME, lambda: figure(jobs, "job_successes", "cleaning") == 1)
    wait_for(jobs, NAME, lambda: "Job failed" not in firing(jobs, NAME))


def test_cron_runs_the_wrapper(jobs: Machine) -> None:
    before = figure(jobs, "job_failures", "nightly") or 0
    jobs.write("/etc/cron.d/nightly", CRONTAB.format(name=NAME))
    jobs.run("systemctl restart cron")
    wait_for(jobs, NAME, lambda: (figure(jobs, "job_failures", "nightly") or 0) > before)
    jobs.run("rm /etc/cron.d/nightly")

    assert "Job failed" in firing(jobs, NAME)
