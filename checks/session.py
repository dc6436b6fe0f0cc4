"""Counts the established TCP sessions of this host, all of them and by local port.

Coming from Telegraf: `netstat`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.plurals import counted
from checks._common.validators import count_of, is_port, unique
from checks._kernel.tcp_sessions import count_sessions
from supervisor.api import CheckFailed, Condition, Context, Measurement, Observation, probe

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
    limit: int = field(
        validator=count_of("sessions"),
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

    def is_wrong(self, count: int) -> bool:
        """Return whether this number of sessions is an alert."""
        return self.alert and (count > self.limit if self.when == "over" else count < self.limit)


@frozen
class Params:
    """How many sessions there may be."""

    max_total: int | None = field(
        default=None,
        validator=count_of("sessions"),
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
    if params.max_total is not None and total > params.max_total:
        message = f"{counted(total, NOUN)} in all, more than {params.max_total:,}"
        observed.append(Condition("Session count", "W", TOTAL, message))
    for session in params.sessions:
        count = sessions[session.port]
        observed.append(_measurement(session.name, count, session.limit if session.alert else None))
        if session.is_wrong(count):
            observed.append(_condition(session, count))
    return observed


def _measurement(name: str, count: int, limit: int | None) -> Measurement:
    limits = () if limit is None else (limit,)
    return Measurement("sessions", count, labels={"session": name}, limits=limits)


def _condition(session: LocalPort, count: int) -> Condition:
    compared = "more" if session.when == "over" else "fewer"
    message = (
        f"{session.name} has {counted(count, NOUN)} on port {session.port}, "
        f"{compared} than {session.limit:,}"
    )
    return Condition("Session count", session.event_type, session.name, message)
