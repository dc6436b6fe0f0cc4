"""Counts the established TCP sessions of this host, all of them and by local port.

Coming from Telegraf: `netstat`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import compared, each_number
from checks._common.plurals import counted
from checks._common.validators import count_of, is_port, unique
from checks._kernel.tcp_sessions import count_sessions
from supervisor.api import (
    CheckFailed,
    Context,
    Crossing,
    Limit,
    Measurement,
    Observation,
    lower_limit,
    probe,
    upper_limit,
)

TOTAL = "total"
"""The instance and the label of all sessions together."""

NOUN = "established TCP session"
"""What is counted, in messages."""


@frozen
class LocalPort:
    """The sessions of one local port."""

    name: str = field(metadata={"help": "what it is called in the alert; unique"})
    port: int = field(
        validator=is_port, metadata={"help": "the local TCP port", "range": "from 1 to 65535"}
    )
    limit: Limit[int] = field(
        validator=each_number(count_of("sessions")),
        metadata={
            "help": "how many sessions are still, or already, right",
            "range": "of 0 or more",
        },
    )
    when: Literal["over", "under"] = field(
        default="over", metadata={"help": "fires with strictly more, or fewer, than the limit"}
    )
    alert: bool = field(default=True, metadata={"help": "false: measured, but never fires"})
    event_type: str = event_type_field("W", "when it fires")

    @name.validator
    def _is_a_name(self, _: Attribute[str], value: str) -> None:
        if not value.strip():
            raise ValueError("is empty; write what the session is called")
        if value == TOTAL:
            raise ValueError(f"'{TOTAL}' stands for all sessions; choose another name")

    @limit.validator
    def _is_in_order(self, attribute: Attribute[Limit[int]], value: Limit[int]) -> None:
        order = upper_limit if self.when == "over" else lower_limit
        order(self, attribute, value)

    def judged(self, count: int) -> Crossing | None:
        """Return what this number of sessions is worth. None: it is right, or only measured."""
        if not self.alert:
            return None
        judge = self.limit.above if self.when == "over" else self.limit.below
        return judge(count, self.event_type)


@frozen
class Params:
    """How many sessions there may be."""

    max_total: Limit[int] | None = field(
        default=None,
        validator=[upper_limit, each_number(count_of("sessions"))],
        metadata={"help": "fires when this host has more sessions in all"},
    )
    sessions: tuple[LocalPort, ...] = field(
        default=(),
        validator=unique(lambda session: session.name),
        metadata={"help": "the local ports whose sessions are counted"},
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return the numbers of sessions, and a condition for each that crosses its limit.

    Raises `CheckFailed` when the sessions cannot be counted.
    """
    try:
        sessions = await probe("count of the TCP sessions", count_sessions)
    except OSError as error:
        raise CheckFailed(f"cannot count the TCP sessions: {error.strerror}") from None
    total = sessions.total()
    observed: list[Observation] = [_measurement(TOTAL, total, params.max_total)]
    if params.max_total and (crossing := params.max_total.above(total, "W")):
        limit = compared(", more than", params.max_total, "{:,}".format)
        message = f"{counted(total, NOUN)} in all{limit}"
        observed.append(crossing.condition("Session count", TOTAL, message))
    for session in params.sessions:
        count = sessions[session.port]
        observed.append(_measurement(session.name, count, session.limit if session.alert else None))
        if crossing := session.judged(count):
            observed.append(
                crossing.condition("Session count", session.name, _message(session, count))
            )
    return observed


def _measurement(name: str, count: int, limit: Limit[int] | None) -> Measurement:
    limits = () if limit is None else limit.numbers
    return Measurement("sessions", count, labels={"session": name}, limits=limits)


def _message(session: LocalPort, count: int) -> str:
    words = ", more than" if session.when == "over" else ", fewer than"
    limit = compared(words, session.limit, "{:,}".format)
    return f"{session.name} has {counted(count, NOUN)} on port {session.port}{limit}"
