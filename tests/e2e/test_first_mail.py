"""The tutorial docs/tutorial/first-mail.md, typed as it stands, with the real Alertmanager.

What the page shows as output is what its commands print, except for times and the host's name.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from tests.e2e.servers import ROOT, wait_for
from tests.support.doc_blocks import Block, blocks
from tests.support.doc_host import DocHost, doc_host
from tests.support.network_namespace import needs_root

TUTORIAL = ROOT / "docs" / "tutorial" / "first-mail.md"
OURS = "tests/e2e/test_first_mail.py"
INBOUND = "/tmp/inbound"
"""The reader's directory. The test has one of its own instead, with a short name as well.

A subject shows 80 characters of it."""

GOES_ON = re.compile(r"(?:PYTHONUNBUFFERED=1 aiosmtpd|prometheus-alertmanager|scripts/run run) ")
"""What a command begins with that keeps its terminal until Ctrl+C."""

READY = {
    "PYTHONUNBUFFERED=1": ": </dev/tcp/127.0.0.1/8025",
    "prometheus-alertmanager": "amtool alert query",
    "scripts/run": "scripts/run status --service First",
}
"""For the first word of such a command: what succeeds as soon as it is ready."""

MAILS = {
    "scripts/run test-alert": "Subject: FIRST - I, Test alert, ",
    "touch": "Subject: FIRST - W, Unprocessed files, ",
    "rm /": "Subject: [RESOLVED] FIRST - W, Unprocessed files, ",
}
"""For a part of a block: the mail that arrives when its commands were typed."""

PROGRAM = '#!/bin/sh\nexec {python} -m {module} "$@"\n'


@define
class Reader:
    """Types what the page says, and has all that was printed."""

    host: DocHost
    log: Path
    inbound: Path
    _running: list[subprocess.Popen[bytes]] = field(factory=list)

    @property
    def printed(self) -> str:
        """What all terminals show, one after the other: their lines do not mix."""
        logs = sorted(self.log.parent.glob(f"{self.log.name}*"))
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def type(self, block: Block) -> None:
        text = block.text.replace(INBOUND, str(self.inbound))
        if GOES_ON.match(text):
            self._start(text)
        else:
            done = self.host.type(text)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{self.printed}"
            with self.log.open("a", encoding="utf-8") as log:
                log.write(done.stdout)
        for part, subject in MAILS.items():
            if part in text:
                self._await(subject)

    def _await(self, subject: str) -> None:
        wait_for(lambda: subject in self.printed, 120, f"no mail {subject}", lambda: self.printed)

    def _start(self, text: str) -> None:
        with self.log.with_name(f"{self.log.name}-{len(self._running)}").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [*self.host.inside, "bash", "-c", text],
                    cwd=self.host.directory,
                    env=self.host.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        ready = READY[text.split()[0]]
        wait_for(
            lambda: self.host.type(ready).returncode == 0,
            60,
            f"not ready: {text}",
            lambda: self.printed,
        )

    def press_ctrl_c(self) -> None:
        """Stop what runs, the last one first."""
        while self._running:
            process = self._running.pop()
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


@contextmanager
def reader(base: Path) -> Iterator[Reader]:
    with tempfile.TemporaryDirectory() as short, doc_host(base, bare=True) as host:
        python = sys.executable
        run = host.directory / "scripts" / "run"
        run.write_text(PROGRAM.format(python=python, module="supervisor"), encoding="utf-8")
        sink = base / "bin" / "aiosmtpd"
        sink.write_text(PROGRAM.format(python=python, module="aiosmtpd"), encoding="utf-8")
        sink.chmod(0o755)
        log = base / "printed"
        log.touch()
        made = Reader(host, log, Path(short, "inbound"))
        try:
            yield made
        finally:
            made.press_ctrl_c()


def shape(text: str, inbound: Path) -> str:
    """Return a text without what differs from host to host: times, names, and broken lines."""
    text = text.replace("=\n", "").replace(str(inbound), INBOUND)
    text = text.replace(socket.gethostname(), "vm")
    text = re.sub(r"\b(?:\d+m)?\d+s\b", "0s", text)
    return re.sub(r" +$", "", re.sub(r"\d+", "0", text), flags=re.M)


def is_in(printed: str, text: str, inbound: Path) -> bool:
    """Return whether a text was printed. Alertmanager writes the headers of a mail in any order."""
    parts = text.splitlines(keepends=True) if text.startswith("Subject:") else [text]
    return all(shape(part, inbound) in printed for part in parts)


@needs_root
def test_the_page_leads_to_the_first_mail_and_to_its_end(tmp_path: Path) -> None:
    page = TUTORIAL.read_text(encoding="utf-8")
    ((name, toml),) = re.findall(r"^`([\w./]+)`:\n\n```toml\n(.*?)^```$", page, re.M | re.S)
    shown = re.findall(r"^```text\n(.*?)^```$", page[page.index("## 3.") :], re.M | re.S)
    typed = [block for block in blocks(TUTORIAL) if block.note == OURS]

    with reader(tmp_path) as at:
        service = at.host.directory / name
        service.write_text(toml.replace(INBOUND, str(at.inbound)), encoding="utf-8")
        for block in typed[:-1]:
            at.type(block)
        at.press_ctrl_c()
        printed = shape(at.printed, at.inbound)
        at.type(typed[-1])
        made = (service, at.inbound, at.host.directory / "first-mail")
        left = [path for path in made if path.exists()]

    assert len(typed) == 11
    assert [text for text in shown if not is_in(printed, text, at.inbound)] == []
    assert "Nothing failed" in printed
    assert left == []
