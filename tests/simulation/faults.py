"""What the world does to the supervisor. Each fault is one function of its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from random import Random

import trio
from attrs import evolve

from tests.simulation import last_resorts
from tests.simulation.channels import CHANNEL_WEATHER
from tests.simulation.disk import Disk
from tests.simulation.disk_faults import (
    disk_hangs,
    disk_refuses,
    disk_slow,
    ledger_comes_back,
    ledger_is_damaged,
    ledger_vanishes,
)
from tests.simulation.events import FaultBegan, Reloaded
from tests.simulation.jobs.plan import changed as changed_jobs
from tests.simulation.peer import Peer
from tests.simulation.planned_work import changed
from tests.simulation.scenario import Fault
from tests.simulation.service_file import service_of
from tests.simulation.steps import AfterSteps
from tests.simulation.world import World

# -- the process -----------------------------------------------------------------------------------


async def kill(world: World, fault: Fault) -> None:
    """`kill -9` after `amount` steps of tasks. The host is down for `seconds`."""
    world.host.down_for = fault.seconds
    trio.lowlevel.add_instrument(AfterSteps(int(fault.amount), world.host.kill))


async def cut(world: World, fault: Fault) -> None:
    """The power fails in the next commit: before it, in it, or after it."""
    world.host.down_for = fault.seconds
    world.host.disk.cut = ("before", "torn", "after")[int(fault.amount)]


async def terminate(world: World, fault: Fault) -> None:
    """`systemctl stop`, and a start after `seconds`."""
    if world.host.is_up:
        world.host.down_for = fault.seconds
        world.host.terminate()


async def recorder_sticks(world: World, fault: Fault) -> None:
    """The next call of the ledger's thread never returns, and the wait for it does not end."""
    await _stick(world, world.host.disk)


async def sender_sticks(world: World, fault: Fault) -> None:
    """The next request to the peer never ends, and neither does the wait for it."""
    await _stick(world, world.peers[fault.target])


async def _stick(world: World, what: Disk | Peer) -> None:
    if world.host.is_up:
        what.swallows = True
        await world.host.disk.died.wait()
        what.swallows = False


async def reload(world: World, fault: Fault) -> None:
    """The service file changes, and SIGHUP comes. `amount` decides what changes."""
    host, scenario = world.host, world.scenario
    choose = Random(fault.amount)
    modules = [module for module in scenario.modules if choose.random() < 0.8]
    modules = [
        evolve(module, every=module.every * 2)
        if module.every is not None and choose.random() < 0.2
        else evolve(module, enabled=choose.random() < 0.8)
        for module in modules
    ]
    peers = [url for url in scenario.peers if choose.random() < 0.8] or scenario.peers[:1]
    if choose.random() < 0.5:
        modules, peers = list(scenario.modules), list(scenario.peers)
    host.service = service_of(
        scenario.settings,
        modules or scenario.modules[:1],
        peers,
        changed(scenario.maintenance, choose),
        changed_jobs(scenario.jobs, fault.amount),
        last_resorts.changed(scenario.last_resort, Random(f"fallback {fault.amount}")),
    )
    what = f"{' '.join(module.name for module in host.service.modules)}; {len(peers)} peers"
    if scenario.maintenance:
        what += f"; {len(host.service.maintenance)} windows"
    if scenario.last_resort is not None:
        what += f"; {'no' if host.service.fallback is None else 'a'} fallback"
    host.chronicle.tell(Reloaded(host.disk.life, host.true.now(), what))
    host.hang_up()


# -- the clock -------------------------------------------------------------------------------------


async def clock_step(world: World, fault: Fault) -> None:
    """The clock is set by `amount` seconds. It is set right again after `seconds`, if not 0."""
    world.host.clock.set_by(fault.amount)
    if fault.seconds:
        await trio.sleep(fault.seconds)
        world.host.clock.correct()


async def drift(world: World, fault: Fault) -> None:
    """The clock gains `amount` seconds in each second. After `seconds` it is set right."""
    world.host.clock.drift_by(fault.amount)
    await trio.sleep(fault.seconds)
    world.host.clock.correct()


async def suspend(world: World, fault: Fault) -> None:
    """The host sleeps for `seconds`. Its monotonic clock stands still."""
    world.host.clock.suspend(fault.seconds)


# -- the peers -------------------------------------------------------------------------------------


