"""Who is trusted, for everything that is asked with TLS. Used by those who look at certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from supervisor.api import CheckFailed, probe


class Trusting(Protocol):
    """What says who is trusted."""

    @property
    def ca_file(self) -> Path | None:
        """The authorities; None: those of the system."""

    @property
    def verify(self) -> bool:
        """Whether anybody but these is refused."""


T = TypeVar("T", bound=Trusting)


async def trusting(verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context; raises `CheckFailed` when the file is none of authorities."""
    create = partial(ssl.create_default_context, cafile=ca_file)
    try:
        context = await probe(f"read of {ca_file or 'the trusted authorities'}", create)
    except (OSError, ssl.SSLError) as error:
        raise CheckFailed(f"cannot load {ca_file}: {error}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def by_trust(items: Iterable[T]) -> dict[tuple[Path | None, bool], list[T]]:
    """Return who can share a TLS context: one takes 40 ms, too much to have one for each."""
    groups: dict[tuple[Path | None, bool], list[T]] = {}
    for item in items:
        groups.setdefault((item.ca_file, item.verify), []).append(item)
    return groups
