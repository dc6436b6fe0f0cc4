"""docs/reference/commands.md and metrics.md: the keys and metrics that they name, and no others."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.servers import ROOT, AlertmanagerServer, SupervisorProcess, wait_for
from tests.support.ports import free_port

REFERENCE = ROOT / "docs" / "reference"
LEGACY = ROOT / "tests" / "convert" / "legacy" / "alertmanager_KorPnrProd1.conf"
SERVICE = """
service = "SHOP"
[alertmanager]
urls = ["{url}"]
[status]
listen = "{listen}"
[[modules]]
check = "disk"
every = "1s"
[modules.params]
filesystems = [{{ filesystem = "/", max_use_percent = 0 }}]
[[modules]]
check = "daily"
every = "1h"
[[modules]]
check = "command"
name = "late"
at = ["04:00"]
timeout = "1s"
[modules.params]
protocol = "text"
argv = ["true"]
"""


def described(section: str, after: str = "") -> Mapping[str, set[str]]:
    """Return the keys that the first table of a section names, each with those inside of it.

    The table stands below the line `after`, if that is given.
    """
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    text = page.partition(f"### {section}\n")[2].partition("\n### ")[0]
    table = re.search(r"^\| .*?(?=^$)", text.partition(after)[2] if after else text, re.M | re.S)
    assert table, (section, after)
    keys = {}
    for row in table[0].splitlines()[2:]:
        names, _, rest = row.strip("| ").partition(" | ")
        inner = re.search(r"`\{([a-z_, ]+)\}`", rest)
        for name in re.findall(r"`(\w+)`", names):
            keys[name] = set(inner[1].split(", ")) if inner else set()
    return keys


def wrong_keys(found: Mapping[str, Any], described: Mapping[str, set[str]]) -> set[str]:
    """Return the keys that only the program or only the page has, also inside of lists."""
    wrong = found.keys() ^ described.keys()
    for key, inner in described.items():
        value = found.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and inner:
                wrong |= {f"{key}.{name}" for name in each.keys() ^ inner}
    return wrong


def run(supervisor: SupervisorProcess, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
    options = [f"--service={supervisor.service}", f"--config-dir={supervisor.directory}"]
    if words[0] in ("status", "tree", "doctor", "silence", "diff"):
        options.append(f"--state-dir={supervisor.directory / 'state'}")
    done = subprocess.run(
        [sys.executable, "-m", "supervisor", *words, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in codes, done.stderr
    return json.loads(done.stdout)


def test_the_pages_name_each_key_and_metric_of_a_supervisor_that_runs(
    supervisor: SupervisorProcess, alertmanager: AlertmanagerServer
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    supervisor.config.write_text(SERVICE.format(url=alertmanager.url, listen=listen), "utf-8")
    supervisor.start()

    def has_all() -> bool:
        status = run(supervisor, "status", "--json")
        return {"disk", "daily"} <= {each["check"] for each in status["alerts"]} and bool(
            status["peers"][0]["sent"]
        )

    wait_for(has_all, 60, "not all is there", lambda: supervisor.log)
    status = run(supervisor, "status", "--json")
    silence = ("silence", "disk", "--for=1h", "--reason=x", "--format=json")
    silenced = run(supervisor, *silence)
    doctor = run(supervisor, "doctor", "--json", codes=(0, 1))
    settings = SERVICE.replace('"1s"', '"2s"', 1).replace("[status]", "[labels]\na = 'b'\n[status]")
    supervisor.config.write_text(settings.format(url=alertmanager.url, listen=listen), "utf-8")
    changed = run(supervisor, "diff", "--json")
    shapes = [
        (status, described("status --json")),
        *((each, described("status --json", "A module:")) for each in status["modules"]),
        *((each, described("status --json", "An alert:")) for each in status["alerts"]),
        *((each, described("status --json", "A peer:")) for each in status["peers"]),
        (silenced, described("silence --format json")),
        *(
            (each, described("silence --format json", "A silence:"))
            for each in silenced["silences"]
        ),
        (changed, described("diff --json")),
        (run(supervisor, "tree", "--json"), described("tree --json")),
        (run(supervisor, "plan", "--format=json"), described("plan --format json")),
        (doctor, described("doctor --json")),
        *((each, described("doctor --json", "A section:")) for each in doctor["sections"]),
        *(
            (each, described("once --json"))
            for each in run(supervisor, "once", "--json", codes=(1,))
        ),
    ]
    assert changed["restart"]
    assert changed["relabel"]
    metrics = httpx.get(f"http://{listen}/metrics", trust_env=False).raise_for_status().text
    page = (REFERENCE / "metrics.md").read_text(encoding="utf-8")

    assert [wrong for found, told in shapes if (wrong := wrong_keys(found, told))] == []
    named = set(re.findall(r"`((?:supervisor|process)_\w+)`", page))
    assert set(re.findall(r"^# TYPE (\w+) ", metrics, re.M)) == named


def test_the_page_names_each_key_of_the_report_of_the_converter(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "convert_yaml.py"
    done = subprocess.run(
        [sys.executable, script, LEGACY, "--json", "--out", tmp_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    (report,) = json.loads(done.stdout)["files"]

    assert wrong_keys(report, described("convert_yaml.py --json")) == set()
