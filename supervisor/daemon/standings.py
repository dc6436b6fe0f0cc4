"""Makes what asks the peers what they do with our alerts. Called when somebody first looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.delivery.tasks import PeerTasks
from supervisor.host.clock import Clock
from supervisor.ledger.store import Store

if TYPE_CHECKING:
    from supervisor.delivery.silences.requests import Connect
    from supervisor.delivery.silences.standings import Standings


def make_standings(store: Store, peers: PeerTasks, connect: Connect, clock: Clock) -> Standings:
    """Return what asks the peers. Most supervisors never need it, so it is imported here."""
    from supervisor.delivery.silences.standings import Standings

    return Standings(
        store=store,
        peers=lambda: peers.peers,
        connect=connect,
        waiting=peers.waiting,
        clock=clock,
    )
