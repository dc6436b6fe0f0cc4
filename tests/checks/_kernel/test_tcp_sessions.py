"""The readers of the kernel's TCP sockets: on real sockets and on any bytes."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._kernel import tcp_sessions
from checks._kernel.netlink import Message
from checks._kernel.tcp_sessions import (
    count_by_netlink,
    count_by_proc,
    established_ports,
    parse_table,
)
from tests.support.tcp_sessions import MAPPED, REFUSE_NETLINK, descriptors, listener, sessions

READERS = (count_by_netlink, count_by_proc)

COUNT_WITHOUT_NETLINK = f"""{REFUSE_NETLINK}
import socket, sys
from checks._kernel.tcp_sessions import count_sessions
refuse_netlink(int(sys.argv[1]))
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
except OSError as error:
    print(error.errno)
print(count_sessions()[int(sys.argv[2])])
"""

COME_AND_GO = """
import socket, struct
listener = socket.create_server(("127.0.0.1", 0))
reset = struct.pack("ii", 1, 0)  # nothing is left in TIME-WAIT
while True:
    ends = []
    for _ in range(100):
        ends += [socket.create_connection(listener.getsockname()), listener.accept()[0]]
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        end.close()
"""

LINE = (
    b"   0: 0100007F:%04X 0100007F:A1B2 %02X 00000000:00000000 00:00000000 00000000  0  0 1 1 0\n"
)


def listed(port: int, state: int = 1) -> Message:
    """Return what the kernel says of one socket."""
    body = struct.pack("!BBBBH", 2, state, 0, 0, port).ljust(72, b"\0")
    return tcp_sessions.SOCK_DIAG_BY_FAMILY, body


def test_thousands_of_sessions_are_counted_exactly_by_port() -> None:
    held = [("127.0.3.1", 900), ("127.0.3.2", 500), ("::1", 400), (MAPPED, 200), ("::1", 0)]
    with descriptors(4100), ExitStack() as stack:
        expected = {stack.enter_context(sessions(count, host)): count for host, count in held}
        counted = [reader() for reader in READERS]

    assert [{port: found[port] for port in expected} for found in counted] == [expected] * 2
    assert all(found.total() >= 4000 for found in counted)


def test_the_count_is_exact_while_others_come_and_go() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(sessions(300, host)) for host in ("127.0.3.1", "127.0.3.2")]
        others = [subprocess.Popen([sys.executable, "-c", COME_AND_GO]) for _ in range(2)]
        try:
            counted = [reader() for _ in range(20) for reader in READERS]
        finally:
            for process in others:
                process.kill()
                process.wait()

    assert {tuple(found[port] for port in ports) for found in counted} == {(300, 300)}


def test_a_session_counts_only_while_it_is_established() -> None:
    with listener("127.0.0.1") as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = server.accept()
        with client, served:
            both = [reader()[port] for reader in READERS]
            client.shutdown(socket.SHUT_WR)  # the server's end is now in CLOSE-WAIT
            half = [reader()[port] for reader in READERS]

    assert both == [1, 1]
    assert half == [0, 0]


@pytest.mark.skipif(
    os.uname().machine not in ("x86_64", "aarch64"), reason="the number of a system call"
)
@pytest.mark.parametrize("error", [errno.EAFNOSUPPORT, errno.EPERM])
def test_where_netlink_is_refused_the_tables_are_read(error: int) -> None:
    with sessions(7) as port:
        argv = [sys.executable, "-c", COUNT_WITHOUT_NETLINK, str(error), str(port)]
        child = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert child.stdout.split() == [str(error), "7"]


def test_a_dump_lists_the_ports_of_the_established() -> None:
    dump = [listed(80), listed(443), listed(80), listed(22, state=10)]

    assert Counter(map(socket.ntohs, established_ports(dump))) == {80: 2, 443: 1}


def test_what_is_not_a_whole_socket_is_left_out() -> None:
    short, other = (tcp_sessions.SOCK_DIAG_BY_FAMILY, bytes([2, 1]) * 20), (99, listed(80)[1])

    assert [*established_ports([short, other])] == []


@given(
    st.lists(
        st.tuples(st.sampled_from([0, tcp_sessions.SOCK_DIAG_BY_FAMILY]), st.binary(max_size=90))
        | st.builds(listed, st.integers(0, 65535), st.integers(0, 255)),
        max_size=6,
    )
)
def test_any_dump_is_read(dump: list[Message]) -> None:
    ports = [*established_ports(dump)]

    assert all(0 <= port <= 65535 for port in ports)
    assert len(ports) <= len(dump)


def test_a_table_lists_the_ports_of_the_established() -> None:
    header = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
    six = LINE % (0xFFFF, 1)
    six = six.replace(b"0100007F", b"0000000000000000FFFF00000100007F")

    assert [*parse_table([header, LINE % (80, 1), LINE % (22, 10), six])] == [80, 0xFFFF]


def test_a_session_that_a_table_lists_again_counts_once() -> None:
    other = (LINE % (80, 1)).replace(b"A1B2", b"A1B3")

    assert [*parse_table([LINE % (80, 1), other, LINE % (80, 1)])] == [80, 80]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=120),
            st.builds(lambda port, state: LINE % (port, state), st.integers(0, 65535), st.just(1)),
            st.text("0123456789ABCDEF: \n", max_size=60).map(str.encode),
        )
    )
)
def test_any_table_is_read(lines: list[bytes]) -> None:
    ports = [*parse_table(lines)]

    assert all(0 <= port <= 65535 for port in ports)
    assert len(ports) <= len(lines)
