"""Say in words why a connection failed. Pure; used by the client."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all its causes. A host with several addresses has several."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from causes(each)
        error = error.__cause__ or error.__context__


def in_words(found: Iterable[BaseException]) -> str:
    """Return the system's words, such as "connection refused", or else the library's."""
    errors = [*found]
    said = (_by_the_system(error) for error in errors if isinstance(error, OSError))
    if words := [*dict.fromkeys(filter(None, said))]:
        return ", ".join(words)
    # The errors of httpx often have no text.
    return next(filter(None, (line(str(error)) for error in errors)), type(errors[0]).__name__)


def about_certificates(found: Iterable[BaseException]) -> str:
    """Return what is wrong with the peer's certificate or with ours. Empty for other errors."""
    for error in found:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the peer's is not trusted: {line(error.verify_message)}"
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "").replace("_", " ").lower()
            if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
                return f"the peer refuses ours: {reason}"
    return ""


def line(text: str) -> str:
    """Return what a peer said on one line and without control characters."""
    joined = " ".join(text.split())
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in joined)


def _by_the_system(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) or not error.errno:
        return ""
    # trio puts its own words into strerror. The numbers of a resolver's errors are negative.
    text = os.strerror(error.errno) if error.errno > 0 else error.strerror or ""
    return text[:1].lower() + text[1:]
