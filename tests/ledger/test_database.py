"""The file on disk: whole or not at all, private, and refused when it is newer."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.alerts.payload import Payload
from supervisor.errors import LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, open_ledger
from tests.ledger.filled import ALERT, NOW, PEER, empty_outbox, fill, reread


def as_it_may_be(alert: Alert) -> Alert:
    """Return an alert that may be: what fires has no end, and a report has one."""
    if alert.state is State.FIRING:
        return evolve(alert, ends_at=None)
    is_endless = alert.state is State.REPORT and alert.ends_at is None
    return evolve(alert, ends_at=NOW) if is_endless else alert


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.floats(0, 4e9)
alerts = st.builds(
    Alert,
    fingerprint=st.sampled_from(["f1", "f2", "f3"]),
    module=texts,
    alertname=texts,
    event_type=texts,
    instance=texts,
    state=st.sampled_from([state for state in State if state is not State.HELD]),
    starts_at=times,
    ends_at=st.none() | times,
    payload=st.binary(max_size=50).map(Payload),
    frozen_labels=st.dictionaries(texts, texts, max_size=2),
    version=st.integers(1, 2**40),
    episode=st.integers(1, 2**40),
    folded=st.integers(1, 2**40),
).map(as_it_may_be)
"""What is held is tested in `tests/recorder/test_held.py`: the tables tell it by its end."""

cursors = st.builds(
    Cursor,
    version=st.integers(0, 9),
    episode=st.integers(0, 9),
    sent_at=times,
    ends_at=times,
    held_since=st.none() | times,
    shift=st.none() | st.floats(-9e4, 9e4),
    rejected=st.integers(0, 9),
)
sightings = st.builds(Sighting, st.integers(0, 9), st.integers(0, 9), texts)
records = st.builds(ModuleRecord, times, st.dictionaries(texts, texts | st.integers() | st.none()))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(alerts, max_size=3, unique_by=lambda alert: alert.fingerprint),
    st.dictionaries(texts, st.dictionaries(st.tuples(texts, texts), sightings, max_size=2)),
    st.dictionaries(texts, records, max_size=3),
    cursors,
    st.dictionaries(texts, st.integers(1, 9), max_size=2),
)
def test_what_was_committed_is_read_again(
    some: list[Alert],
    seen: dict[str, dict[tuple[str, str], Sighting | None]],
    modules: dict[str, ModuleRecord],
    cursor: Cursor,
    lost: dict[str, int],
) -> None:
    by_name: dict[str, Alert | None] = {alert.fingerprint: alert for alert in some}
    at_peer: dict[tuple[str, str], Cursor | None] = {(PEER, name): cursor for name in by_name}
    past: dict[int, Alert | None] = dict(enumerate(some, start=1))
    written = Changes(
        alerts=by_name,
        sightings=seen,
        modules=modules,
        cursors=at_peer,
        history=past,
        lost=Counter(lost),
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "ledger")
        fill(path, written)
        found = reread(path)

    assert found.alerts == written.alerts
    assert found.sightings == {name: group for name, group in seen.items() if group}
    assert (found.modules, found.cursors, found.lost) == (modules, at_peer, lost)
    assert past == found.history


def test_none_removes_a_row(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    seen: dict[str, dict[tuple[str, str], Sighting | None]] = {"disk": {("a", "b"): Sighting(1, 0)}}
    fill(path, Changes({"f1": ALERT}, seen, {}, {(PEER, "f1"): Cursor()}))
    fill(path, Changes({"f1": None}, {"disk": {("a", "b"): None}}, {}, {(PEER, "f1"): None}))

    assert not reread(path)


def test_a_commit_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    bad = Changes({"f1": ALERT}, {}, {"m": ModuleRecord("no time")})  # type: ignore[arg-type]  # refused by STRICT
    with pytest.raises(LedgerError):
        ledger.commit(bad)
    ledger.close()

    assert not reread(path)


def test_losses_add_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, Changes(lost=Counter(evicted=2)))
    fill(path, Changes(lost=Counter(evicted=3)))

    assert reread(path).lost == Counter(evicted=5)


def test_a_kill_in_the_middle_leaves_whole_commits(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent.parent)!r})
from pathlib import Path
from attrs import evolve
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from tests.ledger.filled import ALERT
ledger = Ledger(Path({str(path)!r}))
for n in range(10**9):
    ledger.commit(Changes({{f: evolve(ALERT, fingerprint=f, version=n + 1) for f in "abcdefgh"}}))
    print(n + 1, flush=True)
"""
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        versions = {alert.version for alert in reread(path).alerts.values() if alert}

        assert len(versions) == 1
        assert versions.pop() in (said[-1], said[-1] + 1)


def test_a_ledger_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, Changes({"f1": ALERT}))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(LedgerError, match="it has format 99, this version reads formats up to 1"):
        open_ledger(path, NOW)
    assert not list(tmp_path.glob("*corrupt*"))


def test_what_a_peer_knew_of_a_forgotten_alert_is_forgotten_with_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(
        path,
        Changes(
            {"f1": ALERT},
            cursors={
                (PEER, "f1"): Cursor(version=1, episode=1, sent_at=NOW, ends_at=NOW, held_since=NOW)
            },
        ),
    )
    fill(path, Changes({"f1": None}))  # killed before the cursor was deleted, too
    opened = open_ledger(path, NOW)
    outbox = empty_outbox()
    outbox.restore(opened.contents)
    assert outbox.cursors.known == {}

    opened.ledger.commit(Changes({"f1": ALERT}, cursors=outbox.cursors.take_unsaved()))
    opened.ledger.close()
    assert reread(path).cursors == {}


def test_the_file_is_private_and_no_symlink_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, Changes())
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")

    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        Ledger(tmp_path / "link")
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        Ledger(tmp_path / "missing" / "ledger")
