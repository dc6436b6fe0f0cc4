"""Ask the running supervisor through its socket. `commands/asking/` does.

It uses the standard library only, so that these commands need not wait for the import of trio.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from supervisor.errors import NotRunning, SupervisorError

NAME = "socket"
"""The socket's file in the state directory."""

LINE_TIMEOUT = 5.0
"""Seconds that either side waits for one line of the other."""

JsonObject: TypeAlias = dict[str, Any]
"""A request, one line of an answer, or a part of it."""

_NOBODY_THERE = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError)
"""What connecting raises where no supervisor runs. Any other error may hide one."""

MAX_SOCKET_PATH = 100
"""Bytes of a path that fit into the address of a socket, which has room for 107."""


def ask(
    directories: list[Path], request: JsonObject, timeout: float = LINE_TIMEOUT
) -> Iterator[JsonObject]:
    """Yield the answer of the supervisor that runs in one of the directories, line by line.

    `timeout` is in seconds, for each line. Raises `NotRunning` if no supervisor runs there.
    """
    with _connected(directories, timeout) as sock:
        try:
            sock.sendall(json.dumps(request).encode() + b"\n")
            answered = False
            with sock.makefile("rb") as lines:
                for line in lines:
                    yield _document(line)
                    answered = True
            if not answered:
                raise SupervisorError("the supervisor has ended before it could answer")
        except OSError as error:
            raise SupervisorError(f"the supervisor does not answer: {error}") from None


def _document(line: bytes) -> JsonObject:
    try:
        document: JsonObject = json.loads(line)
    except ValueError:
        raise SupervisorError("the supervisor has ended in the middle of its answer") from None
    if "error" in document:
        raise SupervisorError(f"the supervisor says: {document['error']}")
    return document


@contextmanager
def _connected(directories: list[Path], timeout: float) -> Iterator[socket.socket]:
    tried, may_run = [], False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        for directory in directories:
            try:
                with short_path(directory / NAME) as path:
                    sock.connect(path)
            except OSError as error:
                tried.append(f"{directory / NAME}: {error.strerror or error}")
                may_run |= not isinstance(error, _NOBODY_THERE)
            else:
                yield sock
                return
    raise (SupervisorError if may_run else NotRunning)(
        f"the supervisor is not running, or not under this user ({'; '.join(tried)}); "
        "name its state directory with --state-dir"
    )


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a path to the file that is short enough for the address of a socket."""
    if len(os.fsencode(path)) < MAX_SOCKET_PATH:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
