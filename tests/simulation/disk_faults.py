"""What the world does to the disk of the host, and to the ledger on it."""

from __future__ import annotations

import trio

from supervisor.host.state_dir import LEDGER_NAME
from tests.simulation.disk import FILES
from tests.simulation.scenario import Fault
from tests.simulation.world import World


async def disk_refuses(world: World, fault: Fault) -> None:
    """Commits fail for `seconds`. They are written all the same if this is 1: `amount`."""
    disk = world.host.disk
    disk.refuses, disk.lies = "disk I/O error", bool(fault.amount)
    await trio.sleep(fault.seconds)
    disk.refuses, disk.lies = "", False


async def disk_slow(world: World, fault: Fault) -> None:
    """Each commit takes `amount` seconds, for `seconds`."""
    disk = world.host.disk
    disk.delay = fault.amount
    await trio.sleep(fault.seconds)
    disk.delay = 0.0


async def disk_hangs(world: World, fault: Fault) -> None:
    """No commit comes back for `seconds`."""
    disk = world.host.disk
    disk.hangs = True
    await trio.sleep(fault.seconds)
    disk.hangs = False


async def ledger_vanishes(world: World, fault: Fault) -> None:
    """Somebody removes the ledger's files, while the supervisor runs or is down."""
    for path in world.host.disk.directory.glob(f"{LEDGER_NAME}*"):
        path.unlink()
    world.host.ledger = "gone"


async def ledger_is_damaged(world: World, fault: Fault) -> None:
    """The process is killed, and `amount` of the ledger's bytes are wrong afterwards."""
    host = world.host
    if not host.is_up:
        return
    host.down_for = fault.seconds
    host.kill()
    for name in FILES:
        path = host.disk.directory / name
        if path.exists():
            content = bytearray(path.read_bytes())
            for _ in range(int(fault.amount)):
                if content:
                    content[world.random.randrange(len(content))] ^= 0xFF
            path.write_bytes(content)
    host.ledger = "damaged"


async def ledger_comes_back(world: World, fault: Fault) -> None:
    """The process is killed, and a copy of the ledger that is `seconds` old comes back."""
    host = world.host
    copy = {
        name: (host.disk.directory / name).read_bytes()
        for name in FILES
        if (host.disk.directory / name).exists()
    }
    await trio.sleep(fault.seconds)
    if not host.is_up:
        return
    host.kill()
    for name in FILES:
        path = host.disk.directory / name
        path.unlink(missing_ok=True)
        if name in copy:
            path.write_bytes(copy[name])
    host.ledger = "older"
