"""Feed systemd's watchdog while the pipeline moves. Called by the daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from supervisor.delivery.peer import PeerStatus
from supervisor.host.clock import MAX_SLEEP, Clock
from supervisor.host.systemd import Notifier
from supervisor.recorder.messages import Message, Ping


async def feed_watchdog(
    notifier: Notifier,
    send: trio.MemorySendChannel[Message],
    peers: Callable[[], Sequence[PeerStatus]],
    request_timeout: Callable[[], float],
    *,
    clock: Clock,
) -> None:
    """Send `WATCHDOG=1` after each ping that went through the channel and the recorder.

    All senders must be alive as well. A sender is alive if its last round began no longer ago than
    its longest wait and two requests can take.
    """
    if notifier.watchdog is None:
        return
    while True:
        silence = MAX_SLEEP + 2 * request_timeout()
        ping = Ping()
        with trio.move_on_after(notifier.watchdog):
            await send.send(ping)
            await ping.committed.wait()
            if all(trio.current_time() - peer.alive_at < silence for peer in peers()):
                notifier.notify("WATCHDOG=1")
        await trio.sleep(clock.until_look(notifier.watchdog / 4))
