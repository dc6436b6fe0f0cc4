"""Users and groups by name and number. The functions block, so call them in a thread."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable

from attrs import frozen


@frozen
class Names:
    """How users, or groups, are found by name and by number. Both raise `KeyError`."""

    by_name: Callable[[str], int]
    by_number: Callable[[int], str]

    def number_of(self, wanted: str) -> int | None:
        """Return the number that a service file means. None: this host does not know the name."""
        if wanted.isascii() and wanted.isdecimal():
            return int(wanted)
        try:
            return self.by_name(wanted)
        except KeyError:
            return None

    def name_of(self, number: int) -> str:
        """Return the name that goes with a number, or the number where there is none."""
        try:
            return self.by_number(number)
        except (KeyError, OverflowError):
            return str(number)


USERS = Names(lambda name: pwd.getpwnam(name).pw_uid, lambda number: pwd.getpwuid(number).pw_name)
"""The users of this host."""

GROUPS = Names(lambda name: grp.getgrnam(name).gr_gid, lambda number: grp.getgrgid(number).gr_name)
"""The groups of this host."""


def not_theirs(names: Names, number: int, wanted: str, kind: str) -> str:
    """Return what is wrong with whose a file is. Empty: it is right.

    `kind` is "user" or "group".
    """
    if not wanted or (meant := names.number_of(wanted)) == number:
        return ""
    unknown = f", a {kind} that this host does not know" if meant is None else ""
    return f"belongs to the {kind} {names.name_of(number)}, not to {wanted}{unknown}"
