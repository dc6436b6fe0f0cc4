"""The story of a cluster, told to real Alertmanagers and to the model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from tests.simulation.alertmanager.cluster import Cluster
from tests.simulation.comparison.cluster_story import (
    DELAYS,
    GOSSIP,
    PROBE,
    SECONDS,
    SETTINGS,
    PeerStep,
    story,
)
from tests.simulation.comparison.outcome import Seen, of_model
from tests.simulation.comparison.real import Run, real_run, sleep_until
from tests.simulation.comparison.step import ALL, AddSilence, Begin, Done, End, Post, Step
from tests.support.ports import free_port

PEERS = 2

TOLERANCE = 0.7
"""Seconds by which a notification may be earlier or later: half of what a peer waits."""


def cluster_differences(directory: Path) -> list[str]:
    """Run the story in both; return the notifications, and what differs."""
    steps = story()
    with ExitStack() as stack:
        runs = _real_cluster(stack, directory)
        base = _run(runs, steps)
    model = _model(runs, base)
    return [
        line
        for peer, run in enumerate(runs)
        for line in _differences(peer, model[peer], run.seen(), base)
    ]


def _real_cluster(stack: ExitStack, directory: Path) -> list[Run]:
    ports = [free_port() for _ in range(PEERS)]
    return [
        stack.enter_context(
            real_run(
                directory / f"peer-{peer}",
                SETTINGS,
                f"--cluster.listen-address=127.0.0.1:{port}",
                *(f"--cluster.peer=127.0.0.1:{other}" for other in ports if other != port),
                f"--cluster.peer-timeout={DELAYS.peer_timeout:g}s",
                f"--cluster.reconnect-interval={DELAYS.reconnect:g}s",
                f"--cluster.gossip-interval={GOSSIP:g}s",
                f"--cluster.probe-interval={PROBE:g}s",
                f"--cluster.probe-timeout={PROBE / 2:g}s",
                "--cluster.pushpull-interval=2s",
            )
        )
        for peer, port in enumerate(ports)
    ]


def _run(runs: list[Run], steps: list[PeerStep]) -> float:
    for run in runs:
        run.do(Step(0.0, ALL, Begin()))
    base = time.time()
    for run in runs:
        run.base = base
    for each in steps:
        sleep_until(base + each.step.at)
        runs[each.peer].do(each.step)
    sleep_until(base + SECONDS)
    return base


def _model(runs: list[Run], base: float) -> list[list[Seen]]:
    """Return what each peer of the model sends."""
    done = sorted(
        ((done, peer) for peer, run in enumerate(runs) for done in run.done[1:]),
        key=lambda pair: pair[0].at,
    )
    cluster = Cluster(SETTINGS, PEERS, runs[0].done[0].at, DELAYS)
    for step, peer in done:
        _do(cluster, peer, step, base)
    seen: list[list[Seen]] = [[] for _ in runs]
    for notification in cluster.advance(base + SECONDS):
        seen[int(notification.sender.removeprefix("peer-"))].append(of_model(notification))
    return seen


def _do(cluster: Cluster, peer: int, done: Done, base: float) -> None:
    match done.step.what:
        case Post(alerts):
            cluster.post(peer, [alert.json(base) for alert in alerts], done.at)
        case AddSilence(matchers=matchers, starts=starts, ends=ends):
            cluster.silence(
                peer, matchers, starts_at=base + starts, ends_at=base + ends, now=done.at
            )
        case End(killed):
            (cluster.kill if killed else cluster.stop)(peer, done.at)
        case Begin():
            cluster.start(peer, done.at)


def _differences(peer: int, expected: list[Seen], found: list[Seen], base: float) -> Iterator[str]:
    for one, two in zip_longest(expected, found):
        same = (
            one is not None
            and two is not None
            and one.group == two.group
            and [each.exact for each in one.alerts] == [each.exact for each in two.alerts]
            and abs(one.at - two.at) <= TOLERANCE
        )
        if not same:
            yield f"peer {peer}: {_short(one, base)} and {_short(two, base)}"


def _short(seen: Seen | None, base: float) -> str:
    if seen is None:
        return "nothing"
    name = dict(seen.group[1])["alertname"]
    return f"{seen.at - base:.2f} {name} {'+'.join(each.status for each in seen.alerts)}"
