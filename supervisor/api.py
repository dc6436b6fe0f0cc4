"""Everything that a check may import.

A check is a module with `Params`, a frozen attrs class, and
`async def run(context, params) -> Iterable[Observation]`. A parameter's
`metadata={"help": "…"}` is what `python -m supervisor checks NAME` shows.
"""

from __future__ import annotations

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.limits.limit import Crossing, Limit
from supervisor.config.limits.order import lower_limit, upper_limit
from supervisor.config.secret import Secret
from supervisor.errors import CheckFailed, SecretUnreadable, StillHanging
from supervisor.files import read_regular_file
from supervisor.host.threads import probe
from supervisor.host.tls import server_name, tls_context, url_to_dial, without_zone
from supervisor.modules.context import AlertView, Context, RunView
from supervisor.observations import (
    Condition,
    Duration,
    Json,
    Measurement,
    Observation,
    Report,
    Size,
)
from supervisor.processes.command import Completed, find_program, run_command
from supervisor.processes.descendants import is_command
from supervisor.schedule.schedule import Times, times_of_day
from supervisor.text import preformatted

__all__ = [
    "AlertView",
    "Calendar",
    "CheckFailed",
    "Completed",
    "Condition",
    "Context",
    "Crossing",
    "Duration",
    "Json",
    "Limit",
    "Measurement",
    "Observation",
    "Report",
    "RunView",
    "Secret",
    "SecretUnreadable",
    "Size",
    "StillHanging",
    "Times",
    "find_program",
    "is_command",
    "lower_limit",
    "preformatted",
    "probe",
    "read_regular_file",
    "run_command",
    "server_name",
    "times_of_day",
    "tls_context",
    "upper_limit",
    "url_to_dial",
    "without_zone",
]
