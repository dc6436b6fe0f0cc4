"""The logs that running programs write: a module of `log_pattern`. Only if asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

from supervisor.discover.draft import Draft, Finding, Item, quoted

PATTERN = r"(?i)\b(fatal|panic|segfault|out of memory|cannot allocate)"
"""What is looked for. It is rare in a log of a program that works."""

_LOG = re.compile(r"/var/log/.*|/.*\.log")
"""Paths of logs."""

_NO_TEXT = re.compile(r"/(journal|wtmp|btmp|lastlog|faillog)(/|$)|\.(journal|gz|xz|bin)$")
"""Files of /var/log that hold no lines."""


def logs() -> Finding:
    """Return a module with the logs that a running program has open for writing."""
    items = []
    for path in sorted(set(_open_for_writing())):
        with suppress(ValueError):
            text = f"{{ path = {quoted(path)}, pattern = '{PATTERN}', optional = true }}"
            items.append(Item(text, instance=path))
    about = "New lines of logs. Write patterns for what your programs say."
    draft = Draft("log_pattern", about, tuple(items), key="logs")
    return Finding((draft,) if items else ())


def _open_for_writing() -> Iterator[str]:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    path = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                    if _LOG.fullmatch(path) and not _NO_TEXT.search(path):
                        mode = os.lstat(f"/proc/{pid}/fd/{descriptor}").st_mode
                        if mode & 0o200 and os.path.isfile(path):
                            yield path
