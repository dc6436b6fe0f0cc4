"""How the fallback is shown: in the status document, in words, and as metrics."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisor.commands.views.peers import peer_lines
from supervisor.control.fallback import in_words, state_of
from supervisor.control.snapshot import Snapshot
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.web.metrics import metrics
from supervisor.web.metrics.metrics import Source
from supervisor.web.page.verdict import verdict
from tests.delivery.fallback.bench import AFTER, COMMAND, EVERY, SENT, FallbackBench
from tests.support.recorder_bench import ONE, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


def snapshot_of(bench: FallbackBench) -> Snapshot:
    return Snapshot(
        bench.bench.outbox,
        bench.bench.clock,
        {},
        lambda: tuple(bench.bench.peers.values()),
        lambda: 0,
        fallback=lambda: bench.last_resort,
    )


def numbers(bench: FallbackBench) -> dict[str, float]:
    """Return the metrics of the fallback."""
    lines = "".join(metrics.pieces(Source(snapshot_of(bench), lambda: 0))).splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith("supervisor_fallback_"))
    return {name.removeprefix("supervisor_fallback_"): float(value) for name, _, value in found}


async def test_it_is_shown_from_its_rest_to_its_failure(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE, command=COMMAND)
    bench.bench.jitter = 0.02
    await bench.live(nursery)
    bench.respond = lambda sent: SENT if sent.channel == "mail" else Result(Fate.LATER, "no modem")
    mail = {
        "channel": "mail",
        "target": "a@example.invalid by mail.example.invalid:465",
        "due": None,
        "last_digest": None,
        "sent": 0,
        "failed": 0,
        "error": "",
    }
    command = mail | {"channel": "command", "target": "/usr/local/bin/sms"}
    assert state_of(bench.last_resort) == {
        "state": "ready",
        "since": None,
        "channels": [mail, command],
    }
    assert numbers(bench) == {
        "outage": 0,
        'sent_total{channel="mail"}': 0,
        'sent_total{channel="command"}': 0,
        'errors_total{channel="mail"}': 0,
        'errors_total{channel="command"}': 0,
    }

    bench.peers_fail()
    await bench.bench.see(full(event_type="E"))
    found = state_of(bench.last_resort)
    assert found["state"] == "waiting"
    assert found["since"] == "2023-11-14T22:13:20.000Z"
    assert found["channels"][0]["due"] is not None
    await bench.until(AFTER + bench.spread + 3)

    found = state_of(bench.last_resort)
    assert found["state"] == "failing"
    assert found["channels"][0]["last_digest"] is not None
    assert found["channels"][1]["error"] == "no modem"
    assert numbers(bench)["outage"] == 1
    assert numbers(bench)['sent_total{channel="mail"}'] == 1
    assert numbers(bench)['errors_total{channel="command"}'] >= 1
    status = await snapshot_of(bench).status()
    assert status["fallback"] == found
    assert "the fallback cannot send" in verdict(status).notes
    lines = [str(line) for line in peer_lines(status, lambda text: text or "")]
    assert lines[1].startswith("Fallback: cannot tell it, since 2023-11-14T22:13:20.000Z")
    assert lines[3].endswith(", no modem")

    bench.respond = lambda _sent: SENT
    await bench.until(AFTER + EVERY / 2)
    assert state_of(bench.last_resort)["state"] == "told"
    words = [*in_words(state_of(bench.last_resort), lambda text: text or "")]
    assert words[0].startswith("Fallback: has told that no Alertmanager answers, since ")
    assert "last told " in words[1]
