"""Answers the names of other programs' checks: `process` is Monit's word for `daemon`.

Each check says in its docstring where people come from. Only an unknown check needs this file. It
reads the docstrings without importing the checks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PLUGINS = """
apt by_ssh cluster dbi dhcp dummy game hpjd ifstatus ircd ldap ldaps log mailq mrtg nagios
nntp nrpe nt nwstat oracle overcr pgsql radius raid real rpc rta sensors smart snmp temp
ups users wave
""".split()  # noqa: SIM905 - a list would take a page
"""Plugins of Icinga and Nagios whose work no check of ours does."""

_LINE = re.compile(r"^Coming from (.*?)\.$", re.MULTILINE | re.DOTALL)
"""The sentence of a docstring that names the other programs' words."""

_LEGACY = re.compile(r"(?:common|pnr)[A-Z]\w+", re.ASCII)
"""The name of a module of the legacy agent."""

_PREFIXES = ("check_", "check ", "inputs.", "monit ")
"""What people write before the name itself."""


def answer(name: str, directory: Path) -> str:
    """Return the remedy for the name of another program's check. Empty if it is not known.

    `directory` holds the checks that come with the supervisor.
    """
    folded = name.strip().lower().replace("-", "_")
    for prefix in _PREFIXES:
        folded = folded.removeprefix(prefix)
    found: dict[str, list[str]] = {}
    for check, program, words in _names(directory):
        if folded in words:
            found.setdefault(check, []).append(program)
    if found:
        programs = ", ".join(dict.fromkeys(each for names in found.values() for each in names))
        return f"that is a name from {programs}, write check = {_either(list(found))}"
    if folded in PLUGINS:
        return (
            f'run the plugin check_{folded}: check = "command", with protocol = "nagios" and '
            f'argv = ["/usr/lib/nagios/plugins/check_{folded}", …] under [modules.params]'
        )
    if _LEGACY.fullmatch(name):
        return "that is the legacy agent's name; scripts/convert_yaml.py converts its files"
    return ""


def _either(checks: list[str]) -> str:
    return " or ".join(f'"{check}"' for check in checks)


def _names(directory: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Yield each check with a program and the words that this program has for it."""
    for path in sorted(directory.glob("[!_]*.py")):
        line = _LINE.search(_docstring(path))
        for part in " ".join(line[1].split()).split("; ") if line else ():
            program, _, quoted = part.partition(": ")
            words = {word for name in re.findall("`([^`]+)`", quoted) for word in _words(name)}
            yield path.stem, program, words


def _words(name: str) -> Iterator[str]:
    """Yield the names by which people call it: "check host … protocol http" is `http`."""
    yield name
    first, *rest = [word for word in name.split() if word not in ("check", "…", "protocol")] or [""]
    if name.startswith("check host") and rest:
        yield rest[-1]
    elif name.startswith("check "):
        yield from (first, *rest)


def _docstring(path: Path) -> str:
    try:
        return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, ValueError, SyntaxError):
        return ""
