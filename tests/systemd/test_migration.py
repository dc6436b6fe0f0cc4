"""docs/how-to/migrate.md: its steps on a host with systemd, as root, for the user `supervisor`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.doc_blocks import ROOT, Block, blocks
from tests.systemd.machine import Machine
from tests.systemd.test_unit import journal, status, wait_for

pytestmark = pytest.mark.timeout(600)

PAGE = ROOT / "docs" / "how-to" / "migrate.md"
LEGACY = ROOT / "tests" / "convert" / "legacy" / "alertmanager_KorPnrTest.conf"
FILE = "/etc/supervisor/KorPnrTest.toml"


def run(machine: Machine, block: Block, *, codes: tuple[int, ...] = (0,)) -> str:
    """Run a block of the page in the copy of the project; return what it printed."""
    machine.write("/srv/block", f"set -euo pipefail\ncd /srv/project\n{block.text}")
    done = machine.run("bash /srv/block", check=False, timeout=120)

    assert done.returncode in codes, f"{block}\n{block.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_steps_of_the_page_work_as_they_are_written(machine: Machine) -> None:
    here = str(Path(__file__).relative_to(ROOT))
    convert, plan, once, start, enable = [each for each in blocks(PAGE) if each.note == here]
    machine.write(f"/home/eborder/config/{LEGACY.name}", LEGACY.read_text(encoding="utf-8"))

    assert "look at:" in run(machine, convert)
    kept = machine.run("stat -c '%U %a %n' /etc/supervisor/secrets /etc/supervisor/secrets/*")
    assert set(re.findall(r"^(\w+ \d+) ", kept.stdout, re.MULTILINE)) == {
        "supervisor 700",
        "supervisor 600",
    }
    text = machine.run(f"cat {FILE}").stdout
    assert 'password = { file = "/etc/supervisor/secrets/' in text

    assert "connection" in run(machine, plan)
    # The sample's daemons and servers are not there: conditions, and no check fails.
    assert "Connection failed" in run(machine, once, codes=(1,))

    trial = text.replace("\n[alertmanager]", '\n[labels]\ntrial = "new"\n\n[alertmanager]')
    silent, found = re.subn(r"^urls =", "#urls =", trial, flags=re.MULTILINE)
    assert (found, 'trial = "new"' in silent) == (1, True)
    machine.write(FILE, silent)
    run(machine, start)
    wait_for(machine, "KorPnrTest", lambda: "FIRING" in journal(machine, "KorPnrTest"))
    assert status(machine, "KorPnrTest")["peers"] == []

    run(machine, enable)
    enabled = machine.run("systemctl is-enabled supervisor@KorPnrTest")
    assert enabled.stdout == "enabled\n"
    machine.run("systemctl disable --now supervisor@KorPnrTest")
