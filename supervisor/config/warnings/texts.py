"""What a single text hardly means: variables, patterns of files, other names of event types."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from supervisor.config.problems import SECRETIVE, KeyPath
from supervisor.text import shortened

PATHS = re.compile(r"(.*_)?(file|dir|directory|path|query|socket|cwd|filesystem)")
"""Names of keys that hold the path of one file or directory."""

WATCHED = frozenset({"directory", "path", "pid_dir"})
"""Names of keys with what a check watches. A relative path there starts where the process does."""

EXPRESSIONS = frozenset({"pattern", "exclude", "contains"})
"""Names of keys in which `$`, `{` and `*` have a meaning of their own."""

ALL_FILESYSTEMS = ("filesystem", "*")
"""The key and the value that stand for each filesystem of this host."""

READ_AS_PATTERNS = frozenset({("logs", "path")})
"""Keys, each with the key of the list that it is in, whose paths may be patterns."""

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "perl", "python3", "awk"})
"""Programs that fill in variables themselves."""

EVENT_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("e", "err", "error", "c", "crit", "critical", "fatal", "emergency"), "E"),
    **dict.fromkeys(("w", "warn", "warning"), "W"),
    **dict.fromkeys(("i", "info", "information", "informational", "notice"), "I"),
    "s": "S",
    "te": "TE",
}
"""Words in lower case that stand for an event type elsewhere, with our event type."""

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_GLOB = re.compile(r"[*?]|\[[^\]]+\]")


def warning(path: KeyPath, text: str, directory: Path, *, is_ours: bool) -> tuple[str, str] | None:
    """Return what is doubtful in a text, and what would be right; None if nothing is.

    Relative paths start at `directory`.
    """
    names = [step for step in path if isinstance(step, str)]
    name = names[-1] if names else ""
    if name in EXPRESSIONS:
        return None
    if found := _VARIABLE.search(text):
        what = "a variable" if SECRETIVE.search(name) else shortened(found[0])
        return (
            f"has {what}, which is not filled in",
            'write the value itself; for a secret write { env = "NAME" }',
        )
    if "annotations" in names or "labels" in names:
        if found := _TEMPLATE.search(text):
            return f"has {shortened(found[0])}, which is not filled in", "write the text itself"
        return None
    if not is_ours:
        return None
    if name.endswith("event_type"):
        return _event_type(text)
    if PATHS.fullmatch(name):
        return _file(name, text, directory, is_pattern=(*names[-2:],) in READ_AS_PATTERNS)
    return None


def is_for_a_shell(path: KeyPath, values: Sequence[object]) -> bool:
    """Return whether a list is the command line of a program that fills in variables itself."""
    first = str(values[0]) if values else ""
    return path[-1:] == ("argv",) and PurePath(first).name in SHELLS


def _event_type(text: str) -> tuple[str, str] | None:
    ours = EVENT_TYPES.get(text.lower())
    if ours is None or ours == text:
        return None
    wrong = f"'{shortened(text)}' is an event type of its own, and routes for {ours} do not take it"
    return wrong, f'write "{ours}", or give each Alertmanager a route for it'


def _file(name: str, text: str, directory: Path, *, is_pattern: bool) -> tuple[str, str] | None:
    if text.startswith(("~/", "$")):
        wrong = f"begins with {text.partition('/')[0]}, which is not filled in"
        return wrong, "write the whole path"
    if name in WATCHED and not os.path.isabs(text):
        return "starts at the directory in which the supervisor is started", "write the whole path"
    found = None if (name, text) == ALL_FILESYSTEMS else _GLOB.search(text)
    if found is None or is_pattern or os.path.lexists(directory / text):
        return None
    wrong = f"has {found[0]}, which is taken as it is: no pattern is read here"
    return wrong, "write the path of one file, and an entry for each"
