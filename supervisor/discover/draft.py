"""What is found on a host, as the tables of a service file that may still change. Values only."""

from __future__ import annotations

import json
from collections.abc import Iterable

from attrs import evolve, field, frozen

from supervisor.observations import Condition
from supervisor.text import shortened


def quoted(text: str) -> str:
    """Return a text as TOML has it. Raises `ValueError` for text that TOML cannot hold."""
    if not text.isprintable():
        raise ValueError(f"{shortened(text)} has a character that cannot be written")
    return json.dumps(text, ensure_ascii=False)


@frozen
class Item:
    """One thing that is watched: an entry of a list of parameters, or one parameter."""

    text: str
    """In TOML, such as `{ name = "ssh" }`."""
    instance: str = ""
    """The instance of its conditions."""
    alertname: str = ""
    """Of its conditions. Empty: any."""
    note: str = ""
    """What was seen of it, for the end of its line."""
    left_out: str = ""
    """Why it is written as a comment. Empty: it is watched."""

    def tells(self, condition: Condition) -> bool:
        """Return whether a condition is about this item."""
        return condition.instance == self.instance and self.alertname in ("", condition.alertname)


@frozen
class Draft:
    """One `[[modules]]` table."""

    check: str
    about: str
    """What it does, for the line above it."""
    items: tuple[Item, ...] = ()
    key: str = ""
    """The parameter that lists the items. Empty: each item is a parameter of its own."""
    name: str = ""
    """Of the module. Empty: that of the check."""
    every: str = "1m"
    also: tuple[str, ...] = ()
    """Further lines of the module's parameters."""
    disabled: str = ""
    """Why the module does not run. Empty: it runs."""

    @property
    def module(self) -> str:
        """The name of the module."""
        return self.name or self.check

    @property
    def watched(self) -> tuple[Item, ...]:
        """The items that are not left out."""
        return tuple(item for item in self.items if not item.left_out)

    def without(self, conditions: Iterable[Condition]) -> Draft:
        """Return the module without what fires now, or disabled if that is not one of its items."""
        draft = self
        for condition in conditions:
            told = [item for item in draft.watched if item.tells(condition)]
            why = f"it fires now: {shortened(condition.message, most=120)}"
            if not told:
                return evolve(draft, disabled=why)
            draft = evolve(
                draft,
                items=tuple(
                    evolve(item, left_out=why) if item in told else item for item in draft.items
                ),
            )
        return draft


@frozen
class Finding:
    """What one look at the host has found."""

    modules: tuple[Draft, ...] = ()
    left_out: tuple[str, ...] = ()
    """What is not watched, and why."""


@frozen
class Survey:
    """All that was found on the host."""

    service: str
    """The label of the alerts."""
    file: str
    """The name of the file, without .toml."""
    host: str
    modules: tuple[Draft, ...]
    left_out: tuple[str, ...]
    alertmanagers: tuple[str, ...] = field(default=())
    """URLs of the Alertmanagers that run here."""

    @property
    def active(self) -> tuple[Draft, ...]:
        """The modules that run."""
        return tuple(draft for draft in self.modules if is_active(draft))


def is_active(draft: Draft) -> bool:
    """Return whether a module runs. One whose items are all left out is a comment."""
    return not draft.disabled and bool(draft.watched or draft.also or not draft.items)
