"""A supervised host whose alerts are silenced, for the end-to-end tests of silences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from tests.e2e.servers import ROOT, SmtpSink, SupervisorProcess, wait_for


@define
class Host:
    """A supervised host with modules that fire while a file of their name exists."""

    supervisor: SupervisorProcess
    sink: SmtpSink

    def configure(self, urls: Sequence[str], *modules: str) -> None:
        tables = "".join(
            f"""
[[modules]]
check = "command"
name = "{name}"
every = "2s"
[modules.params]
protocol = "text"
argv = ["test", "!", "-e", "{self._file(name)}"]
"""
            for name in modules
        )
        self.supervisor.config.write_text(
            f"""
service = "SHOP"
timezone = "Asia/Seoul"
[labels]
host = "shop1"
[alertmanager]
urls = {json.dumps(urls)}
min_visible = "4s"
{tables}""",
            encoding="utf-8",
        )

    def break_(self, *modules: str) -> None:
        for name in modules:
            self._file(name).touch()

    def mend(self, *modules: str) -> None:
        for name in modules:
            self._file(name).unlink()

    def _file(self, name: str) -> Path:
        return self.supervisor.directory / f"{name}.broken"

    def silence(
        self, *words: str, code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", "silence", *self.supervisor.options(), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def silences(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.silence(*words, "--format=json", code=code).stdout)
        return found

    def mailed(self, module: str) -> int:
        """Return how many mails told of the beginning."""
        return sum(f" {module}," in each and "RESOLVED" not in each for each in self._subjects())

    def ended(self, module: str) -> int:
        """Return how many mails told of the end."""
        return sum(f" {module}," in each and "RESOLVED" in each for each in self._subjects())

    def _subjects(self) -> set[str]:
        """Return what was mailed, each once: a slow cluster may mail something twice.

        A subject holds the time at which the alert began.
        """
        return {" ".join(str(mail["Subject"]).split()) for mail in self.sink.mails}

    def wait_for_ends(self, *modules: str) -> None:
        wait_for(
            lambda: all(self.ended(name) for name in modules),
            60,
            f"not all ends of {modules}",
            lambda: f"{self._subjects()}\n{self.supervisor.log}",
        )

    def wait_for_mails(self, *modules: str) -> None:
        wait_for(
            lambda: all(self.mailed(name) for name in modules),
            60,
            f"not all mails of {modules}",
            lambda: f"{self._subjects()}\n{self.supervisor.log}",
        )


@pytest.fixture
def host(supervisor: SupervisorProcess, smtp_sink: SmtpSink) -> Host:
    return Host(supervisor, smtp_sink)


def amtool(url: str, *words: str) -> str:
    done = subprocess.run(
        ["amtool", f"--alertmanager.url={url}", *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def status(host: Host, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "supervisor", "status", *host.supervisor.options(), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
