"""Whatever happens: never two digests within `every`, and never a silence that is too long."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, TypeAlias

import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor.delivery.fallback.result import Fate, Result
from supervisor.observations import Condition
from tests.delivery.fallback.bench import AFTER, BACKOFF, EVERY, FallbackBench, Sent
from tests.support.fake_client import BUSY, OK
from tests.support.recorder_bench import ONE, TWO, full, run_virtually

SLACK = 5.0
"""Seconds for what takes time by itself: a post, and the mail."""

Act: TypeAlias = Literal[
    "all fail", "one answers", "all answer", "kill", "mail works", "mail waits", "fires", "ends"
]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(Act.__args__),  # type: ignore[attr-defined]
        st.one_of(st.floats(0.05, 2), st.floats(2, 90), st.floats(90, 1.5 * EVERY)),
    ),
    min_size=3,
    max_size=25,
)

Span: TypeAlias = tuple[float, float]


async def story(steps: list[tuple[Act, float]]) -> tuple[FallbackBench, list[Span], list[float]]:
    """Live through the steps.

    Return the bench, the spans in which somebody must be told and can be, and when kills were.
    """
    bench = FallbackBench.make(ONE, TWO)
    works, fails, fires = True, False, False
    spans: list[Span] = []
    kills: list[float] = []
    seen: list[Condition] = []

    def respond(_sent: Sent) -> Result:
        return Result(Fate.SENT) if works else Result(Fate.LATER, "451")

    bench.respond = respond
    async with trio.open_nursery() as nursery:
        await bench.live(nursery)
        begun: float | None = None
        for act, seconds in steps:
            match act:
                case "all fail":
                    fails = True
                    bench.peers_fail(BUSY)
                case "one answers":
                    fails = False
                    bench.peers_answer(OK, ONE)
                case "all answer":
                    fails = False
                    bench.peers_answer(OK)
                case "kill":
                    kills.append(bench.bench.seconds())
                    for peer in bench.bench.peers.values():
                        peer.state, peer.sent = "ok", 0
                    await bench.restart(nursery)
                case "mail works" | "mail waits":
                    works = act == "mail works"
                case "fires":
                    seen.append(full(f"/{len(seen)} at {bench.bench.seconds()}", event_type="E"))
                    await bench.bench.see(*seen)
                case "ends":
                    seen.clear()
                    await bench.bench.see()
            # What is over is owed, too, until a peer has taken it. What a peer has notified of
            # before is not owed, so only what fires in the outage counts here.
            if act == "fires" and fails:
                fires = True
            if not fails:
                fires = False
            now = bench.bench.seconds()
            wanted = fails and fires and works
            if wanted and begun is None:
                begun = now
            elif not wanted and begun is not None:
                spans.append((begun, now))
                begun = None
            await trio.sleep(seconds)
        if begun is not None:
            spans.append((begun, bench.bench.seconds()))
        nursery.cancel_scope.cancel()
    return bench, spans, kills


@given(STEPS)
@example([("mail waits", 1), ("all fail", 1), ("fires", 1000), ("mail works", EVERY / 2)])
@example([("all fail", 1), ("fires", 500), ("kill", 400), ("kill", 2000), ("kill", EVERY)])
@settings(max_examples=50)
def test_never_two_digests_within_a_period_and_never_too_long_a_silence(
    steps: list[tuple[Act, float]],
) -> None:
    async def run() -> tuple[FallbackBench, list[Span], list[float]]:
        return await story(steps)

    bench, spans, kills = run_virtually(run)
    digests = bench.digests
    by_identity: dict[str, list[Sent]] = {}
    for each in digests:
        by_identity.setdefault(each.identity, []).append(each)
    lasts = [tries[-1].at for tries in by_identity.values()]
    firsts = [tries[0].at for tries in by_identity.values()]
    refused = {sent.at for sent, result in bench.ended if result.fate is not Fate.SENT}
    taken = {each.at for each in digests} - refused

    for last, following in zip(lasts, firsts[1:], strict=False):
        assert following - last >= EVERY or last in refused
    for begun, ended in spans:
        due = begun + AFTER + bench.spread + 2 * BACKOFF + SLACK
        before = [at for at in taken if at < begun]
        if before:
            due = max(due, max(before) + EVERY + 2 * BACKOFF + SLACK)
        if due < ended:
            assert any(begun <= at <= due for at in taken), (begun, ended, due)
    for tries in by_identity.values():
        for first, again in pairwise(tries):
            was_killed = any(first.at <= kill <= first.at + bench.seconds for kill in kills)
            assert first.at in refused or was_killed, (first.at, again.at)
