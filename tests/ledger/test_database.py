"""The file on disk: whole or not at all, and set aside when it is damaged."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.alerts.payload import Payload
from supervisor.config.service import Alertmanager, Service
from supervisor.errors import LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.files import files_of
from supervisor.ledger.outbox import Outbox
from tests.support.alerts import FIRING

PEER = "http://127.0.0.1:9093"
NOW = 1_000_000_000.0
LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
ALERT = evolve(FIRING, fingerprint="f1")


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


def empty_outbox() -> Outbox:
    settings = Alertmanager(urls=(PEER,))
    return Outbox.of(Service(Path("X"), "X", ZoneInfo("UTC"), alertmanager=settings))


def fill(path: Path, changes: Changes) -> None:
    ledger = Ledger(path)
    ledger.commit(changes)
    ledger.close()


def reread(path: Path) -> Changes:
    opened = open_ledger(path, NOW)
    opened.ledger.close()
    assert opened.aside is None
    return opened.contents


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
from tests.ledger.test_database import ALERT
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


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not a database", "empty header"])
def test_a_torn_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "ledger"
    many: dict[str, Alert | None] = {
        f"f{n}": evolve(FIRING, fingerprint=f"f{n}", payload=Payload(b"x" * 500))
        for n in range(200)
    }
    fill(path, Changes(many))
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[4096:20000] = os.urandom(20000 - 4096)
    elif damage == "not a database":
        content = bytearray(b"Dear ledger, " * 1000)
    else:
        content[:16] = b"\0" * 16
    path.write_bytes(content)

    opened = open_ledger(path, NOW)
    opened.ledger.commit(Changes({"f1": ALERT}))
    opened.ledger.close()

    assert opened.aside is not None
    assert opened.aside.name == "ledger.corrupt-20010909T014640Z"
    assert opened.aside.read_bytes() == content
    assert list(reread(path).alerts) == ["f1"]


def test_two_torn_files_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    for text in ("one", "two"):
        path.write_text(f"not a database: {text}" * 100, encoding="utf-8")
        open_ledger(path, NOW).ledger.close()
        for file in files_of(path):
            file.unlink(missing_ok=True)

    assert len(list(tmp_path.glob("ledger.corrupt-*"))) == 2


def test_a_ledger_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, Changes({"f1": ALERT}))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(LedgerError, match="it has format 99, this version reads formats up to 1"):
        open_ledger(path, NOW)
    assert not list(tmp_path.glob("*corrupt*"))


def many() -> Changes:
    """Return changes that fill a few pages of each table."""
    names = [f"f{n}" for n in range(30)]
    return Changes(
        alerts={
            name: evolve(ALERT, fingerprint=name, payload=Payload(b"x" * 200)) for name in names
        },
        sightings={"disk": {("Disk usage", name): Sighting(1, 0, name) for name in names}},
        modules={"disk": ModuleRecord(NOW, {"since": 1})},
        cursors={
            (PEER, name): Cursor(
                version=1, episode=1, sent_at=NOW, ends_at=NOW + 240, held_since=NOW
            )
            for name in names
        },
        history={n + 1: evolve(ALERT, fingerprint=name) for n, name in enumerate(names)},
        lost=Counter(evicted=1),
    )


def open_damaged(path: Path, content: bytes) -> Changes | None:
    """Return what is read from the content, or None if it was set aside."""
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(content)
    opened = open_ledger(path, NOW)
    opened.ledger.commit(Changes({"new": evolve(ALERT, fingerprint="new")}))
    opened.ledger.close()
    if opened.aside is not None:
        assert opened.contents == Changes()
        assert opened.aside.read_bytes() == content
        return None
    return opened.contents


def test_a_damaged_bit_is_noticed_wherever_it_matters(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, many())
    content = path.read_bytes()
    chance = random.Random(1)
    aside = 0
    for _ in range(2000 if LONG else 150):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 1, 4])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        found = open_damaged(path, bytes(damaged))
        aside += found is None
        if found is not None and found != many():
            # Only what is counted has no checksum.
            assert evolve(found, lost=Counter()) == evolve(many(), lost=Counter())

    assert aside > 20


@pytest.mark.parametrize(
    ("healthy", "damaged"),
    [
        (b"tablelostlost", b"table\xecostlost"),  # in a message that is then no UTF-8
        (b"tablecursorscursors", b"tablecursorscurs\xffrs"),
        (b"held_since REAL", b"held_since REAX"),
    ],
)
def test_a_damaged_schema_is_set_aside(tmp_path: Path, healthy: bytes, damaged: bytes) -> None:
    path = tmp_path / "ledger"
    fill(path, many())
    content = path.read_bytes()
    assert content.count(healthy) == 1

    assert open_damaged(path, content.replace(healthy, damaged)) in (None, many())


@pytest.mark.parametrize("version", [0, -5, 1 << 20])
def test_a_format_that_no_version_wrote_is_damage(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger"
    fill(path, many())
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()

    assert open_damaged(path, path.read_bytes()) is None


def test_a_file_that_lost_its_end_is_read_in_full_or_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, many())
    content = path.read_bytes()
    found = []
    for length in range(len(content) - 2 * 4096, len(content), 1 if LONG else 97):
        found.append(open_damaged(path, content[:length]))
        assert found[-1] in (None, many())

    assert found[0] is None


def test_a_lost_wal_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    fill(path, many())
    ledger = Ledger(path)
    ledger.commit(Changes({"late": evolve(ALERT, fingerprint="late")}))
    copy = tmp_path / "copy" / "ledger"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    ledger.close()

    assert reread(copy) == many()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_wal_ends_at_a_whole_commit(tmp_path: Path, damage: str) -> None:
    path, copy = tmp_path / "ledger", tmp_path / "copy" / "ledger"
    copy.parent.mkdir()
    Ledger(path).close()
    ledger = Ledger(path)
    names = [f"f{n}" for n in range(8)]
    for name in names:
        ledger.commit(Changes({name: evolve(ALERT, fingerprint=name)}))
    main, wal = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    ledger.close()
    commits = {tuple(names[:count]) for count in range(9)}
    found = []
    for place in range(0, len(wal), 1 if LONG else 997):
        for file in copy.parent.iterdir():
            file.unlink()
        copy.write_bytes(main)
        flipped = bytes([wal[place] ^ 4]) + wal[place + 1 :] if damage == "flipped" else b""
        Path(f"{copy}-wal").write_bytes(wal[:place] + flipped)
        found.append(tuple(reread(copy).alerts))

    assert commits >= set(found)
    assert sorted(found) == found
    assert {0, 7} <= {len(kept) for kept in found}


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


def test_a_torn_file_that_cannot_be_moved_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    path = tmp_path / "ledger"
    path.write_bytes(b"Dear ledger, " * 1000)

    with pytest.raises(LedgerError, match="cannot set aside the corrupt ledger"):
        open_ledger(path, NOW)


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
