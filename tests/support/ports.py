"""Ports for servers that the tests start. No two tests get the same, also of two runs at once."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

RANGE = (10_000, 20_000)
"""Where `free_port` looks. Whoever asks the kernel for any port gets one from 32768 on."""

_given: list[int] = []
"""The ports that this process has got. A process can lock a byte twice."""

_files: list[int] = []
"""The file of `_lock`, once it is open."""


def free_port() -> int:
    """Return a free port of 127.0.0.1 that no other test gets before this process ends."""
    lock = _lock()
    while True:
        port = random.randrange(*RANGE)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        if port not in _given:
            _given.append(port)
            return port


def _lock() -> int:
    """Return the file in which each port has a byte. It stays open as long as this process."""
    if not _files:
        path = Path(tempfile.gettempdir(), f"supervisor-test-ports-{os.getuid()}")
        _files.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return _files[0]
