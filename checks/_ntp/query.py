"""Asks an NTP server for the time, over UDP. It never blocks the event loop."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

import trio

from checks._common.addresses import Endpoint, resolve
from checks._ntp import packet
from checks._ntp.packet import ForeignAnswer, NoTime, Reading

ATTEMPTS = 3
"""How often each address is asked at most. A datagram may be lost."""

MAX_ANSWER_BYTES = 1024
"""The size of an answer that is read, with its extensions."""


async def ask(host: str, port: int, now: Callable[[], float], seconds: float) -> Reading:
    """Return the first time that can be used, of all addresses, within `seconds` for all of them.

    Raises `NoTime` when the server's time cannot be used, `OSError` when it cannot be asked,
    `CheckFailed` when its name cannot be resolved since an earlier try still hangs, and
    `trio.TooSlowError` when it does not answer.
    """
    end = trio.current_time() + seconds
    with trio.fail_at(end):
        addresses = await resolve(host, port, socket.SOCK_DGRAM)
    failed: Exception = trio.TooSlowError()
    for others, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        left = end - trio.current_time()
        try:
            with trio.fail_after(max(0.0, left / (others + 1))):
                return await _exchange(address, now, left / (others + 1) / ATTEMPTS)
        except (OSError, trio.TooSlowError) as error:
            failed = failed if isinstance(failed, NoTime) else error
        except NoTime as error:  # another server of this name may know the time
            failed = error
    raise failed


async def _exchange(endpoint: Endpoint, now: Callable[[], float], interval: float) -> Reading:
    """Ask once in each interval until there is an answer."""
    family, address = endpoint
    sent: dict[bytes, float] = {}
    with trio.socket.socket(family, socket.SOCK_DGRAM) as sock:
        await sock.connect(address)  # from now on the kernel drops what other hosts send
        while True:
            nonce = secrets.token_bytes(8)
            sent[nonce] = now()
            await sock.send(packet.question(nonce))
            with trio.move_on_after(interval):
                answer, received = await _answer(sock, sent, now)
                return packet.reading(answer, sent[packet.nonce_of(answer)], received)


async def _answer(
    sock: trio.socket.SocketType, sent: dict[bytes, float], now: Callable[[], float]
) -> tuple[bytes, float]:
    """Return the first answer to one of our requests; everything else is passed over."""
    while True:
        answer = await sock.recv(MAX_ANSWER_BYTES)
        received = now()
        try:
            if packet.nonce_of(answer) in sent:
                return answer, received
        except ForeignAnswer:
            continue
