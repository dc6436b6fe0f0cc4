"""What several checks ask of their parameters: event types, hosts, ports."""

from __future__ import annotations

from attrs import Attribute


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
