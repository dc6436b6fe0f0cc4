"""The supervisor as process 1 of a container, which is a namespace of processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import poll

ROOT = Path(__file__).parent.parent.parent

SERVICE = """
service = "X"
timezone = "UTC"

[[modules]]
check = "command"
every = "1s"

[modules.params]
argv = ["/bin/true"]
protocol = "text"
"""


def children(pid: int) -> dict[int, str]:
    """Return the children of a process and the state of each, such as "S" or "Z"."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            stat = Path(f"/proc/{child}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(child)] = stat.rpartition(")")[2].split()[0]
    return found


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="a namespace needs root"
)
def test_process_1_reaps_the_dead_and_lets_strangers_live(tmp_path: Path) -> None:
    (tmp_path / "X.toml").write_text(SERVICE)
    run = [sys.executable, "-m", "supervisor", "run", "--verbose", "--service", "X"]
    directories = ["--config-dir", str(tmp_path), "--state-dir", str(tmp_path / "state")]
    log = tmp_path / "log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *run, *directories],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=stderr,
        ) as container,
    ):
        try:
            poll(lambda: "command: ok" in log.read_text())
            (process_1,) = children(container.pid)
            leave = "setsid sleep 301 & setsid sleep 0.01 & (sleep 0.02 &)"
            enter = ["nsenter", f"--target={process_1}", "--mount", "--pid"]
            subprocess.run([*enter, "sh", "-c", leave], check=True)
            runs = log.read_text().count("command: ok")

            def is_clean() -> bool:
                states = list(children(process_1).values())
                return states == ["S"] and log.read_text().count("command: ok") > runs + 1

            poll(is_clean)
        finally:
            container.kill()
