"""The reader of a supervisor's log: it reads, it stops reading, or it goes away."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import Literal

import trio
from attrs import define, field

SMALL = 4096
"""Bytes that the pipe holds, so that it is soon full."""


@define
class LogPipe:
    """A pipe. The process writes into `write_end`."""

    write_end: int = field(init=False)
    """Where the log goes. The caller closes it after the start of the process."""

    text: str = ""
    """What was read."""

    _wish: Literal["read", "wait", "leave"] = "read"
    """What the reader must do."""

    _changed: trio.Event = field(factory=trio.Event)
    """Set when the wish has changed."""

    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends a read in progress."""

    _read_end: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, SMALL)

    async def read(self) -> None:
        """Read until the process has ended, or until `close`."""
        async with trio.lowlevel.FdStream(self._read_end) as stream:
            while self._wish != "leave":
                if self._wish == "wait":
                    self._fill()
                    await self._changed.wait()
                    continue
                with trio.CancelScope() as self._scope:
                    chunk = await stream.receive_some()
                    if not chunk:
                        return
                    self.text += chunk.decode(errors="replace")

    def pause(self) -> None:
        """Read no more, and fill the pipe."""
        self._wants("wait")

    def resume(self) -> None:
        """Read again."""
        self._wants("read")

    def close(self) -> None:
        """Go away."""
        self._wants("leave")

    def _wants(self, wish: Literal["read", "wait", "leave"]) -> None:
        before, self._changed = self._changed, trio.Event()
        self._wish = wish
        before.set()
        self._scope.cancel()

    def _fill(self) -> None:
        """Fill the pipe with empty lines."""
        # A description of its own: the mode of the process's own end must stay.
        own = os.open(f"/proc/self/fd/{self._read_end}", os.O_WRONLY | os.O_NONBLOCK)
        with suppress(BlockingIOError):
            while os.write(own, b"\n"):
                pass
        os.close(own)
