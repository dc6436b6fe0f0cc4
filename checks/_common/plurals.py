"""Counts in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 file", "1,200 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def counted_processes(number: int) -> str:
    """Return "1 process", "1,200 processes"."""
    return f"{number:,} process{'' if number == 1 else 'es'}"


def times(number: int) -> str:
    """Return how often something happened: "once", "3 times"."""
    return "once" if number == 1 else f"{number} times"
