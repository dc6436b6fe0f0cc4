"""The presets of `talk` with the servers that they are for: redis, sshd, Postfix, Dovecot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.servers import ROOT
from tests.e2e.talking import all_of_them

SERVICE = """
service = "TALK"

[[modules]]
check = "talk"
every = "1m"
[modules.params]
servers = [
    {servers},
]
"""

WRONG = [
    '{ name = "redis is no ssh", host = "127.0.0.1", port = @redis@, preset = "ssh", timeout = 1 }',
    '{ name = "ssh is no mail", host = "127.0.0.1", port = @ssh@, preset = "smtp", timeout = 1 }',
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `once` sees of all servers, and of some that are asked in a wrong protocol."""
    directory = tmp_path_factory.mktemp("talk")
    with all_of_them() as servers:
        ports = {name: servers.partition(f'"{name}", host')[2] for name in ("redis", "ssh")}
        wrong = ",\n    ".join(WRONG)
        for name, text in ports.items():
            port = text.partition("port = ")[2].partition(",")[0]
            wrong = wrong.replace(f"@{name}@", port)
        path = directory / "Talk.toml"
        path.write_text(SERVICE.format(servers=f"{servers},\n    {wrong}"), encoding="ascii")
        yield {**once(directory), "started": re.findall('name = "([^"]+)"', servers)}


def once(directory: Path) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "supervisor",
            "once",
            "--json",
            "--service=Talk",
            f"--config-dir={directory}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout, done.stderr
    (run,) = json.loads(done.stdout)
    found: dict[str, Any] = run
    return found


def test_each_server_answers_its_preset(runs: dict[str, Any]) -> None:
    measured = {item["labels"]["server"] for item in runs["measurements"]}

    assert measured == set(runs["started"])
    assert {"redis", "redis socket", "ssh"} <= measured


def test_a_server_of_another_protocol_is_told_with_what_it_said(runs: dict[str, Any]) -> None:
    failed = {item["instance"]: item for item in runs["conditions"]}

    assert failed.keys() == {"redis is no ssh", "ssh is no mail"}
    assert "SSH-2.0-OpenSSH" in failed["ssh is no mail"]["detail"]
