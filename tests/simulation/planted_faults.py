"""Faults that are planted in the product, one at a time. The simulation must find each.

A judge that has never found anything may be blind.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve

from supervisor.alerts import hysteresis, timing
from supervisor.alerts.alert import Cursor
from supervisor.daemon.watchdog import feed_watchdog
from supervisor.delivery.failures import Failures
from supervisor.delivery.peer import PeerStatus
from supervisor.host.clock import Clock
from supervisor.host.systemd import Notifier
from supervisor.ledger import retention
from supervisor.ledger.changes import Changes
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing
from supervisor.ledger.peer_queue import PeerQueue
from supervisor.modules.runner import Runner
from supervisor.modules.tasks import ModuleTasks
from supervisor.recorder import reconcile as adapt
from supervisor.recorder import update
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.writer import Writer
from supervisor.schedule import schedule
from tests.simulation import planted_in_jobs as jobs
from tests.simulation import planted_in_the_fallback as fallback
from tests.simulation import planted_in_windows as windows

Plant = Callable[[pytest.MonkeyPatch], None]
"""Puts a fault into the product, until the patch is undone."""


def lost_cursor_is_ignored(patch: pytest.MonkeyPatch) -> None:
    """After a start, what fires counts as taken by a peer of which the ledger holds no cursor."""
    restore = Outbox.restore

    def restored(outbox: Outbox, contents: Changes) -> None:
        for peer in outbox.store.config.peers:
            for name, alert in contents.alerts.items():
                if alert is not None:
                    since = alert.starts_at  # the start takes back what lies in the future
                    taken = Cursor(alert.version, alert.episode, since, since, held_since=since)
                    contents.cursors.setdefault((peer, name), taken)
        restore(outbox, contents)

    patch.setattr(Outbox, "restore", restored)


def resolved_before_min_visible(patch: pytest.MonkeyPatch) -> None:
    """The end of an alert is told although no peer has held it for `min_visible`."""
    patch.setattr(timing, "was_told", lambda *_: True)


def published_before_committed(patch: pytest.MonkeyPatch) -> None:
    """A run shows as finished, and its alerts are sent, before they are on the disk."""
    take_in, commit, publish = Recorder._take_in, Recorder._commit, Recorder._publish
    batch: list[Message] = []

    async def remembered(self: Recorder, messages: list[Message], *, last: bool = False) -> None:
        batch[:] = messages
        await take_in(self, messages, last=last)

    async def too_late(self: Recorder, changes: Changes, *, urgent: bool) -> None:
        publish(self, changes, batch)
        await commit(self, changes, urgent=urgent)

    patch.setattr(Recorder, "_take_in", remembered)
    patch.setattr(Recorder, "_commit", too_late)
    patch.setattr(Recorder, "_publish", lambda *_: None)


def back_off_is_not_reset(patch: pytest.MonkeyPatch) -> None:
    """After a success the next failure is waited for as long as if none had come between."""
    ended = Failures.ended

    def kept(self: Failures, part: list[Outgoing], now: float) -> None:
        failures = self.peer.failures
        ended(self, part, now)
        self.peer.failures = failures

    patch.setattr(Failures, "ended", kept)


def queue_starves(patch: pytest.MonkeyPatch) -> None:
    """What was in a batch that failed has its turn only while nothing else is in the queue."""
    is_turn, soonest = PeerQueue._is_turn_of_suspects, PeerQueue.next

    def only_alone(self: PeerQueue, now: float) -> bool:
        return self._together.next() is None and is_turn(self, now)

    def of_others(self: PeerQueue) -> float | None:
        together = self._together.next()
        return soonest(self) if together is None else together

    patch.setattr(PeerQueue, "_is_turn_of_suspects", only_alone)
    patch.setattr(PeerQueue, "next", of_others)


def summer_time_is_off_by_one_hour(patch: pytest.MonkeyPatch) -> None:
    """Times of the day follow the offset of the first of January."""

    def in_winter(day: date, second: int, timezone: ZoneInfo) -> float:
        from datetime import UTC, datetime, timedelta

        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        offset = datetime(day.year, 1, 1, tzinfo=timezone).utcoffset() or timedelta(0)
        return (midnight - offset).timestamp() + second

    patch.setattr(schedule, "instant", in_winter)


def fire_after_is_lost_at_a_reload(patch: pytest.MonkeyPatch) -> None:
    """A reload forgets how often a condition was seen that does not fire yet."""
    reconcile = adapt.reconcile

    def forgetful(changing: update.Update) -> None:
        for module, group in changing.transaction.store.sightings.items():
            for key, sighting in group.items():
                if not sighting.fingerprint:
                    changing.transaction.set_sighting(module, key, None)
        reconcile(changing)

    patch.setattr("supervisor.recorder.recorder.reconcile", forgetful)


def missed_time_runs_twice(patch: pytest.MonkeyPatch) -> None:
    """After a start, a time of the day is made up for although it was run before."""

    def forgotten(self: ModuleTasks, task: Any, now: float) -> float | None:
        return schedule.missed(task.schedule, None, now, task.module.catch_up)

    patch.setattr(ModuleTasks, "_missed", forgotten)


def eviction_in_the_wrong_order(patch: pytest.MonkeyPatch) -> None:
    """When the ledger is full, what fires goes before what has ended."""
    rank = retention.rank
    patch.setattr(retention, "rank", lambda cursors, alert: 4 - rank(cursors, alert))


def reload_sends_all_again(patch: pytest.MonkeyPatch) -> None:
    """A reload forgets what the peers took."""

    def forget_all(self: Cursors) -> None:
        for peer in [*self.known]:
            for fingerprint in [*self.known[peer]]:
                self.forget(peer, fingerprint)

    patch.setattr(Cursors, "forget_other_peers", forget_all)


def one_run_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """A module waits until no other one runs."""
    run = Runner._run
    locks: dict[int, trio.Lock] = {}

    async def alone(self: Runner, tick: float | None) -> None:
        async with locks.setdefault(id(self.send), trio.Lock()):
            await run(self, tick)

    patch.setattr(Runner, "_run", alone)


def skipped_times_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    """The times that a module's own run has taken up are left out of its counters."""
    skip = Runner._skip_ticks_since

    def silent(self: Runner, tick: float) -> None:
        before = self.stats.skipped["running"]
        skip(self, tick)
        self.stats.skipped["running"] = before

    patch.setattr(Runner, "_skip_ticks_since", silent)


