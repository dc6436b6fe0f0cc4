"""All promises, and the judgment of one world by all of them."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from attrs import define, evolve, field

from tests.simulation.chronicle import Enough, Listener
from tests.simulation.events import Event
from tests.simulation.kinds import DAY
from tests.simulation.promises.a_damaged_ledger_is_set_aside import a_damaged_ledger_is_set_aside
from tests.simulation.promises.a_module_disturbs_no_other import a_module_disturbs_no_other
from tests.simulation.promises.a_peer_is_tried_again_in_time import a_peer_is_tried_again_in_time
from tests.simulation.promises.a_window_holds_what_begins import a_window_holds_what_begins
from tests.simulation.promises.each_event_is_notified import each_event_is_notified
from tests.simulation.promises.each_report_of_a_job_counts_once import (
    each_report_of_a_job_counts_once,
)
from tests.simulation.promises.finding import Broken, Excusing, Finding, Judge
from tests.simulation.promises.it_stops_in_time import it_stops_in_time
from tests.simulation.promises.no_task_is_left import no_task_is_left
from tests.simulation.promises.nothing_is_invented import nothing_is_invented
from tests.simulation.promises.nothing_is_sent_needlessly import nothing_is_sent_needlessly
from tests.simulation.promises.nothing_unexpected_is_logged import nothing_unexpected_is_logged
from tests.simulation.promises.systemd_knows_how_it_is import systemd_knows_how_it_is
from tests.simulation.promises.the_end_is_told import the_end_is_told
from tests.simulation.promises.the_last_resort_tells_in_time import the_last_resort_tells_in_time
from tests.simulation.promises.the_ledger_is_bounded_and_a_bad_disk_stops_nothing import (
    the_ledger_is_bounded_and_a_bad_disk_stops_nothing,
)
from tests.simulation.promises.the_order_of_an_alert_is_kept import the_order_of_an_alert_is_kept
from tests.simulation.promises.what_was_seen_is_not_lost import what_was_seen_is_not_lost
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Outcome, simulate

Promises: TypeAlias = Mapping[str, Callable[[Scenario], Judge]]
"""Makes the judge of each promise for one scenario, by the name of the promise."""

PROMISES: Promises = MappingProxyType(
    {
        promise.__name__: promise
        for promise in (
            what_was_seen_is_not_lost,
            the_end_is_told,
            nothing_is_invented,
            nothing_is_sent_needlessly,
            a_peer_is_tried_again_in_time,
            the_order_of_an_alert_is_kept,
            the_ledger_is_bounded_and_a_bad_disk_stops_nothing,
            a_damaged_ledger_is_set_aside,
            each_event_is_notified,
            a_window_holds_what_begins,
            each_report_of_a_job_counts_once,
            the_last_resort_tells_in_time,
            a_module_disturbs_no_other,
            it_stops_in_time,
            systemd_knows_how_it_is,
            no_task_is_left,
            nothing_unexpected_is_logged,
        )
    }
)
"""The promises of docs/reference/promises.md."""

NO_CRASH = "no_exception_ends_the_supervisor"
"""The promise that no judge needs to judge: the world itself ends."""

JUDGE_FAILED = "no_judge_raises_an_exception"
"""What is broken when a judge has a bug."""


def judge(
    scenario: Scenario,
    *listeners: Listener,
    promises: Promises = PROMISES,
    stop_at_first: bool = True,
) -> tuple[Outcome, list[Finding]]:
    """Run a scenario before the judges of the promises. The listeners hear each event first."""
    court = Court([promise(scenario) for promise in promises.values()], stop_at_first)
    try:
        outcome = simulate(scenario, *listeners, court.hear)
    except Exception as error:
        return Outcome("", Counter()), [*court.findings, court.crash(NO_CRASH, error)]
    if not (court.findings and stop_at_first):
        court.rest(scenario.start + scenario.days * DAY)
    return evolve(outcome, excused=court.excused), court.findings


def only(promise: str, promises: Promises = PROMISES) -> Promises:
    """Return this promise alone, or all if it has no judge of its own."""
    return {promise: promises[promise]} if promise in promises else promises


@define(eq=False)
class Court:
    """Lets all judges hear what happens, and takes down what they find."""

    judges: Sequence[Judge]

    stop_at_first: bool
    """Whether the world ends with the first finding."""

    findings: list[Finding] = field(factory=list)

    now: float = 0.0
    """The time of the last event."""

    _hear: list[Callable[[Event], Iterable[Finding]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._hear = [one.hear for one in self.judges]

    @property
    def excused(self) -> Counter[str]:
        """How often a named reason kept something from being a finding."""
        judges = (one for one in self.judges if isinstance(one, Excusing))
        return sum((one.reasons for one in judges), Counter[str]())

    def hear(self, event: Event) -> None:
        """Ask each judge about an event."""
        self.now = event.at
        try:
            for hear in self._hear:
                self.findings.extend(hear(event))
        except Broken as broken:
            self.findings.append(broken.finding)
            raise Enough from broken
        except Enough:
            raise
        except Exception as error:
            self.findings.append(self.crash(JUDGE_FAILED, error))
            raise Enough from error
        if self.findings and self.stop_at_first:
            raise Enough

    def rest(self, at: float) -> None:
        """Ask each judge about the end of the world."""
        for one in self.judges:
            try:
                self.findings.extend(one.at_the_end(at))
            except Broken as broken:
                self.findings.append(broken.finding)

    def crash(self, promise: str, error: Exception) -> Finding:
        """Return the finding that something was raised."""
        return Finding(promise, self.now, "".join(traceback.format_exception(error)[-12:]))
