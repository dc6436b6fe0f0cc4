"""STARTTLS with a mail server, RFC 3207. Used by `certificate`."""

from __future__ import annotations

import trio

MAX_REPLY_BYTES = 8 * 1024
"""The size of what is read in wait for the end of a line."""


async def start_tls(stream: trio.SocketStream) -> None:
    """Ask for TLS, and return when the server is ready for the handshake.

    Raises `EOFError` when it does not get ready. The caller sets the deadline.
    """
    rest = await _expect(stream, b"", b"220", "greet")
    await stream.send_all(b"EHLO supervisor.invalid\r\n")
    rest = await _expect(stream, rest, b"250", "take EHLO")
    await stream.send_all(b"STARTTLS\r\n")
    rest = await _expect(stream, rest, b"220", "take STARTTLS")
    if rest:
        raise EOFError("the server went on talking after it had taken STARTTLS")


async def _expect(stream: trio.SocketStream, received: bytes, code: bytes, what: str) -> bytes:
    """Read a reply of one or more lines; return what has been received after it."""
    while True:
        head, end, rest = received.partition(b"\r\n")
        if end and head[3:4] != b"-":
            if head[:3] != code:
                shown = head[:200].decode(errors="replace")
                raise EOFError(f"the server does not {what}: {shown!r}")
            return rest
        if end:
            received = rest
            continue
        if len(received) > MAX_REPLY_BYTES:
            raise EOFError("the server's reply has no end")
        chunk = await stream.receive_some(4096)
        if not chunk:
            raise EOFError("the server closed the connection before TLS")
        received += chunk
