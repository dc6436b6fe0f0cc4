"""What several checks ask of their parameters: event types, hosts, ports, times, lists."""

from __future__ import annotations

from collections.abc import Collection

from attrs import Attribute

from supervisor.api import Duration


def is_event_type(_params: object, _: Attribute[str], value: str) -> None:
    """Raises `ValueError` for a text without a letter."""
    if not value.strip():
        raise ValueError("is empty; write for example 'E'")


def is_host(_params: object, _: Attribute[str], value: str) -> None:
    """Raises `ValueError` for what cannot be an IP address or a name."""
    if not value or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no host; write an IP address or a name")


def is_port(_params: object, _: Attribute[int], value: int) -> None:
    """Raises `ValueError` for what is no TCP or UDP port."""
    if not 0 < value < 65536:
        raise ValueError(f"{value} is no port; write a number from 1 to 65535")


def is_more_than_nothing(_params: object, _: Attribute[Duration], value: Duration) -> None:
    """Raises `ValueError` for a time in which nothing can happen."""
    if value <= 0:
        raise ValueError("is 0 or less; write for example '10s'")


def is_not_empty(
    _params: object, _: Attribute[Collection[object]], value: Collection[object]
) -> None:
    """Raises `ValueError` for a list of nothing: whoever writes it believes that it is watched."""
    if not value:
        raise ValueError("is empty; write at least one, or remove the module")
