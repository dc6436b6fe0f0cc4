"""Prints what runs have seen, as a table. Called by `once` and `run-now`."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from rich.text import Text

from supervisor.commands.tables import make_console, make_table
from supervisor.observations import Condition, Report
from supervisor.text import counted


@frozen
class Seen:
    """What one run has seen."""

    module: str
    seconds: float
    error: str
    """Why the run failed. Empty: it did not fail."""
    told: Sequence[Condition | Report]
    """Its conditions and reports."""
    measurements: int
    left_out: int = 0
    """Conditions and reports that are not among those."""


def print_seen(runs: Sequence[Seen]) -> None:
    """Print a row for each condition and report, and a row for each module without any."""
    table = make_table("MODULE", "TIME", "SEEN", "INSTANCE", "MESSAGE", right=("TIME",))
    for run in runs:
        took = f"{run.seconds:.2f} s"
        if run.error:
            table.add_row(Text(run.module), took, Text("failed", "bold red"), "", Text(run.error))
        for item in run.told:
            style = {"E": "red", "W": "yellow"}.get(item.event_type, "cyan")
            table.add_row(
                Text(run.module),
                took,
                Text(f"{item.event_type} {item.alertname}", style),
                Text(item.instance if isinstance(item, Condition) else ""),
                Text(item.message),
            )
        if run.left_out:
            table.add_row(Text(run.module), took, "", "", Text(f"and {run.left_out} more", "dim"))
        if not run.told and not run.error:
            note = counted(run.measurements, "measurement") if run.measurements else ""
            table.add_row(Text(run.module), took, Text("ok", "green"), "", Text(note, "dim"))
    make_console().print(table)
