"""Real TCP sessions on loopback, and code that makes the kernel refuse netlink."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

MAPPED = "::ffff:127.0.0.1"
"""An IPv4 address as an IPv6 socket has it."""

REFUSE_NETLINK = """
import ctypes, os, struct

def refuse_netlink(error):
    # Like systemd's RestrictAddressFamilies=: seccomp(2) answers socket(AF_NETLINK, ...).
    call = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
    load, equal, answer = 0x20, 0x15, 0x06
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (load, 0, 0, 0),  # the number of the system call
            (equal, 0, 3, call),
            (load, 0, 0, 16),  # its first argument
            (equal, 0, 1, 16),  # AF_NETLINK
            (answer, 0, 0, 0x50000 | error),
            (answer, 0, 0, 0x7FFF0000),
        )
    )
    text = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("@HP", len(program) // 8, ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    for request in ((38, 1, 0, 0, 0), (22, 2, filters, 0, 0)):
        if libc.prctl(*request):
            raise OSError(ctypes.get_errno(), "prctl")
"""


_ports = itertools.count(20_000 + os.getpid() * 37 % 9000)
"""Ports below those that the kernel gives to clients."""


def listener(host: str) -> socket.socket:
    """Listen on a port that this process has not used yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        address = (host, next(_ports))
        try:
            return socket.create_server(address, family=family, dualstack_ipv6=host == MAPPED)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


@contextmanager
def sessions(count: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Hold `count` established sessions to one local port; yield the port."""
    with ExitStack() as stack:
        server = stack.enter_context(listener(host))
        port: int = server.getsockname()[1]
        address = (host.removeprefix("::ffff:"), port)
        for _ in range(count):
            stack.enter_context(socket.create_connection(address))
            stack.enter_context(server.accept()[0])
        yield port


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """Let this process hold `count` more open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count + 256, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
