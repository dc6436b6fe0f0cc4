"""What happens in a simulated world, in plain English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial, singledispatch
from typing import Any

from tests.simulation.alertmanager.notification import Notification
from tests.simulation.events import (
    ClockSet,
    Event,
    Failed,
    FaultBegan,
    Fed,
    LifeBegan,
    LifeEnded,
    Logged,
    Notified,
    Posted,
    Reloaded,
    RunFinished,
    RunSeen,
    ServiceRead,
    Stuck,
)
from tests.simulation.faults import FAULTS
from tests.simulation.jobs.events import JobActed, JobsSeen
from tests.simulation.jobs.reporter import Reporter
from tests.simulation.messages import FallbackRead, MessageBegan, MessageEnded, MessageTaken
from tests.simulation.scenario import Planned

Local = Callable[[float], str]
"""Shows Unix seconds as the local time of the scenario."""


def words_of(event: Event, local: Local) -> tuple[tuple[str, ...], str]:
    """Return what an event is about, and what has happened.

    Events about the same thing with the same words are a repetition. What only judges need has
    no words.
    """
    return _words(event, local)


@singledispatch
def _words(event: object, _local: Local) -> tuple[tuple[str, ...], str]:
    return (type(event).__name__,), ""


@_words.register
def _(event: RunSeen, _local: Local) -> tuple[tuple[str, ...], str]:
    seen = [f"{name} ({kind})" for name, (kind, _) in event.conditions.items()]
    seen += [f"report {token}" for token in event.reports]
    text = f"{event.module} runs and sees {', '.join(seen) or 'nothing'}."
    if event.outcome != "ok":
        text += f" This run goes wrong: {event.outcome}."
    return ("run", str(event.life), event.module), text


@_words.register
def _(event: RunFinished, _local: Local) -> tuple[tuple[str, ...], str]:
    text = f"The run of {event.module} is shown as finished: {event.result}."
    return ("finished", str(event.life), event.module), text


@_words.register
def _(event: LifeBegan, _local: Local) -> tuple[tuple[str, ...], str]:
    text = f"The supervisor is started (life {event.life}). The ledger: {event.ledger}."
    if abs(ahead := event.clock - event.at) >= 1:
        text += f" The host's clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}."
    text += _planned(event.maintenance)
    return ("life", str(event.life)), text


@_words.register
def _(event: LifeEnded, _local: Local) -> tuple[tuple[str, ...], str]:
    text = f"The supervisor has ended: {event.how}"
    text += f", {event.seconds:.1f} s after SIGTERM." if event.seconds else "."
    if event.unsaved:
        text += " Something was not yet on the disk."
    return ("life", str(event.life)), text


@_words.register
def _(event: Posted, local: Local) -> tuple[tuple[str, ...], str]:
    labels: Mapping[str, str] = event.alert["labels"]
    starts, ends = local(event.starts), local(event.ends)
    named = (labels["alertname"], labels.get("check", ""), labels.get("instance", ""))
    report = labels.get("event_id", "")
    text = f"{short(event.peer)} is sent {_alert(labels)}"
    if report:
        text += f" ({event.alert['annotations'].get('message', '')}, {starts} to {ends})"
    elif event.ends > event.at:
        text += f" as firing since {starts}"
    else:
        text += f" as resolved (from {starts} to {ends})"
    text += "" if event.taken else " and does not take it"
    text += "." if event.answered or not event.taken else " and takes it, but does not say so."
    return ("post", event.peer, *named, report), text


@_words.register
def _(event: Notified, _local: Local) -> tuple[tuple[str, ...], str]:
    sent = event.notification
    if not isinstance(sent, Notification):
        return ("notified", event.peer), f"{short(event.peer)} notifies: {sent}"
    alerts = ", ".join(_alert(alert.labels) for alert in sent.alerts)
    labels = sent.alerts[0].labels
    about = (labels.get("alertname", ""), labels.get("check", ""), labels.get("instance", ""))
    text = f"{short(event.peer)} notifies of {alerts}: {sent.status.value} ({sent.reason.value})."
    return ("notified", event.peer, *about), text


@_words.register
def _(event: Fed, _local: Local) -> tuple[tuple[str, ...], str]:
    told = [line for line in event.lines if not line.startswith("STATUS=")]
    text = f"systemd is told {' '.join(told)}." if told else ""
    return ("fed", str(event.life), *told), text


@_words.register
def _(event: FaultBegan, _local: Local) -> tuple[tuple[str, ...], str]:
    where = f" at {short(event.target)}" if event.target else ""
    text = f"Fault {event.kind}{where}: {_fault(event)}"
    return ("fault", event.kind, event.target), text


@_words.register
def _(event: Reloaded, _local: Local) -> tuple[tuple[str, ...], str]:
    return ("reload",), f"The service file changes, and SIGHUP is sent: {event.what}."


@_words.register
def _(event: ServiceRead, _local: Local) -> tuple[tuple[str, ...], str]:
    text = f"The supervisor reads the service file: {' '.join(event.modules)}."
    return ("read",), text + _planned(event.maintenance)


@_words.register
def _(event: ClockSet, _local: Local) -> tuple[tuple[str, ...], str]:
    ahead = "ahead" if event.by > 0 else "back"
    return ("clock",), f"The host's clock jumps {ahead} by {abs(event.by):g} s."


@_words.register
def _(event: Logged, _local: Local) -> tuple[tuple[str, ...], str]:
    raised = f" ({event.traceback})" if event.traceback else ""
    return ("log", str(event.life), event.text[:40]), f"The log: {event.text[:200]}{raised}"


@_words.register
def _(event: Stuck, _local: Local) -> tuple[tuple[str, ...], str]:
    return ("stuck", event.what), f"Something waits for ever: {event.what}."


@_words.register
def _(event: FallbackRead, _local: Local) -> tuple[tuple[str, ...], str]:
    table = event.fallback
    if table is None:
        return ("fallback",), "The service file has no [fallback]."
    text = f"[fallback] tells by {' and '.join(table.channels)} of {', '.join(table.event_types)}"
    return ("fallback",), f"{text}, after {table.after:g} s, every {table.every:g} s."


@_words.register
def _(event: MessageBegan, _local: Local) -> tuple[tuple[str, ...], str]:
    about = f": {', '.join(event.alerts)}" if event.alerts else ""
    text = f"The last resort begins to send {event.identity} by {event.channel}{about}."
    return ("message", event.channel), text


@_words.register
def _(event: MessageTaken, _local: Local) -> tuple[tuple[str, ...], str]:
    return ("message", event.channel), f"{event.channel} takes {event.identity}."


@_words.register
def _(event: MessageEnded, _local: Local) -> tuple[tuple[str, ...], str]:
    return ("message", event.channel), f"{event.channel} says of {event.identity}: {event.fate}."


@_words.register
def _(event: Failed, _local: Local) -> tuple[tuple[str, ...], str]:
    return ("failed", event.peer), f"A request fails at {short(event.peer)}: {event.how}."


@_words.register
def _(event: JobActed, _local: Local) -> tuple[tuple[str, ...], str]:
    how = " ".join((getattr(Reporter, event.kind).__doc__ or "").split())
    if event.kind == "end":
        how += " It is a success." if event.is_success else " It is a failure."
    return ("job", event.job), f"{event.job} ({event.run or 'by hand'}): {how}"


@_words.register
def _(event: JobsSeen, _local: Local) -> tuple[tuple[str, ...], str]:
    counts = [
        f"{job}: {count} ended well, {event.failures[job]} failed"
        for job, count in event.successes.items()
    ]
    wrong = [f"{condition} ({job})" for condition, job in event.conditions]
    text = f"A run of jobs has counted {'; '.join(counts)}."
    return ("jobs", str(event.life)), f"{text} It sees {', '.join(wrong) or 'nothing'}."


def short(peer: str) -> str:
    """Return the first part of a peer's name."""
    return peer.split("//")[-1].split(".")[0]


def _planned(maintenance: Iterable[Planned]) -> str:
    """Return the windows of a service file as a sentence of their own, if there are any."""
    windows = [
        f'"{each.name}" at {", ".join(each.at)} ({" ".join(each.modules) or "all modules"}), '
        f"settles in {each.settle:g} s"
        for each in maintenance
    ]
    return f" Planned work: {'; '.join(windows)}." if windows else ""


def _alert(labels: Mapping[str, str]) -> str:
    parts = (labels.get("check", ""), labels.get("instance", ""))
    return " ".join([f'"{labels["alertname"]}"', *(short(part) for part in parts if part)])


def _fault(event: FaultBegan) -> str:
    """Say what the fault's function says of itself, with the numbers of this one."""
    function: Any = FAULTS.get(event.kind)
    how = ""
    if isinstance(function, partial):
        how = f' Its weather is "{function.keywords["weather"]}".'
        function = function.func
    text = " ".join((getattr(function, "__doc__", "") or "").split())
    numbers = {"`amount`": f"{event.amount:g}", "`seconds`": f"{event.seconds:g} s"}
    return re.sub("`amount`|`seconds`", lambda found: numbers[found[0]], text) + how
