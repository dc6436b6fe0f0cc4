"""A host of its own for the commands of the documents: namespaces with an Alertmanager.

It has what the pages assume: the project in the current directory, with the service files that
pages let their readers make, `alertmanager-supervisor` in PATH, an Alertmanager with a mail server,
and a database on their usual ports of 127.0.0.1. The ports are those of a network namespace, so
nothing else of this machine is in the way. All but /tmp and the directory of the host is read-only
there: no command of a page can change this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from tests.e2e.mailing import TEMPLATES, shipped
from tests.e2e.servers import ROOT, wait_for
from tests.support.doc_blocks import pages, services

PARTS = ("supervisor", "checks", "configs", "docs", "tests")
"""What the working directory has of the project."""

ASKS = re.compile(r"\b(?:status|run-now|tree)\b.*--service (\w+)")
"""A line that asks a running supervisor."""

PROGRAM = """\
#!/bin/bash
# `run` goes on until it is stopped: start it, wait until it answers, stop it.
[ $# -gt 0 ] || set -- --service Demo
case $1 in
    -*) set -- run "$@" ;;
esac
if [ "$1" != run ]; then exec {python} -m supervisor "$@"; fi
state=$(mktemp -d)
{python} -m supervisor "$@" --state-dir "$state" & pid=$!
shift
until {python} -m supervisor status "$@" --state-dir "$state" >/dev/null 2>&1; do
    kill -0 $pid || exit 1
    sleep 0.1
done
kill -TERM $pid
wait $pid
"""

SET_UP = """
ip link set lo up
mount --bind /tmp /tmp
mount --bind "$1" "$1"
mount -o remount,bind,ro /
touch "$1/ready"
exec sleep infinity
"""
"""Makes a network of its own, and all read-only that is not written on purpose."""

SMARTHOST = "127.0.0.1:8025"
"""Where the mail server takes the mails of Alertmanager, and drops them."""

LISTENER = """\
import socket
with socket.create_server(("127.0.0.1", 3306)) as server:
    while True:
        server.accept()[0].close()
"""
"""Stands for the database that README's service connects to."""


@frozen
class DocHost:
    """The host."""

    directory: Path
    """The current directory of the commands."""
    inside: tuple[str, ...]
    """The words that run a command in the namespace."""
    environment: dict[str, str]

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the lines of a block. The service that they ask for is supervised while they run."""
        with ExitStack() as stack:
            for service in dict.fromkeys(ASKS.findall(text)):
                stack.enter_context(self.supervised(service))
            return self.type(text)

    def type(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the lines of a block as they are. No supervisor is started for them."""
        return self._run(["bash", "-euo", "pipefail", "-c", text])

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.inside, *words],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )

    @contextmanager
    def supervised(self, service: str) -> Iterator[None]:
        """Let a supervisor of the service run."""
        supervisor = [sys.executable, "-m", "supervisor"]
        process = subprocess.Popen(
            [*self.inside, *supervisor, "run", "--service", service],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            ask = [*supervisor, "status", "--service", service]
            wait_for(lambda: self._run(ask).returncode == 0, 60, f"{service} does not start")
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def doc_host(base: Path, *, bare: bool = False) -> Iterator[DocHost]:
    """Make the host below a directory. A bare one has neither Alertmanager nor database."""
    directory = base / "project"
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, directory / part, ignore=ignored)
    for name, text in (each for page in pages() for each in services(page).items()):
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "convert_yaml.py", directory / "scripts")
    (directory / ".venv").symlink_to(Path(sys.prefix))
    programs = base / "bin"
    programs.mkdir()
    for path in (programs / "alertmanager-supervisor", directory / "scripts" / "run"):
        path.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
        path.chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    amtool = base / ".config" / "amtool" / "config.yml"
    amtool.parent.mkdir(parents=True)
    amtool.write_text("alertmanager.url: http://127.0.0.1:9093\n", encoding="utf-8")
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(base),
        "PYTHONPATH": str(directory),
        "LC_ALL": "C.UTF-8",
    }
    with ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((base / "log").open("ab"))
            process = subprocess.Popen(
                words,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        ready = base / "ready"
        namespace = start("unshare", "--net", "--mount", "sh", "-ec", SET_UP, "sh", str(base))
        wait_for(ready.exists, 20, "no namespace is made")
        inside = ("nsenter", f"--target={namespace.pid}", "--net", "--mount", "--wd=.")
        host = DocHost(directory=directory, inside=inside, environment=environment)
        if bare:
            yield host
            return
        start(*inside, sys.executable, "-c", LISTENER)
        start(*inside, sys.executable, "-m", "aiosmtpd", "--nosetuid", f"--listen={SMARTHOST}")
        mails = base / "alertmanager"
        shutil.copytree(TEMPLATES, mails / "templates")
        (mails / "alertmanager.yml").write_text(shipped(SMARTHOST), encoding="utf-8")
        start(
            *inside,
            "prometheus-alertmanager",
            f"--config.file={mails / 'alertmanager.yml'}",
            f"--storage.path={mails / 'data'}",
            "--web.listen-address=:9093",
            "--cluster.listen-address=",
        )
        wait_for(lambda: host.run("amtool alert query").returncode == 0, 40, "no Alertmanager")
        yield host