def watchdog_is_fed_blindly(patch: pytest.MonkeyPatch) -> None:
    """systemd is told that all is well, whatever the pipeline does."""

    async def feed(notifier: Notifier, *_: object, **_by_name: object) -> None:
        while notifier.watchdog is not None:
            notifier.notify("WATCHDOG=1")
            await trio.sleep(notifier.watchdog / 4)

    patch.setattr("supervisor.daemon.daemon.feed_watchdog", feed)


def watchdog_wants_peers(patch: pytest.MonkeyPatch) -> None:
    """The watchdog is fed only while each peer takes what it is sent."""

    async def strict(
        notifier: Notifier,
        send: Any,
        peers: Callable[[], Sequence[PeerStatus]],
        within: Any,
        *,
        clock: Clock,
    ) -> None:
        def reachable() -> Sequence[PeerStatus]:
            return [evolve(peer, alive_at=0.0) if peer.failures else peer for peer in peers()]

        await feed_watchdog(notifier, send, reachable, within, clock=clock)

    patch.setattr("supervisor.daemon.daemon.feed_watchdog", strict)


def ledger_stays_open(patch: pytest.MonkeyPatch) -> None:
    """The end of the supervisor does not close its ledger."""
    kept: list[object] = []

    def keep(self: Writer) -> None:
        kept.append(self.ledger)

    patch.setattr(Writer, "_close", keep)


def a_band_lets_something_fire(patch: pytest.MonkeyPatch) -> None:
    """What should only let a condition go on lets it fire, too."""
    patch.setattr(update, "settled", lambda run, _prior: run)


def some_of_the_last_runs_are_runs_in_a_row(patch: pytest.MonkeyPatch) -> None:
    """A module that fires after 2 of 4 runs wants two runs in a row."""

    def compare(*given: Any, fire_after: int, of_last: int, **others: Any) -> Any:
        in_a_row = min(fire_after, of_last)
        return hysteresis.compare(*given, fire_after=fire_after, of_last=in_a_row, **others)

    patch.setattr(update, "compare", compare)


BREAKING: Mapping[str, Sequence[Plant]] = {
    "what_was_seen_is_not_lost": (
        queue_starves,
        published_before_committed,
        fire_after_is_lost_at_a_reload,
        some_of_the_last_runs_are_runs_in_a_row,
        windows.a_window_holds_for_ever,
    ),
    "the_end_is_told": (lost_cursor_is_ignored, resolved_before_min_visible),
    "nothing_is_invented": (a_band_lets_something_fire,),
    "nothing_is_sent_needlessly": (reload_sends_all_again,),
    "a_peer_is_tried_again_in_time": (back_off_is_not_reset,),
    "a_window_holds_what_begins": (
        windows.what_begins_in_a_window_is_told,
        windows.a_start_forgets_windows,
        windows.a_held_start_is_replaced,
        windows.nothing_settles,
        windows.what_came_and_went_is_told,
        windows.reports_are_not_held,
    ),
    "each_report_of_a_job_counts_once": jobs.PLANTED,
    "the_last_resort_tells_in_time": fallback.PLANTS,
    "the_ledger_is_bounded_and_a_bad_disk_stops_nothing": (eviction_in_the_wrong_order,),
    "a_module_disturbs_no_other": (
        summer_time_is_off_by_one_hour,
        missed_time_runs_twice,
        one_run_at_a_time,
        skipped_times_are_not_counted,
    ),
    "systemd_knows_how_it_is": (watchdog_is_fed_blindly, watchdog_wants_peers),
    "no_task_is_left": (ledger_stays_open,),
}
"""All of them, by the promise that each breaks."""

PLANTED: Mapping[str, Plant] = {
    plant.__name__: plant for plants in BREAKING.values() for plant in plants
}
"""All of them, by name."""

PROMISE_OF: Mapping[str, str] = {
    plant.__name__: promise for promise, plants in BREAKING.items() for plant in plants
}
"""The promise that each of them breaks, by its name."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the fault of a name in the product. An empty name stands for none."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            PLANTED[name](patch)
        yield
    if name:  # it may have left files open; the next world counts the open ones
        gc.unfreeze()
        gc.collect()
