"""What the tests of the reader of logs share."""

from __future__ import annotations

from attrs import evolve

from checks._logs.position import Position

MOST = 1 << 30
"""Bytes that one read may take: more than any file here has."""


def on_another_device(position: Position) -> Position:
    return evolve(position, device=position.device + 1)
