"""What befalls the supervisor just when a condition begins. By chance these two seldom meet.

A fault of the product often needs two things at once: a peer that fails while something new is
told to it, or a kill while no peer knows yet what fires. Each function here makes one such pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import TypeAlias

from tests.simulation.scenario import Fault, ModuleScript, Spell

SHORT = (5.0, 90.0)
"""Seconds that a short trouble lasts. It passes before what fires is sent again."""

RUNS_SOON = 90.0
"""Seconds in which most modules of a rough host see what has begun."""

LONGEST_OUTAGE = 7200.0
"""Seconds of a spell that an outage may cover whole."""

OF_A_REQUEST = (
    "peer_hangs",
    "peer_resets",
    "peer_drips",
    "peer_500",
    "peer_503",
    "peer_403",
    "peer_taken_hangs",
    "peer_taken_reset",
    "peer_taken_500",
)
"""How one request fails, while the next one may pass."""

OF_THE_NETWORK = ("peer_refused", "peer_hangs", "peer_500")
"""How all peers fail together."""

Coincidence: TypeAlias = Callable[[Random, ModuleScript, Spell, tuple[str, ...]], Iterator[Fault]]
"""Yields what befalls the supervisor while a spell of a module begins."""


def coincidences(
    choose: Random, modules: tuple[ModuleScript, ...], peers: tuple[str, ...], chance: float
) -> Iterator[Fault]:
    """Yield what meets the spells of the modules. `chance` is how likely something meets one."""
    for module in modules:
        for spell in module.spells:
            if choose.random() < chance:
                yield from choose.choice(COINCIDENCES)(choose, module, spell, peers)


def _while_it_is_told(
    choose: Random, module: ModuleScript, spell: Spell, peers: tuple[str, ...]
) -> Iterator[Fault]:
    """One peer fails for a moment. Others, and what it has already, are told to it as before."""
    at, seconds = _soon(choose, spell), choose.uniform(*SHORT)
    yield _fault(at, choose.choice(OF_A_REQUEST), choose.choice(peers), seconds)


def _while_no_peer_hears(
    choose: Random, module: ModuleScript, spell: Spell, peers: tuple[str, ...]
) -> Iterator[Fault]:
    """No peer can be reached for as long as it lasts. Half of the times comes a kill in between."""
    lasts = spell.ended - spell.began
    if lasts > LONGEST_OUTAGE:
        return
    at = spell.began - choose.uniform(0.0, 60.0)
    seconds = lasts + choose.uniform(60.0, 600.0)
    kind = choose.choice(OF_THE_NETWORK)
    yield from (_fault(at, kind, peer, seconds) for peer in peers)
    if choose.random() < 0.5:
        kill_at = choose.uniform(spell.began, spell.ended)
        yield _fault(kill_at, "kill", seconds=1.0, amount=float(choose.randint(1, 400)))


def _while_it_is_written(
    choose: Random, module: ModuleScript, spell: Spell, peers: tuple[str, ...]
) -> Iterator[Fault]:
    """The power fails in one of the first commits after a run has seen it."""
    yield _fault(_soon(choose, spell), "cut", seconds=1.0, amount=float(choose.randint(0, 2)))


def _while_its_module_runs(
    choose: Random, module: ModuleScript, spell: Spell, peers: tuple[str, ...]
) -> Iterator[Fault]:
    """A run of its module takes longer than the time until the next one."""
    kind = choose.choice(("check_is_stubborn", "check_hangs"))
    yield _fault(_soon(choose, spell), kind, module.name, choose.uniform(*SHORT))


def _while_the_service_file_changes(
    choose: Random, module: ModuleScript, spell: Spell, peers: tuple[str, ...]
) -> Iterator[Fault]:
    """Reloads come between the runs that see it."""
    at, pause = _soon(choose, spell), choose.uniform(*SHORT)
    for number in range(choose.randint(1, 4)):
        yield _fault(at + number * pause, "reload", amount=float(choose.randrange(1 << 30)))


COINCIDENCES: tuple[Coincidence, ...] = (
    _while_it_is_told,
    _while_it_is_told,
    _while_no_peer_hears,
    _while_no_peer_hears,
    _while_it_is_written,
    _while_it_is_written,
    _while_its_module_runs,
    _while_the_service_file_changes,
    _while_the_service_file_changes,
)
"""All of them. Those that show something only at times are there twice."""


def _soon(choose: Random, spell: Spell) -> float:
    return spell.began + choose.uniform(0.0, RUNS_SOON)


def _fault(
    at: float, kind: str, target: str = "", seconds: float = 0.0, amount: float = 0.0
) -> Fault:
    return Fault(round(max(0.0, at), 3), kind, target, round(seconds, 3), amount)
