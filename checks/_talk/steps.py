"""The steps of a talk: what is sent, and what must come back."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from checks._common.patterns import compiled

MAX_STEPS = 8
"""The steps of one talk at most."""

EXPECT_HELP = "a regular expression (RE2) that the answer must match; ^ begins each line"
"""What `checks` says of the parameter `expect`."""

SEND_HELP = "what is sent; TOML has \\r and \\n for the end of a line"
"""What `checks` says of the parameter `send`."""


def pattern_of(expect: str) -> Any:
    """Return the pattern that an answer must match; raises `ValueError`."""
    return compiled(f"(?m){expect}")


def is_expectation(_params: object, _: Attribute[str], value: str) -> None:
    """Raises `ValueError` for what is not a regular expression. It may be empty."""
    if value:
        compiled(value)


@frozen
class Step:
    """One step: something is sent, or expected, or both."""

    send: str = field(default="", metadata={"help": SEND_HELP})
    send_hex: str = field(
        default="", metadata={"help": "instead: bytes in hexadecimal digits, such as '00 ff'"}
    )
    expect: str = field(default="", validator=is_expectation, metadata={"help": EXPECT_HELP})

    @send_hex.validator
    def _is_hexadecimal(self, _: Attribute[str], value: str) -> None:
        try:
            bytes.fromhex(value)
        except ValueError:
            raise ValueError(
                f"{value[:50]!r} is not hexadecimal; write two digits for each byte: '00 ff'"
            ) from None

    def __attrs_post_init__(self) -> None:
        if self.send and self.send_hex:
            raise ValueError("send and send_hex exclude each other; write one of them")
        if not (self.payload or self.expect):
            raise ValueError("is empty; write send, expect, or both")

    @property
    def payload(self) -> bytes:
        """What is sent."""
        return bytes.fromhex(self.send_hex) or self.send.encode()
