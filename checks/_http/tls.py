"""Who is trusted with TLS. Used by `http`, `certificate` and `alertmanager`."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import trio

from supervisor.api import CheckFailed, StillHanging, probe


class TrustSettings(Protocol):
    """Which certificates are trusted."""

    @property
    def ca_file(self) -> Path | None:
        """The authorities that may sign a certificate. None: those of the system."""

    @property
    def verify(self) -> bool:
        """Whether a certificate must be signed by one of these authorities."""


T = TypeVar("T", bound=TrustSettings)


async def tls_context(verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context; raises `CheckFailed` when the file does not hold authorities."""
    create = partial(ssl.create_default_context, cafile=ca_file)
    try:
        context = await probe(f"read of {ca_file or 'the trusted authorities'}", create)
    except (OSError, ssl.SSLError) as error:
        raise CheckFailed(f"cannot load {ca_file}: {error}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def examine_with_tls(
    items: Iterable[T],
    latest: float,
    examine: Callable[[T, ssl.SSLContext], Awaitable[None]],
    fail: Callable[[T, str], None],
) -> None:
    """Examine all items at once, each with a TLS context for its settings.

    Items with the same settings share a context, since it takes 40 ms to make one. `fail` is
    called with the reason for each item whose context cannot be made before the time `latest`.
    """

    async def examine_group(ca_file: Path | None, verify: bool, group: list[T]) -> None:
        try:
            with trio.fail_at(latest):
                context = await tls_context(verify, ca_file)
        except (CheckFailed, StillHanging, trio.TooSlowError) as error:
            for item in group:
                fail(item, str(error) or f"reading {ca_file} takes too long")
            return
        async with trio.open_nursery() as nursery:
            for item in group:
                nursery.start_soon(examine, item, context)

    groups: dict[tuple[Path | None, bool], list[T]] = {}
    for item in items:
        groups.setdefault((item.ca_file, item.verify), []).append(item)
    async with trio.open_nursery() as nursery:
        for (ca_file, verify), group in groups.items():
            nursery.start_soon(examine_group, ca_file, verify, group)
