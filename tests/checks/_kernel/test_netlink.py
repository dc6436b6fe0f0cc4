"""The framing of netlink: messages as the kernel aligns them, and any bytes."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._kernel import netlink
from checks._kernel.netlink import DumpInterrupted, connect, dump, messages, raise_error, records


def message(kind: int, content: bytes = b"", *, flags: int = 2, sequence: int = 1) -> bytes:
    """Return one message as the kernel aligns it."""
    header = struct.pack("=IHHII", 16 + len(content), kind, flags, sequence, 0)
    return header + content + bytes(-len(content) % 4)


def error(number: int) -> bytes:
    return struct.pack("=i", -number)


class Kernel(socket.socket):
    """Answers every request with these datagrams; each has its sender's port."""

    def __init__(self, *datagrams: tuple[bytes, int]) -> None:
        super().__init__()
        self.left = list(datagrams)
        self.asked = b""

    def sendto(self, data: bytes, *_: object) -> int:  # type: ignore[override]  # one form of two
        self.asked = data
        return len(data)

    def recvfrom(self, *_: object) -> tuple[bytes, tuple[int, int]]:
        if not self.left:
            raise TimeoutError("timed out")
        datagram, port = self.left.pop(0)
        return datagram, (port, 0)


def test_messages_are_aligned() -> None:
    datagram = message(24, b"abcde") + message(24, b"fgh") + message(25)

    assert [*messages(datagram, 1)] == [(24, b"abcde"), (24, b"fgh"), (25, b"")]


def test_the_answer_to_another_request_is_passed_over() -> None:
    assert [*messages(message(24, sequence=1) + message(25, sequence=2), 2)] == [(25, b"")]


def test_a_dump_ends_where_the_kernel_says_so() -> None:
    first, last = message(24, b"abcd"), message(24, b"efgh") + message(netlink.NLMSG_DONE, error(0))
    with Kernel((first, 0), (last, 0), (message(24, b"more"), 0)) as kernel:
        assert [*dump(kernel, 26, b"body")] == [(24, b"abcd"), (24, b"efgh")]

    assert kernel.asked == struct.pack("=IHHII", 20, 26, 0x301, 1, 0) + b"body"


def test_what_another_process_sends_is_passed_over() -> None:
    forged, done = message(24, b"forged"), message(netlink.NLMSG_DONE)
    with Kernel((forged, 4711), (done, 0)) as kernel:
        assert [*dump(kernel, 26, b"")] == []


def test_a_kernel_that_does_not_answer_is_given_up() -> None:
    with Kernel() as kernel, pytest.raises(OSError, match="the kernel does not answer") as caught:
        [*dump(kernel, 26, b"")]

    assert caught.value.strerror == "the kernel does not answer"


def test_a_socket_does_not_wait_for_ever() -> None:
    with connect(0) as sock:
        assert sock.gettimeout() == netlink.REPLY_TIMEOUT


@pytest.mark.parametrize("kind", [24, netlink.NLMSG_DONE])
def test_a_dump_that_does_not_fit_together_is_refused(kind: int) -> None:
    with pytest.raises(DumpInterrupted):
        [*messages(message(kind, flags=netlink.NLM_F_DUMP_INTR), 1)]


@pytest.mark.parametrize("kind", [netlink.NLMSG_ERROR, netlink.NLMSG_DONE])
def test_a_refusal_of_the_kernel_is_raised(kind: int) -> None:
    with (
        Kernel((message(kind, error(errno.ENOENT)), 0)) as kernel,
        pytest.raises(FileNotFoundError),
    ):
        [*dump(kernel, 26, b"")]


def test_an_unknown_error_is_a_bad_message() -> None:
    with pytest.raises(OSError, match=re.escape(os.strerror(errno.EBADMSG))):
        raise_error(error(-(2**31) + 1))


@pytest.mark.parametrize("length", [0, 15, 89, 2**32 - 1])
def test_a_message_with_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(OSError, match="a message is cut off"):
        [*messages(struct.pack("=I", length) + message(24, bytes(72))[4:], 1)]


@given(
    st.lists(
        st.binary(max_size=90)
        | st.builds(
            message,
            st.sampled_from([0, 2, 3, 65535]),
            st.binary(max_size=90),
            sequence=st.sampled_from([0, 1, 2]),
        ),
        max_size=6,
    ).map(b"".join),
    st.integers(0, 20),
)
def test_any_datagram_is_read_or_refused(datagram: bytes, cut: int) -> None:
    datagram = datagram[: len(datagram) - cut]
    with suppress(OSError):  # the only error that its callers expect
        for _, content in records(netlink.HEADER, datagram):
            assert content in datagram
