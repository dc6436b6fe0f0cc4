"""Why a connection failed, in words for people. Pure."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that led to it; a host with several addresses has several."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from causes(each)
        error = error.__cause__ or error.__context__


def in_words(found: Iterable[BaseException]) -> str:
    """Return what the system says, such as "connection refused", else what the libraries do."""
    errors = [*found]
    said = (_by_the_system(error) for error in errors if isinstance(error, OSError))
    if words := [*dict.fromkeys(filter(None, said))]:
        return ", ".join(words)
    # httpx's own errors often have none.
    return next(filter(None, (line(str(error)) for error in errors)), type(errors[0]).__name__)


def about_certificates(found: Iterable[BaseException]) -> str:
    """Return what is wrong with the peer's certificate or with ours; nothing of other errors."""
    for error in found:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the peer's is not trusted: {line(error.verify_message)}"
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "").replace("_", " ").lower()
            if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
                return f"the peer refuses ours: {reason}"
    return ""


def line(text: str) -> str:
    """Return what a peer said so that it can be shown: on one line, without controls."""
    joined = " ".join(text.split())
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in joined)


def _by_the_system(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) or not error.errno:
        return ""
    # trio puts its own words into strerror; a resolver's numbers are negative and its own.
    text = os.strerror(error.errno) if error.errno > 0 else error.strerror or ""
    return text[:1].lower() + text[1:]
