"""The command `silence` beside the shipped unit: who may use it, and what it keeps."""

from __future__ import annotations

import json
import re

import pytest

from tests.systemd.machine import Machine
from tests.systemd.test_unit import DISK, configure, status, wait_for

pytestmark = pytest.mark.timeout(600)

NAME = "silence"
MAKE = f"alertmanager-supervisor silence disk --for 2h --reason 'RAID rebuild' --service {NAME}"
LIST = f"alertmanager-supervisor silence --list --format json --service {NAME}"
PEER = '[alertmanager]\nurls = ["http://127.0.0.1:9"]\n'
"""Nothing listens at this address, so the silences wait in the state directory."""


@pytest.fixture(scope="module")
def host(machine: Machine) -> Machine:
    configure(machine, NAME, DISK, top=PEER)
    machine.run(f"systemctl start supervisor@{NAME}")
    wait_for(machine, NAME, lambda: status(machine, NAME)["modules"])
    return machine


def waiting(host: Machine) -> list[str]:
    """Return who made the silences that wait."""
    done = host.run(LIST, check=False)
    return [each["created_by"] for each in json.loads(done.stdout)["silences"]]


def test_root_and_the_user_of_the_service_may_silence(host: Machine) -> None:
    by_root = host.run(f"SUDO_USER=kim {MAKE}")
    by_service = host.run(f"runuser -u supervisor -- {MAKE}")
    file = host.run(f"stat -c '%U %a' /var/lib/supervisor/{NAME}/silences.json").stdout

    assert "kept here until an Alertmanager answers" in by_root.stdout
    assert "kept here until an Alertmanager answers" in by_service.stdout
    assert file.split() == ["supervisor", "600"]
    assert waiting(host) == ["kim", "supervisor"]


def test_another_user_is_refused_and_told_why(host: Machine) -> None:
    before = waiting(host)
    refused = host.run(f"runuser -u games -- {MAKE}", check=False)

    assert refused.returncode == 1
    assert "not under this user" in refused.stderr
    assert refused.stdout == ""
    assert waiting(host) == before


def test_a_restart_keeps_them_and_root_ends_one(host: Machine) -> None:
    host.run(MAKE)
    before = waiting(host)
    host.run(f"systemctl restart supervisor@{NAME}")
    assert waiting(host) == before

    (identity, *_) = re.findall(r'"id": "(waiting-\w+)"', host.run(LIST, check=False).stdout)
    host.run(f"alertmanager-supervisor silence --end {identity} --service {NAME}")
    assert len(waiting(host)) == len(before) - 1
