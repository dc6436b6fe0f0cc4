"""Who is trusted with TLS. Used by `http`, `certificate` and `alertmanager`."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import trio

from checks._common.gather import gather
from supervisor.api import CheckFailed, StillHanging, probe, tls_context


class TrustSettings(Protocol):
    """Which certificates are trusted."""

    @property
    def ca_file(self) -> Path | None:
        """The authorities that may sign a certificate. None: those of the system."""

    @property
    def verify(self) -> bool:
        """Whether a certificate must be signed by one of these authorities."""

    @property
    def strict(self) -> bool:
        """Whether these authorities must keep to each rule of RFC 5280."""


T = TypeVar("T", bound=TrustSettings)


async def load_context(settings: TrustSettings) -> ssl.SSLContext:
    """Return a TLS context; raises `CheckFailed` when the file does not hold authorities."""
    ca_file = settings.ca_file
    create = partial(tls_context, ca_file, verify=settings.verify, strict=settings.strict)
    try:
        return await probe(f"read of {ca_file or 'the trusted authorities'}", create)
    except OSError as error:
        raise CheckFailed(f"cannot load {ca_file}: {error}") from None


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

    async def examine_group(group: list[T]) -> None:
        try:
            with trio.fail_at(latest):
                context = await load_context(group[0])
        except (CheckFailed, StillHanging, trio.TooSlowError) as error:
            for item in group:
                fail(item, str(error) or f"reading {item.ca_file} takes too long")
            return
        await gather(lambda item: examine(item, context), group)

    groups: dict[tuple[Path | None, bool, bool], list[T]] = {}
    for item in items:
        groups.setdefault((item.ca_file, item.verify, item.strict), []).append(item)
    async with trio.open_nursery() as nursery:
        for group in groups.values():
            nursery.start_soon(examine_group, group)
