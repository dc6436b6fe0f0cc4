"""A unit that `systemd_unit` watches, and what it must be like."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import each_number, limit_field
from checks._common.validators import count_of, is_not_negative
from checks._processes.systemd_units import KINDS, WITH_GROUP, full_name
from supervisor.api import Limit, Size, upper_limit


@frozen
class WatchedUnit:
    """A unit that must be active."""

    name: str = field(
        metadata={"help": "the unit; without a kind it is a .service", "example": '"cron.service"'}
    )
    sub_state: tuple[str, ...] | str = field(
        default=(),
        metadata={
            "help": "the sub-state that it must also have: 'running', or one of "
            "['running', 'exited']"
        },
    )
    max_restarts: Limit[int] = field(
        default=Limit.of(0),
        validator=[upper_limit, each_number(count_of("restarts"))],
        metadata={"help": "W with more restarts by systemd since the last run"},
    )
    max_memory: Limit[Size] | None = limit_field(
        upper_limit, "W when its control group holds more memory, without files that it has read"
    )
    max_cpu_percent: Limit[float] | None = limit_field(
        upper_limit,
        "W when it used more since the last run; 100 is one processor",
        is_not_negative,
    )
    max_tasks: Limit[int] | None = limit_field(
        upper_limit, "W with more processes and threads", count_of("tasks")
    )
    event_type: str = event_type_field("E", "when it is not active")

    @max_memory.validator
    @max_cpu_percent.validator
    @max_tasks.validator
    def _has_processes(self, _: Attribute[Any], value: Limit[Any] | None) -> None:
        kind = self.name.rpartition(".")[2]
        if value is not None and kind in KINDS and kind not in WITH_GROUP:
            raise ValueError(f"a {kind} has no processes of its own; name what it starts")

    @name.validator
    def _is_unit(self, _: Attribute[str], value: str) -> None:
        full_name(value)

    @sub_state.validator
    def _are_states(self, _: Attribute[str], value: tuple[str, ...] | str) -> None:
        if not isinstance(value, str) and not all(value):
            raise ValueError("has an empty name; write for example ['running', 'exited']")

    @property
    def is_measured(self) -> bool:
        """Whether it has a limit for what it uses."""
        return any((self.max_memory, self.max_cpu_percent, self.max_tasks))

    @property
    def unit(self) -> str:
        """The name with its kind."""
        return full_name(self.name)

    @property
    def sub_states(self) -> tuple[str, ...]:
        """The sub-states that are right. Empty: all are."""
        return (
            tuple(filter(None, [self.sub_state]))
            if isinstance(self.sub_state, str)
            else self.sub_state
        )
