"""The members that a device had, by its name, as they are kept in the state of a check. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supervisor.api import Json

MAX_MEMBERS = 200
"""The most members that are kept, of all devices together, since a state must stay small."""


def recalled(value: Json) -> Mapping[str, list[str]]:
    """Return the members that a state has. What cannot be members is left out."""
    known = value if isinstance(value, dict) else {}
    return {
        name: [each for each in members if isinstance(each, str)]
        for name, members in known.items()
        if isinstance(members, list)
    }


def kept(members: Mapping[str, Sequence[str]]) -> dict[str, Json]:
    """Return what a state is to keep: of the first devices that have any."""
    left, found = MAX_MEMBERS, dict[str, Json]()
    for name, each in members.items():
        if some := [*each[:left]]:
            found[name] = some
            left -= len(some)
    return found
