"""Addresses of a test: names that have them, and one of them from which no answer comes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses. Return the names that are looked up."""
    names: list[str] = []
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **settings: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        flags = settings.get("flags", arguments[3] if len(arguments) > 3 else 0)
        if name in addresses or flags & socket.AI_NUMERICHOST:
            return look_up(host, port, *arguments, **settings)
        names.append(name)
        return [
            each for address in addresses for each in look_up(address, port, *arguments, **settings)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


@contextmanager
def black_hole(host: str, port: int = 0) -> Iterator[socket.socket]:
    """Listen with a full backlog: the kernel then drops every other connect."""
    with ExitStack() as stack:
        sock = stack.enter_context(socket.socket())
        sock.bind((host, port))
        sock.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.05)
            filler.connect_ex(sock.getsockname())
        yield sock
