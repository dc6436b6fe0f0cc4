"""Why a server could not be reached, in words. Used by `http`, `alertmanager`, `certificate`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from checks._common.printable import shown
from checks._http import certificates

MAX_CHARACTERS = 300
"""The length of what is quoted from a library."""


def cause(error: BaseException) -> str:
    """Return what TLS or the system says, such as "connection refused".

    Where neither says anything it is what the libraries say.
    """
    errors = list(_all(error))
    for each in errors:
        if isinstance(each, ssl.SSLError):
            return certificates.tls_problem(each)
    said = (_by_the_system(each) for each in errors if isinstance(each, OSError))
    # Sorted: the message must not depend on which of several addresses fails first.
    if words := sorted(set(filter(None, said))):
        return shown(", ".join(words), MAX_CHARACTERS)
    texts = (shown(str(each), MAX_CHARACTERS) for each in errors)
    return next(filter(None, texts), type(error).__name__)


def _all(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that led to it. A host with several addresses has several."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _all(each)
        # Also what "from None" hides, since httpcore hides the error of the system.
        error = error.__cause__ or error.__context__


def _by_the_system(error: OSError) -> str:
    if not error.errno:
        return ""
    # trio writes its own words into strerror. The numbers of a resolver are below 0.
    text = os.strerror(error.errno) if error.errno > 0 else error.strerror or ""
    return text[:1].lower() + text[1:]
