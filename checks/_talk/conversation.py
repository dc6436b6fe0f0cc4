"""Sends and reads what the steps of a talk say. It reads no more than it must."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import define

from checks._common.printable import shown
from checks._talk.steps import Step, pattern_of

MAX_BYTES = 16 * 1024
"""So much of an answer is read in which nothing matches."""

CHUNK_BYTES = 4096
"""So much is read at once."""

MAX_SHOWN = 2000
"""So many characters of an answer are shown."""


class Wire(Protocol):
    """The way to a server: a stream, or datagrams."""

    async def send_all(self, data: bytes) -> None:
        """Send all of it."""

    async def receive_some(self, max_bytes: int) -> bytes | bytearray:
        """Return what has come. Empty: nothing comes any more."""

    async def aclose(self) -> None:
        """Close it."""


class Unexpected(Exception):
    """The server has said something else, too much, or nothing."""


@define(eq=False)
class Conversation:
    """One talk, as far as it has come."""

    steps: tuple[Step, ...]
    step: int = 0
    """The number of the present step. 0: there is no connection yet."""

    heard: bytes = b""
    """What has come after the last match."""

    async def hold(self, wire: Wire) -> None:
        """Take all steps; raises `Unexpected`. The caller sets the deadline."""
        for step in self.steps:
            self.step += 1
            if step.payload:
                await wire.send_all(step.payload)
            if step.expect:
                await self._expect(wire, step.expect)

    async def _expect(self, wire: Wire, expect: str) -> None:
        pattern = pattern_of(expect)
        while not (self.heard and (match := pattern.search(self.heard))):
            if len(self.heard) >= MAX_BYTES:
                size = f"{MAX_BYTES // 1024} KiB"
                raise Unexpected(f"the first {size} of the answer do not match {self._wanted}")
            chunk = await wire.receive_some(CHUNK_BYTES)
            if not chunk:
                raise Unexpected(f"the server closed the connection; {self._missed}")
            self.heard += chunk
        self.heard = self.heard[match.end() :]

    def late(self, seconds: str) -> str:
        """Return what is wrong when the time is over: so many seconds, in words."""
        if not self.step:
            return f"no connection within {seconds} s"
        if not self.steps[self.step - 1].expect:
            return self._at(f"it does not take what is sent within {seconds} s")
        return self._at(f"{self._missed} within {seconds} s")

    def failed(self, why: str) -> str:
        """Return what is wrong, with the step, if there are several."""
        return self._at(why)

    @property
    def text(self) -> str:
        """What has come after the last match, fit to be shown."""
        lines = self.heard.decode(errors="surrogateescape").split("\n")
        return "\n".join(_cut([shown(line, MAX_SHOWN) for line in lines]))

    def _at(self, why: str) -> str:
        return f"step {self.step}: {why}" if self.step and len(self.steps) > 1 else why

    @property
    def _missed(self) -> str:
        if self.heard:
            return f"the answer does not match {self._wanted}"
        return f"no answer that matches {self._wanted}"

    @property
    def _wanted(self) -> str:
        return f"'{shown(self.steps[self.step - 1].expect, 100)}'"


def _cut(lines: list[str]) -> Iterable[str]:
    """Yield the first lines, as far as there is room for them."""
    left = MAX_SHOWN
    for number, line in enumerate(lines):
        left -= len(line) + 1
        if left < 0 and number:
            yield "…"
            return
        yield line
