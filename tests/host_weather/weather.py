"""What a weather is: how it begins and ends, and what is promised while it lasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from attrs import define, frozen

from tests.host_weather.peer import Peer
from tests.host_weather.subject import Subject
from tests.host_weather.switches import Switches


@define
class Host:
    """What a weather can change."""

    directory: Path
    """Has the service file, the secret and the state directory."""

    switches: Switches
    """Steer the supervisor's own system calls."""

    subject: Subject
    """The supervisor."""

    healthy: Peer
    """A peer that answers in every weather."""

    other: Peer
    """A peer whose clock, name or connection has the weather."""

    @property
    def secret(self) -> Path:
        return self.directory / "secret"

    @property
    def ledger(self) -> Path:
        return self.subject.state / "ledger"


Act: TypeAlias = Callable[[Host], None]
"""Changes something. It does not block."""


@frozen(kw_only=True)
class Promise:
    """What must hold while the weather lasts, and after it."""

    arrives_in: float | None = 20.0
    """Seconds within which the healthy peer has a new condition. None: not before it passes."""

    reaches_other: bool = False
    """Whether the other peer gets it within the same time."""

    answers: bool = True
    """Whether `status` answers while it lasts."""

    says: tuple[str, ...] = ()
    """What the log or a self-alert says while it lasts."""

    says_of_peer: tuple[str, ...] = ()
    """The same about a peer, if that answers at all."""

    shows: tuple[str, ...] = ()
    """What `status` says while it lasts."""

    says_later: tuple[str, ...] = ()
    """What they say when it has passed."""

    hides: tuple[str, ...] = ()
    """What none of them says, since it is not wrong."""

    keeps: bool = True
    """Whether a kill after it finds in the ledger what was seen while it lasted."""

    codes: frozenset[int] = frozenset({0})
    """The exit codes that SIGTERM may lead to while it lasts."""


@frozen(kw_only=True)
class Weather:
    """One thing that goes wrong on a host."""

    name: str
    """For the table of results."""

    kind: str
    """What it is about. Two of a kind do not come together."""

    begin: Act
    """Lets it begin. It may begin again."""

    end: Act | None = None
    """Lets it pass. None if it lasts as long as the process."""

    promise: Promise = Promise()
    """What is promised in it."""

    quiet: float = 0.0
    """Seconds in which nothing happens, before something new is seen."""

    at_start: bool = False
    """Whether it is there before the first start."""

    with_secret: bool = False
    """Whether the peers want a secret."""


def combined(first: Weather, second: Weather) -> Weather:
    """Return both at once. What one of them does not promise is not promised.

    One may keep the other from being said before it passes, as when no file can be opened.
    """
    both = first, second
    promises = [weather.promise for weather in both]
    times = [promise.arrives_in for promise in promises]
    says = [text for promise in promises for text in promise.says]
    if None not in times:
        says += [text for promise in promises for text in promise.says_of_peer]
    passes = all(weather.end for weather in both)

    def begin(host: Host) -> None:
        for weather in both:
            weather.begin(host)

    def end(host: Host) -> None:
        for weather in both:
            assert weather.end is not None
            weather.end(host)

    return Weather(
        name=f"{first.name} + {second.name}",
        kind=f"{first.kind} + {second.kind}",
        begin=begin,
        end=end if passes else None,
        promise=Promise(
            arrives_in=None if None in times else sum(time for time in times if time),
            answers=all(promise.answers for promise in promises),
            says_later=tuple(says) if passes else (),
            keeps=all(promise.keeps for promise in promises),
            codes=frozenset().union(*(promise.codes for promise in promises)),
        ),
        quiet=max(weather.quiet for weather in both),
        at_start=any(weather.at_start for weather in both),
        with_secret=any(weather.with_secret for weather in both),
    )
