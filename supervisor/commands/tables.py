"""Tables on standard output. Called by `once` and `status`."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 160
"""Columns of a table when the output is not a terminal."""


def make_table(*names: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table of these columns. Those in `right` are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in right else "left")
    return table


def make_console() -> Console:
    """Return the console, as wide as the terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