async def peer_weather(world: World, fault: Fault, weather: str = "fine") -> None:
    """The peer meets requests in another way for `seconds`. `amount` is its `Retry-After`."""
    peer = world.peers[fault.target]
    peer.weather, peer.retry_after = weather, fault.amount
    await trio.sleep(fault.seconds)
    peer.weather, peer.retry_after = "fine", 0.0


async def peer_slow(world: World, fault: Fault) -> None:
    """The peer takes about `amount` seconds for each answer, for `seconds`."""
    peer = world.peers[fault.target]
    peer.latency = fault.amount
    await trio.sleep(fault.seconds)
    peer.latency = 0.01


async def peer_lies(world: World, fault: Fault) -> None:
    """The peer's clock is ahead by `amount` seconds, for `seconds`."""
    peer = world.peers[fault.target]
    peer.error = fault.amount
    await trio.sleep(fault.seconds)
    peer.error = 0.0


async def poison(world: World, fault: Fault) -> None:
    """The peer takes no alert whose instance begins with `i0`, for `seconds`."""
    peer = world.peers[fault.target]
    peer.poison = "i0"
    await trio.sleep(fault.seconds)
    peer.poison = ""


async def alertmanager_ends(world: World, fault: Fault) -> None:
    """An Alertmanager is down for `seconds`. It was killed, not stopped, if this is 1: `amount`."""
    peer, alertmanagers = world.peers[fault.target], world.alertmanagers
    if not alertmanagers.is_up(fault.target):
        return
    alertmanagers.end(fault.target, killed=bool(fault.amount))
    peer.is_up = False
    await trio.sleep(fault.seconds)
    peer.is_up = True
    alertmanagers.start(fault.target)


async def channel_weather(world: World, fault: Fault, weather: str = "fine") -> None:
    """A channel of the last resort meets messages in another way for `seconds`."""
    channels = world.host.channels
    channels.weather[fault.target] = weather
    await trio.sleep(fault.seconds)
    channels.weather.pop(fault.target, None)


# -- the checks ------------------------------------------------------------------------------------


async def check_weather(world: World, fault: Fault, weather: str = "ok") -> None:
    """The runs of a module go wrong for `seconds`."""
    world.host.check.weather[fault.target] = weather
    await trio.sleep(fault.seconds)
    world.host.check.weather.pop(fault.target, None)


PEER_WEATHER = {
    "peer_refused": "refused",
    "peer_hangs": "hang",
    "peer_resets": "reset",
    "peer_drips": "drip",
    "peer_500": "500",
    "peer_503": "503",
    "peer_429": "429",
    "peer_403": "403",
    "peer_401": "401",
    "peer_404": "404",
    "peer_taken_reset": "taken, reset",
    "peer_taken_hangs": "taken, hang",
    "peer_taken_500": "taken, 500",
}
"""How a peer meets requests, by the name of the fault."""

CHECK_WEATHER = {
    "check_hangs": "hang",
    "check_is_stubborn": "stubborn",
    "check_crashes": "crash",
    "check_floods": "flood",
    "check_is_slow": "slow",
    "check_is_wrong": "wrong",
}
"""What a check does, by the name of the fault."""

HOST_FAULTS: Mapping[str, Callable[[World, Fault], Awaitable[None]]] = {
    function.__name__: function
    for function in (
        kill,
        cut,
        terminate,
        recorder_sticks,
        reload,
        clock_step,
        drift,
        suspend,
        disk_refuses,
        disk_slow,
        disk_hangs,
        ledger_vanishes,
        ledger_is_damaged,
        ledger_comes_back,
    )
}

FAULTS: Mapping[str, Callable[[World, Fault], Awaitable[None]]] = {
    **HOST_FAULTS,
    **{name: partial(peer_weather, weather=how) for name, how in PEER_WEATHER.items()},
    "peer_slow": peer_slow,
    "peer_lies": peer_lies,
    "poison": poison,
    "sender_sticks": sender_sticks,
    "alertmanager_ends": alertmanager_ends,
    **{name: partial(channel_weather, weather=how) for name, how in CHANNEL_WEATHER.items()},
    **{name: partial(check_weather, weather=how) for name, how in CHECK_WEATHER.items()},
}
"""All faults by name."""


def begin(world: World, fault: Fault) -> Callable[[], Awaitable[None]]:
    """Take down that a fault begins. Return what it does."""
    world.host.chronicle.tell(
        FaultBegan(
            at=world.host.true.now(),
            kind=fault.kind,
            target=fault.target,
            seconds=fault.seconds,
            amount=fault.amount,
        )
    )
    return partial(FAULTS[fault.kind], world, fault)
