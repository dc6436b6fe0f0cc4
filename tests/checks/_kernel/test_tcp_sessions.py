"""The readers of the kernel's TCP sockets: on real ones, and whatever bytes they are given."""

from __future__ import annotations

import contextlib
import errno
import os
import re
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
from checks._kernel.tcp_sessions import count_by_netlink, count_by_proc, parse_dump, parse_table
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


def message(
    kind: int = tcp_sessions.SOCK_DIAG_BY_FAMILY, body: bytes = bytes(72), sequence: int = 1
) -> bytes:
    """Return one netlink message as the kernel aligns it."""
    header = struct.pack("=IHHII", 16 + len(body), kind, 2, sequence, 0)
    return header + body + bytes(-len(body) % 4)


def listed(port: int, state: int = 1) -> bytes:
    """Return what the kernel says of one socket."""
    return message(body=struct.pack("!BBBBH", 2, state, 0, 0, port).ljust(72, b"\0"))


def done(error: int = 0) -> bytes:
    return message(tcp_sessions.NLMSG_DONE, struct.pack("=i", -error))


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
    dump = listed(80) + listed(443) + listed(80) + listed(22, state=10) + done()
    ports, whole = parse_dump(dump, 1)

    assert Counter(map(socket.ntohs, ports)) == {80: 2, 443: 1}
    assert whole
    assert parse_dump(listed(80), 1) == ([socket.htons(80)], False)
    assert parse_dump(dump, 2) == ([], False)


def test_what_is_no_whole_socket_is_left_out() -> None:
    short, other = message(body=bytes([2, 1]) * 20), message(kind=99)

    assert parse_dump(short + other + message(tcp_sessions.NLMSG_DONE, b""), 1) == ([], True)


@pytest.mark.parametrize("kind", [tcp_sessions.NLMSG_ERROR, tcp_sessions.NLMSG_DONE])
@pytest.mark.parametrize(
    ("sent", "raised"), [(errno.ENOENT, errno.ENOENT), (-(2**31) + 1, errno.EBADMSG)]
)
def test_a_refusal_of_the_kernel_is_raised(kind: int, sent: int, raised: int) -> None:
    with pytest.raises(OSError, match=re.escape(os.strerror(raised))):
        parse_dump(message(kind, struct.pack("=i", -sent)), 1)


@pytest.mark.parametrize("length", [0, 15, 89, 2**32 - 1])
def test_a_dump_with_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(OSError, match="a message is cut off"):
        parse_dump(struct.pack("=I", length) + listed(80)[4:], 1)


MESSAGES = st.lists(
    st.one_of(
        st.binary(max_size=90),
        st.builds(listed, st.integers(0, 65535), st.integers(0, 255)),
        st.builds(
            message,
            st.sampled_from([0, 2, 3, tcp_sessions.SOCK_DIAG_BY_FAMILY, 65535]),
            st.binary(max_size=90),
            st.sampled_from([0, 1, 2]),
        ),
    ),
    max_size=6,
).map(b"".join)


@given(MESSAGES, st.integers(0, 20))
def test_any_dump_is_read_or_refused(dump: bytes, cut: int) -> None:
    ports: list[int] = []
    with contextlib.suppress(OSError):  # the only error that its caller expects
        ports, _ = parse_dump(dump[: len(dump) - cut], 1)

    assert all(0 <= port <= 65535 for port in ports)
    assert len(ports) <= len(dump) // 88


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
