"""Completion in real shells: what each offers after a line is typed."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Set
from pathlib import Path

WORD = re.compile(r"[\w-]+")
"""A word that a shell offers."""

TIMEOUT = 30.0
"""Seconds until a shell must have answered."""


def bash(script: Path, line: str, environment: Mapping[str, str], _wanted: Set[str]) -> str:
    """Return what bash would put in place of the last word, one a line."""
    words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    text = (
        f"source {shlex.quote(str(script))}\n"
        f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
        "$(complete -p alertmanager-supervisor | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return _run(["bash", "--norc", "-c", text], environment)


def fish(script: Path, line: str, environment: Mapping[str, str], _wanted: Set[str]) -> str:
    """Return what fish offers, one a line, with descriptions."""
    text = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(line)}"
    return _run(["fish", "--no-config", "-c", text], environment)


def zsh(script: Path, line: str, environment: Mapping[str, str], wanted: Set[str]) -> str:
    """Return what zsh shows on its terminal after Tab Tab, up to the last of the wanted words."""
    functions = script.parent / "functions"
    functions.mkdir(exist_ok=True)
    (functions / "_alertmanager-supervisor").write_bytes(script.read_bytes())
    ours, its = pty.openpty()
    shell = subprocess.Popen(
        ["setsid", "--ctty", "zsh", "-f", "-i"],
        env={**environment, "TERM": "dumb"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    try:
        start = (
            f"PS1=; stty cols 400; LISTMAX=0; fpath=({functions} $fpath); autoload -U compinit; "
            "compinit -D -u; echo REA''DY\n"
        )
        os.write(ours, start.encode())
        _read_until(ours, {"READY"})
        os.write(ours, f"{line}\t\t".encode())
        return _read_until(ours, wanted)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
        os.close(its)


def _read_until(terminal: int, wanted: Set[str]) -> str:
    """Return what is written, once all of the words are in it."""
    text, latest = "", time.monotonic() + TIMEOUT
    while not wanted <= set(WORD.findall(text)):
        assert time.monotonic() < latest, f"zsh says no more than {text!r}"
        if select.select([terminal], [], [], 1)[0]:
            raw = os.read(terminal, 65536).decode(errors="replace")
            text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", " ", raw)
    return text


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert done.stderr == ""
    return done.stdout


SHELLS: Mapping[str, Callable[[Path, str, Mapping[str, str], Set[str]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
"""Each shell, and how it is asked: script, line, environment, and the words that are waited for."""
