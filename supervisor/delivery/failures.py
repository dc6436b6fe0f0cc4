"""What a failed request changes, and what the next success ends. Used by the sender."""

from __future__ import annotations

import math
from collections.abc import Callable
from logging import getLogger
from typing import Literal

import trio
from attrs import define, evolve, field

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.timing import LIFETIMES
from supervisor.delivery.announcements import Announcements
from supervisor.delivery.back_off import BatchSize, backoff
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.replies import Answer, Reply
from supervisor.host.clock import Clock
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing
from supervisor.ledger.peer_queue import PeerQueue

_log = getLogger("supervisor.peers")


@define(eq=False, repr=False, kw_only=True)
class Failures:
    """Tells a peer that is down from a single alert that it does not take."""

    peer: PeerStatus
    """What is known of the peer."""

    outbox: Outbox
    """Keeps apart what failed alone."""

    clock: Clock
    """The host's clock."""

    size: BatchSize
    """How many alerts the next batch may hold."""

    announcements: Announcements
    """Raises `PeerMisconfigured`."""

    jitter: Callable[[], float]
    """Returns a number from 0 to 1."""

    answered: Callable[[bool], None] = lambda _taken: None
    """Told after each post whether the peer took it."""

    _alone: str = ""
    """Fingerprint of the first alert that failed alone since the last success."""

    _several: bool = False
    """Whether other alerts have failed alone since then, too."""

    _follows_from: float = -math.inf
    """trio's time from which a Retry-After is followed, if one alert may be its cause."""

    _took_since: bool = False
    """Whether the peer has taken something since the last Retry-After was followed."""

    _named: set[str] = field(factory=set)
    """Fingerprints of what fails alone while others pass. The log has named them."""

    @property
    def _queue(self) -> PeerQueue:
        return self.outbox.queues[self.peer.url]

    def failed(self, part: list[Outgoing], answer: Answer) -> float:
        """Queue again what was not taken. Return for how many seconds to post nothing."""
        self._show(answer)
        self.answered(False)
        now = self.clock.now()
        if answer.may_be_one_alert and len(part) == 1:
            (item,) = part
            fingerprint = item.alert.fingerprint
            wait = self._backoff(self._queue.failures_alone(fingerprint), answer)
            if fingerprint in self.outbox.store.alerts:
                self._queue.failed_alone(fingerprint, now + wait)
            asks_to_wait = answer.retry_after is not None and fingerprint not in self._named
            if self._is_the_only_one(item) and not asks_to_wait:
                return 0.0
        else:
            self.outbox.put_back(self.peer.url, part, now)
            if answer.may_be_one_alert:
                self.size.failed(len(part))
                names = [item.alert.fingerprint for item in part]
                known = [name for name in names if name in self.outbox.store.alerts]
                self._queue.failed_together(known, self.size.limit, now)
        self.peer.failures += 1
        return self._backoff(self.peer.failures - 1, self._without_repeated_wish(answer))

    async def refused(self, item: Outgoing, answer: Answer) -> None:
        """Quarantine an alert, and announce it."""
        url, name, module = self.peer.url, item.alert.alertname, item.alert.module
        self.peer.errors["rejected"] += 1
        self.outbox.rejected(url, item)
        _log.error("%s: refuses the alert %r: %s", url, name, answer)
        if module != SUPERVISOR:
            message = (
                f"{url} refuses alert {name!r} of module {module}: {answer}; "
                "it is kept in quarantine and tried again when it changes"
            )
            await self.announcements.rejected(module, message)

    def ended(self, part: list[Outgoing], now: float) -> None:
        """Note a success. `now` is in Unix seconds."""
        peer = self.peer
        peer.sent, peer.last_success = peer.sent + len(part), now
        peer.failures, self._took_since = 0, True
        self.answered(True)
        self.size.passed()
        queue = self._queue
        for item in part:
            queue.release(item.alert.fingerprint)
        alone, several, self._alone, self._several = self._alone, self._several, "", False
        if queue.has_failed_alone:
            if alone and not several:
                self._name(alone)
            return  # state and error go on to show what fails
        self._named.clear()
        if peer.state != "ok":
            _log.info("%s: delivering again", peer.url)
        self.announcements.misconfigured(None)
        peer.state = "ok"
        peer.error = ""

    def _backoff(self, failures: int, answer: Answer) -> float:
        resend_interval = self.outbox.store.service.resend_interval
        return backoff(failures, answer.retry_after, resend_interval, self.jitter())

    def _without_repeated_wish(self, answer: Answer) -> Answer:
        """Return the answer, without its Retry-After if one was followed a short time ago.

        A peer may ask for it with each batch that holds a bad alert. To follow it each time would
        keep the others waiting until after their `endsAt`. A peer that has taken nothing since
        then, and refuses several alerts alone, is down: that wish is about all of them.
        """
        if answer.retry_after is None or not answer.may_be_one_alert:
            return answer
        is_down = self._several and not self._took_since
        now = trio.current_time()
        if now < self._follows_from and not is_down:
            return evolve(answer, retry_after=None)
        self._follows_from = now + LIFETIMES * self.outbox.store.service.resend_interval
        self._took_since = False
        return answer

    def _is_the_only_one(self, item: Outgoing) -> bool:
        """Return whether this alone has failed alone since the last success.

        That says nothing of the other alerts, so they need not wait.
        """
        self._alone = self._alone or item.alert.fingerprint
        self._several = self._several or self._alone != item.alert.fingerprint
        return not self._several

    def _show(self, answer: Answer) -> None:
        """Count a failure, and say what is wrong."""
        peer = self.peer
        peer.errors[answer.reason] += 1
        peer.failed_at = trio.current_time()
        peer.error = str(answer)
        state: Literal["retrying", "misconfigured"] = (
            "misconfigured" if answer.reply is Reply.MISCONFIGURED else "retrying"
        )
        if peer.state != state:
            _log.warning("%s: cannot deliver: %s; keeping everything", peer.url, answer)
        message = None
        if state == "misconfigured":
            message = f"{peer.url} does not take alerts: {answer}; all are kept until it does"
        self.announcements.misconfigured(message)
        peer.state = state

    def _name(self, fingerprint: str) -> None:
        """Say once which alert fails although the peer takes others."""
        alert = self.outbox.store.alerts.get(fingerprint)
        if alert is not None and fingerprint not in self._named:
            self._named.intersection_update(self.outbox.store.alerts)
            self._named.add(fingerprint)
            _log.warning(
                "%s: takes other alerts, but not %r of module %s: %s; it is tried again alone",
                self.peer.url,
                alert.alertname,
                alert.module,
                self.peer.error,
            )
