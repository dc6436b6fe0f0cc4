"""Regular expressions in the syntax of RE2. Matching takes time linear in the text."""

from __future__ import annotations

from typing import Any


def compiled(pattern: str) -> Any:
    """Return a pattern in RE2's syntax, for bytes; raises `ValueError`."""
    try:
        import re2  # a service without patterns does not need it
    except ImportError:
        raise ValueError(
            "needs google-re2, which is not installed here; install it with pip into this "
            "environment, from a wheel or with a C++ compiler, or leave the pattern out"
        ) from None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if error.args else "unknown error"
        raise ValueError(
            f"is not a regular expression: {why}; see https://github.com/google/re2/wiki/Syntax"
        ) from None
