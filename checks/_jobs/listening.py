"""The socket in the spool. A connection to it says that there is a new report."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

import trio

from checks._jobs import spool
from supervisor.api import probe

RUN_INTERVAL = 1.0
"""Seconds between two runs that reports ask for."""

STRANGER_DELAY = 0.1
"""Seconds for which a connection of a user who may not report anything delays the next."""

BACKLOG = 16
"""Connections that wait."""

_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of the other side, as the kernel tells them."""


async def listen(directory: str, users: Collection[int], run_soon: Callable[[], None]) -> None:
    """Ask for a run after each connection of one of these users. Raises `OSError`."""
    made = await probe(f"socket in {directory}", partial(_bind, directory))
    with trio.socket.from_stdlib_socket(made) as listening:
        while True:
            connection, _ = await listening.accept()
            with connection:
                asked = connection.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
                )
            _, user, _ = _CREDENTIALS.unpack(asked)
            if user not in users:
                await trio.sleep(STRANGER_DELAY)
                continue
            run_soon()
            await trio.sleep(RUN_INTERVAL)
            run_soon()  # what was read is on the disk now, so the report can be removed
            await trio.sleep(RUN_INTERVAL)


def _bind(directory: str) -> socket.socket:
    """Return a listening socket that every user may connect to."""
    spool.make(directory)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            path = f"/proc/self/fd/{opened}/{spool.SOCKET}"  # the real one may be too long
            with suppress(FileNotFoundError):
                os.unlink(path)
            made.bind(path)
            os.chmod(path, 0o666)  # noqa: S103 - any user may knock
        finally:
            os.close(opened)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made
