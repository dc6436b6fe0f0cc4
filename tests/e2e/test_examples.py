"""configs/Examples.toml: an example of each check, valid, on loopback, and it can be run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from ipaddress import ip_address
from pathlib import Path

from supervisor.modules.loader import known_checks
from tests.e2e.servers import ROOT

PATH = ROOT / "configs" / "Examples.toml"
TEXT = PATH.read_text(encoding="utf-8")
MODULES = tomllib.loads(TEXT)["modules"]


def supervisor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "supervisor", *arguments, "--service=Examples"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_check_has_an_example() -> None:
    assert set(known_checks()) == {module["check"] for module in MODULES}


def test_the_protocols_of_commands_have_examples() -> None:
    protocols = {module["params"]["protocol"] for module in MODULES if module["check"] == "command"}

    assert protocols == {"eborder", "nagios", "text"}


def test_validate_accepts_them() -> None:
    done = supervisor("validate")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"Examples.toml: ok, {len(MODULES)} modules\n")


def test_those_that_are_enabled_work_on_any_host() -> None:
    enabled = [module.get("name", module["check"]) for module in MODULES if is_enabled(module)]
    runs = json.loads(supervisor("once", "--json").stdout)

    assert [run["module"] for run in runs] == enabled
    assert [(run["module"], run["error"]) for run in runs if not run["ok"]] == []
    assert len(enabled) >= 5


def is_enabled(module: dict[str, object]) -> bool:
    return module.get("enabled", True) is True


def test_nothing_but_this_host_is_named() -> None:
    found = re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<=[\"'\[])[0-9a-f]*::[0-9a-f]+", TEXT)
    names = re.findall(r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|invalid)\b", TEXT)

    outside = {address for address in found if not ip_address(address).is_loopback}
    assert (len(found) > 5, outside - {"0.0.0.0"}) == (True, set())  # noqa: S104  # a destination
    assert [name for name in names if not name.endswith("example.invalid")] == []


def test_the_files_that_they_name_are_there() -> None:
    queries = re.findall(r'^query = "(.*?)"', TEXT, re.M)

    assert [query for query in queries if not Path(PATH.parent, query).is_file()] == []
