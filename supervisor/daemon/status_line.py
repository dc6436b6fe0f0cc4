"""What systemd and people are told while the supervisor runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from supervisor.stats.module_stats import ModuleStats
from supervisor.text import seconds


def start_table(stats: Iterable[ModuleStats], timezone: ZoneInfo, now: float) -> str:
    """Return the modules with their next runs."""
    rows = [("MODULE", "CHECK", "NEXT RUN")]
    for module in stats:
        if module.next_run is None:
            rows.append((module.name, module.check, "disabled"))
        else:
            at = datetime.fromtimestamp(module.next_run, timezone)
            rows.append(
                (module.name, module.check, f"{at:%H:%M:%S} (in {seconds(module.next_run - now)})")
            )
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        f"  {name:<{widths[0]}}  {check:<{widths[1]}}  {due}" for name, check, due in rows
    )
