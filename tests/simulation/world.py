"""The simulated world as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from attrs import define

from tests.simulation.alertmanagers import Alertmanagers
from tests.simulation.host import Host
from tests.simulation.peer import Peer
from tests.simulation.scenario import Scenario


@define(eq=False)
class World:
    """What the faults act on."""

    scenario: Scenario
    host: Host
    peers: Mapping[str, Peer]
    alertmanagers: Alertmanagers

    random: Random
    """Decides which bytes of a damaged ledger are wrong."""
