"""Asks an NTP server for the time, over UDP and without ever blocking."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

import trio

from checks._common.addresses import Endpoint, resolve
from checks._ntp import packet
from checks._ntp.packet import ForeignAnswer, Reading

ATTEMPTS = 3
"""To each address: a datagram may be lost."""

LONGEST = 1024
"""Bytes of an answer, with extensions."""


async def ask(host: str, port: int, now: Callable[[], float], seconds: float) -> Reading:
    """Return what the first address that answers says; all of them have so many seconds.

    Raises `NoTime` when the server has none to give, `OSError` when it cannot be asked and
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
            failed = error
    raise failed


async def _exchange(endpoint: Endpoint, now: Callable[[], float], patience: float) -> Reading:
    """Ask until there is an answer, once more each time that patience is over."""
    family, address = endpoint
    sent: dict[bytes, float] = {}
    with trio.socket.socket(family, socket.SOCK_DGRAM) as sock:
        await sock.connect(address)  # from now on the kernel drops what others send
        while True:
            nonce = secrets.token_bytes(8)
            sent[nonce] = now()
            await sock.send(packet.question(nonce))
            with trio.move_on_after(patience):
                answer, received = await _answer(sock, sent, now)
                return packet.reading(answer, sent[packet.nonce_of(answer)], received)


async def _answer(
    sock: trio.socket.SocketType, sent: dict[bytes, float], now: Callable[[], float]
) -> tuple[bytes, float]:
    """Return the first answer to a question of ours; whatever else comes in is passed over."""
    while True:
        answer = await sock.recv(LONGEST)
        received = now()
        try:
            if packet.nonce_of(answer) in sent:
                return answer, received
        except ForeignAnswer:
            continue
