"""Writes a ledger of the present format beside this file. See README.md for when to run it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.alerts.payload import Payload
from supervisor.ledger import tables
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger

NOW = 1_000_000_000.0
"""The time of the sample, in Unix seconds."""

PEER = "http://127.0.0.1:9093"
"""The peer that has cursors."""


def main() -> None:
    """Write the file. It must not be there yet."""
    path = Path(__file__).parent / f"format-{tables.VERSION}"
    if path.exists():
        raise SystemExit(f"{path} is there already; a release must not change it")
    write(path)


def write(path: Path) -> None:
    """Write the sample to a new ledger."""
    ledger = Ledger(path)
    ledger.commit(sample())
    ledger.close()


def sample() -> Changes:
    """Return rows for each case: every state, text that is not ASCII, and what may be empty."""
    firing = Alert(
        fingerprint="f1",
        module="disk",
        alertname="Disk usage",
        event_type="W",
        instance="/",
        state=State.FIRING,
        starts_at=NOW,
        ends_at=None,
        payload=payload(
            '{"alertname":"Disk usage","check":"disk","event_type":"W","host":"h","instance":"/",'
            '"service":"S"}',
            '{"event_time":"2001-09-09 10:46:40","message":"/ is 93 % full (정보)",'
            '"last_confirmed":"2001-09-09 10:50:00"}',
            ',"generatorURL":"https://status.example.invalid/"',
        ),
        frozen_labels={"site": "a"},
        version=3,
        episode=2,
        folded=4,
    )
    over = Alert(
        fingerprint="f2",
        module="disk",
        alertname="Disk usage",
        event_type="W",
        instance="/srv",
        state=State.OVER,
        starts_at=NOW,
        ends_at=NOW + 30.5,
        payload=payload("{}", '{"message":""}'),
        version=2,
    )
    resolved = Alert(
        fingerprint="f3",
        module="supervisor",
        alertname="ReloadFailed",
        event_type="TE",
        instance="",
        state=State.RESOLVED,
        starts_at=NOW,
        ends_at=NOW + 60,
        payload=payload("{}", '{"message":"x"}'),
        version=5,
    )
    report = Alert(
        fingerprint="f4",
        module="daily",
        alertname="Daily check",
        event_type="I",
        instance="",
        state=State.REPORT,
        starts_at=NOW,
        ends_at=NOW + 1800,
        payload=payload("{}", '{"message":"hello","delayed":"true"}'),
        version=2,
        episode=2,
    )
    past = Alert(
        fingerprint="f5",
        module="disk",
        alertname="Disk usage",
        event_type="W",
        instance="/old",
        state=State.RESOLVED,
        starts_at=NOW - 900,
        ends_at=NOW - 800,
        payload=payload("{}", '{"message":"past"}'),
        version=2,
    )
    return Changes(
        alerts={alert.fingerprint: alert for alert in (firing, over, resolved, report)},
        sightings={
            "disk": {
                ("Disk usage", "/"): Sighting(1, 1, "f1"),
                ("Disk usage", "/new"): Sighting(1, 0),
            }
        },
        modules={
            "daily": ModuleRecord(NOW - 10),
            "log": ModuleRecord(state={"offset": 12, "name": "정보"}),
        },
        cursors={
            (PEER, "f1"): Cursor(
                version=3, episode=2, sent_at=NOW + 5, ends_at=NOW + 245, held_since=NOW + 1
            ),
            (PEER, "f2"): Cursor(rejected=2),
            (PEER, "f4"): Cursor(
                version=2, episode=2, sent_at=NOW, ends_at=NOW + 1800, held_since=NOW, shift=-45.0
            ),
        },
        history={7: past},
        lost=Counter(evicted=3),
    )


def payload(labels: str, annotations: str, more: str = "") -> Payload:
    """Return a payload of JSON texts, as the ledger holds it."""
    return Payload(f'{{"labels":{labels},"annotations":{annotations}{more}'.encode())


if __name__ == "__main__":
    main()
