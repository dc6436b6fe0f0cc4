"""The sockets of the status listener. They are bound before the supervisor tells systemd READY."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import trio

from supervisor.config.notation import split_listen
from supervisor.config.service import Service
from supervisor.errors import SecretUnreadable, SupervisorError

BACKLOG = 64
"""Connections that the kernel keeps until they are accepted."""

Address: TypeAlias = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]
"""An address to listen on, as `getaddrinfo` gives it."""


def addresses(service: Service) -> list[Address]:
    """Return the addresses of `status.listen`, which may be empty. It blocks to resolve a name.

    Raises `SupervisorError`, also if the token cannot be read.
    """
    status = service.status
    if not status.listen:
        return []
    try:
        if status.token is not None and not status.token.read():
            raise _refusal(service.path, "token", "is empty", "write a long random text into it")
    except SecretUnreadable as error:
        raise SupervisorError(f"{service.path}: status.token: {error}") from None
    host, port = split_listen(status.listen)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # a name that DNS does not allow, "a..b"
        raise _refusal(
            service.path,
            "listen",
            f"{host} cannot be resolved: {getattr(error, 'strerror', None) or error}",
            "write an address of this machine, such as 127.0.0.1",
        ) from None
    return [(family, address) for family, _, _, _, address in found]  # type: ignore[misc]  # TCP


def bind(
    service: Service, wanted: Sequence[Address], old: Sequence[trio.SocketListener] = ()
) -> list[trio.SocketListener]:
    """Return listeners on the addresses. The `old` ones, which are still served, may have the same.

    Raises `SupervisorError`. Then none of the new ones stays bound.
    """
    bound: list[socket.socket] = []
    refused: OSError | None = None
    for listener in old:
        # A reload closes the old listeners last, so for a moment both have the port.
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    for family, address in wanted:
        try:
            bound.append(_bound(family, address, shared=bool(old)))
        except OSError as error:
            # A name may have addresses that this machine does not have.
            refused = error if refused is None or not _is_absent(error) else refused
    if refused is not None and not (bound and _is_absent(refused)):
        for sock in bound:
            sock.close()
        raise _refusal(
            service.path,
            "listen",
            f"cannot listen on {service.status.listen}: {refused.strerror or refused}",
            "choose another port, or end the program that uses this one"
            if refused.errno == errno.EADDRINUSE
            else "write an address of this machine, such as 127.0.0.1:9477",
        )
    return [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in bound]


def _bound(
    family: socket.AddressFamily, address: tuple[str, int] | tuple[str, int, int, int], shared: bool
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _is_absent(error: OSError) -> bool:
    return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def _refusal(path: Path, key: str, wrong: str, remedy: str) -> SupervisorError:
    return SupervisorError(f"{path}: status.{key}: {wrong}; {remedy}")
