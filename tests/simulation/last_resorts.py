"""Which simulated hosts have a last resort, when they need it, and how a reload changes it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from attrs import evolve

from tests.simulation.channels import CHANNEL_WEATHER
from tests.simulation.kinds import DAY, Kind
from tests.simulation.scenario import Fault, LastResort, ModuleScript

HOSTS = 0.3
"""How many hosts have one at all."""

CHANNELS = (("mail",), ("command",), ("mail", "command"))
"""What it may tell by."""

EVENT_TYPES = (("E", "TE"), ("E", "TE"), ("W", "E", "TE"))
"""What may be worth it."""

OF_THE_NETWORK = ("peer_refused", "peer_hangs", "peer_500", "peer_taken_reset", "peer_404")
"""How all peers fail together."""

LONGEST_OUTAGE = 4.0
"""How often the time between two messages passes in an outage at most."""

MEETS = 0.7
"""How likely an outage begins shortly before something goes wrong: then it is owed."""

SPREAD_PART = 6
"""The spread is at most the time between two messages, divided by this."""

STRANDS = 0.5
"""How likely a channel is in trouble in an outage."""


def last_resort(of: Kind, choose: Random) -> LastResort | None:
    """Return that of a host. Most have none."""
    if choose.random() >= HOSTS:
        return None
    return LastResort(
        channels=choose.choice(CHANNELS),
        after=choose.choice(of.after),
        every=choose.choice(of.tell_every),
        event_types=choose.choice(EVENT_TYPES),
    )


def outages(
    of: Kind,
    choose: Random,
    seconds: float,
    *,
    needed: LastResort,
    modules: tuple[ModuleScript, ...],
    peers: tuple[str, ...],
) -> Iterator[Fault]:
    """Yield when no peer can be reached, what befalls the channels then, and at times a kill."""
    begins = [spell.began for module in modules for spell in module.spells]
    moment = 0.0
    while (moment := moment + choose.expovariate(of.outages_per_day / DAY)) < seconds:
        at = moment
        if begins and choose.random() < MEETS:
            at = max(0.0, choose.choice(begins) - choose.random() * needed.after)
        lasts = choose.uniform(0.5, 1.5) * (needed.after + needed.every / SPREAD_PART)
        lasts += choose.choice((0.0, 0.0, 1.0, LONGEST_OUTAGE)) * choose.random() * needed.every
        kind = choose.choice(OF_THE_NETWORK)
        yield from (_fault(at, kind, peer, lasts) for peer in peers)
        for channel in needed.channels:
            if choose.random() < STRANDS:
                weather = choose.choice([*CHANNEL_WEATHER])
                ill_for = choose.choice((30.0, 300.0, needed.every))
                yield _fault(at + choose.random() * lasts, weather, channel, ill_for)
        match choose.random():
            case chance if chance < 0.2:
                steps = float(choose.randint(1, 400))
                yield _fault(at + choose.random() * lasts, "kill", amount=steps, seconds=1.0)
            case chance if chance < 0.3:
                file = float(choose.randrange(1 << 30))
                yield _fault(at + choose.random() * lasts, "reload", amount=file)


def changed(table: LastResort | None, choose: Random) -> LastResort | None:
    """Return the table of a service file after a reload: it may be gone, or have other times."""
    if table is None:
        return None
    match choose.random():
        case chance if chance < 0.1:
            return None
        case chance if chance < 0.2:
            return evolve(table, every=2 * table.every)
        case chance if chance < 0.3:
            return evolve(table, after=table.after / 2)
    return table


def _fault(
    at: float, kind: str, target: str = "", seconds: float = 0.0, amount: float = 0.0
) -> Fault:
    return Fault(round(at, 3), kind, target, round(seconds, 3), amount)
