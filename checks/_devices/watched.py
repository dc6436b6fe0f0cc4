"""What a service file says of the interfaces to watch. Used by `interface`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import Literal

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.validators import is_not_negative, is_one_or_more, only_for_each, up_to
from checks._devices import interfaces
from checks._devices.interfaces import Interface
from supervisor.api import Limit, Size, lower_limit, upper_limit

EACH = "*"
"""The name that stands for each interface that is set up, but not for the loopback."""


@frozen
class WatchedInterface:
    """One interface, or each that is set up, and how it must be."""

    name: str = field(
        metadata={
            "help": "its name, as `ip link` shows it; *: each one that is set up, without lo",
            "example": '"bond1"',
        }
    )
    except_: tuple[str, ...] = field(
        default=(),
        validator=only_for_each("name"),
        metadata={
            "help": "those that * does not stand for, also as patterns such as veth*",
            "example": '["veth*", "docker0"]',
        },
    )
    up: bool = field(default=True, metadata={"help": "false: it may be set down"})
    carrier: bool = field(default=True, metadata={"help": "false: it may be without a link"})
    min_speed: Limit[int] | None = limit_field(
        lower_limit, "fires when its link is slower, in Mbit/s: 1000", is_one_or_more
    )
    duplex: Literal["", "full", "half"] = field(
        default="", metadata={"help": "what its link must have; default: any"}
    )
    members: Limit[int] | None = limit_field(
        lower_limit,
        "of a bond or bridge: fires when fewer have a link; default: all of a bond",
        is_one_or_more,
    )
    max_errors_per_minute: Limit[float] | None = limit_field(
        upper_limit, "fires with more packets that have errors, both ways", is_not_negative
    )
    max_drops_per_minute: Limit[float] | None = limit_field(
        upper_limit, "fires with more packets that are dropped, both ways", is_not_negative
    )
    max_use_percent: Limit[float] | None = limit_field(
        upper_limit, "fires when more of its speed is used, one way", up_to(100, "a percentage")
    )
    max_bytes_per_second: Limit[Size] | None = limit_field(
        upper_limit, "fires when it carries more, one way: 50MB", is_not_negative
    )
    event_type: str = event_type_field("E", "when it is missing, set down or without a link")

    @name.validator
    def _is_name(self, attribute: Attribute[str], value: str) -> None:
        if value != EACH:
            interfaces.is_name(self, attribute, value)

    @property
    def is_each(self) -> bool:
        """Whether it stands for each interface that no other entry names."""
        return self.name == EACH

    @property
    def needs_rates(self) -> bool:
        """Whether it has a limit on what happens in a time."""
        counted = (self.max_errors_per_minute, self.max_drops_per_minute)
        return any((*counted, self.max_use_percent, self.max_bytes_per_second))

    def stands_for(self, found: Interface) -> bool:
        """Return whether `*` stands for an interface."""
        is_watched = found.is_up and not found.is_loopback
        return is_watched and not any(fnmatchcase(found.name, each) for each in self.except_)

    def read(self, named: Collection[str]) -> Iterator[tuple[WatchedInterface, Interface | None]]:
        """Yield it with each interface that it stands for. None: what it names is not there.

        `*` does not stand for those that are `named`. Blocks, and raises `OSError`.
        """
        if not self.is_each:
            yield self, interfaces.read(self.name)
            return
        for name in interfaces.names():
            found = None if name in named else interfaces.read(name)
            if found is not None and self.stands_for(found):
                yield self, found
