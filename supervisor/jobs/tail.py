"""Keep the last lines of a job's output, without what looks like a secret."""

from __future__ import annotations

import threading

from supervisor.text import without_secrets

MAX_LINES = 20
"""The lines that are kept."""

MAX_BYTES = 4096
"""The bytes that are kept."""


class Tail:
    """The end of what was written, by several threads."""

    def __init__(self) -> None:
        self._kept = b""
        self._is_cut = False
        self._lock = threading.Lock()

    def add(self, chunk: bytes) -> None:
        """Take what was written next."""
        with self._lock:
            whole = self._kept + chunk[-MAX_BYTES:]
            self._is_cut |= len(self._kept) + len(chunk) > MAX_BYTES
            self._kept = whole[-MAX_BYTES:]

    def text(self) -> str:
        """Return the last lines. A first line that is not whole is left out, if there are more."""
        with self._lock:
            text = self._kept.decode(errors="replace").replace("\0", "")
            lines = text.splitlines()
            if self._is_cut and len(lines) > 1:
                # Half a line may be half a secret.
                del lines[0]
        return without_secrets("\n".join(lines[-MAX_LINES:]))
