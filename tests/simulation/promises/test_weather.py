"""What the judges know of a peer that cannot be told anything."""

from __future__ import annotations

from tests.simulation.events import LifeBegan, LifeEnded, Stuck
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario, Settings

PEERS = ("http://am-0.example.invalid", "http://am-1.example.invalid")


def test_a_peer_is_not_well_while_its_sender_waits_for_ever() -> None:
    weather = Weather(Scenario(1, 1.0, 0.0, Settings(), modules=(), peers=PEERS))
    weather.hear(LifeBegan(1, 0.0, 0.0, "kept", peers=PEERS))

    weather.hear(Stuck(1, 100.0, "the sender to the first peer", PEERS[0]))

    assert [weather.well_for(peer) for peer in PEERS] == [-1.0, 100.0]

    weather.hear(LifeEnded(1, 700.0, "watchdog"))
    weather.hear(LifeBegan(2, 701.0, 701.0, "kept", peers=PEERS))

    assert [weather.well_for(peer) for peer in PEERS] == [0.0, 0.0]
