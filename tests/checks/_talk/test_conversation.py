"""A talk does not depend on the pieces in which an answer comes, and it reads only so much."""

from __future__ import annotations

import trio
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from checks._talk.conversation import CHUNK_BYTES, MAX_BYTES, MAX_SHOWN, Conversation, Unexpected
from checks._talk.steps import Step


@define
class Pieces:
    """A wire from which these pieces come, and then the end."""

    pieces: list[bytes]
    taken: int = 0

    async def send_all(self, data: bytes) -> None:
        """Nothing is sent."""

    async def receive_some(self, max_bytes: int) -> bytes:
        await trio.lowlevel.checkpoint()
        self.taken += 1
        return self.pieces.pop(0) if self.pieces else b""

    async def aclose(self) -> None:
        """It stays open."""


def held(expected: list[str], pieces: list[bytes]) -> tuple[int, str, bytes]:
    """Return the last step, what was wrong, and what is left."""
    talk = Conversation(tuple(Step(expect=each) for each in expected))
    try:
        trio.run(talk.hold, Pieces(pieces))
    except Unexpected as error:
        return talk.step, str(error), talk.heard
    return talk.step, "", talk.heard


@given(
    st.lists(st.sampled_from(["a", "ab", "ba", "aab", "c"]), min_size=1, max_size=4),
    st.lists(st.text("abc", min_size=1, max_size=5), max_size=8),
)
def test_pieces_of_an_answer_do_not_matter(expected: list[str], pieces: list[str]) -> None:
    cut = held(expected, [piece.encode() for piece in pieces])
    whole = held(expected, ["".join(pieces).encode()] if pieces else [])
    bytewise = held(expected, [char.encode() for char in "".join(pieces)])

    left = b"".join(piece.encode() for piece in pieces)
    if cut[1]:
        assert cut == whole == bytewise
    else:  # a later piece was not read
        assert cut[:2] == whole[:2] == bytewise[:2]
        assert left.endswith(whole[2])


@given(st.lists(st.binary(min_size=1, max_size=CHUNK_BYTES), max_size=8))
def test_any_bytes_are_shown_in_bounds_and_in_printable_text(pieces: list[bytes]) -> None:
    talk = Conversation((Step(expect=r"\A\z"),), heard=b"".join(pieces))

    assert len(talk.text) <= 2 * MAX_SHOWN
    assert talk.text.replace("\n", "").isprintable()
    talk.text.encode()


def test_an_answer_is_read_up_to_a_bound() -> None:
    wire = Pieces([b"x" * CHUNK_BYTES] * 100)
    talk = Conversation((Step(expect="y"),))
    words = ""
    try:
        trio.run(talk.hold, wire)
    except Unexpected as error:
        words = str(error)

    assert words == "the first 16 KiB of the answer do not match 'y'"
    assert wire.taken == MAX_BYTES // CHUNK_BYTES


def test_a_caret_begins_each_line_and_an_answer_may_be_any_bytes() -> None:
    assert held(["^b"], [b"a\nb"]) == (1, "", b"")
    assert held([r"\A\C\C\z"], [b"\xff\xfe"]) == (1, "", b"")
    assert held(["^b"], [b"ab"])[1] == "the server closed the connection; " + (
        "the answer does not match '^b'"
    )
