"""Whether daemons run as the users that they should. Used by `daemon`.

The functions block, and may ask a server for the users, so call them in a thread.
"""

from __future__ import annotations

import pwd
from collections.abc import Iterable

from checks._daemons.figures import is_still
from checks._daemons.usage import Usage

MAX_USER = 2**32 - 2
"""The largest number of a user."""


def number_of(user: str) -> int | None:
    """Return the number of a user, None when this host does not know the name."""
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        number = int(user) if user.isascii() and user.isdecimal() else MAX_USER + 1
        return number if number <= MAX_USER else None


def wrong_users(wanted: Iterable[tuple[str, Usage]]) -> dict[str, str]:
    """Return what is wrong, by the name of a process. Each of `wanted` has such a name."""
    found = {}
    for name, usage in wanted:
        user = usage.user
        expected = number_of(user)
        strangers = [each for each in usage.owners if each[1] != expected and is_still(each[0])]
        if strangers:
            process, number = strangers[0]
            others = f" and {len(strangers) - 1} more" if strangers[1:] else ""
            unknown = ", which this host does not know" if expected is None else ""
            who = f"{_name_of(number)} ({process.pid}{others})"
            found[name] = f"{name} runs as {who}, expected {user}{unknown}"
    return found


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
