"""Reports how the host and this supervisor are doing, as a page for people."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Attribute, field, frozen

from checks._common.time_zones import zone
from checks._common.validators import up_to
from checks._reports import daily_page, daily_readings
from checks._reports.period import look_back
from checks._reports.theme import template
from supervisor.api import CheckFailed, Context, Duration, Observation, Report

RUNS_LAST = True
"""It reports on the other modules. After a start it waits until they have run."""

MAX_PROCESSES = 20
"""The most processes that each of the two tables may show."""


@frozen
class Params:
    """How the report is made."""

    timezone: str = field(
        default="",
        metadata={"help": "the zone of the times, such as 'Asia/Seoul'; default: the service's"},
    )
    top_processes: int = field(
        default=5,
        validator=up_to(MAX_PROCESSES, "a number of processes"),
        metadata={"help": "how many of the busiest and of the largest processes are shown"},
    )
    probe_timeout: Duration = field(
        default=Duration(5.0), metadata={"help": "how long each filesystem may take to answer"}
    )

    @timezone.validator
    def _is_a_zone(self, _: Attribute[str], value: str) -> None:
        if value:
            zone(value)


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return one report on the host, and on what the supervisor saw since the last one."""
    try:
        readings = await daily_readings.read(params.top_processes, params.probe_timeout)
    except (OSError, ValueError) as error:
        raise CheckFailed(f"cannot read how the host is doing: {error}") from error
    period = look_back(context, readings.birth)
    now = context.now()
    if params.timezone:
        now = now.astimezone(zone(params.timezone))
    values = daily_page.page(context, now, readings, period)
    detail = context.render(template("daily.html"), **values)
    return [Report("Daily check", daily_page.summary(readings, period), detail)]
