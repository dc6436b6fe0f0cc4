"""Ledgers of older and newer versions: an older format is migrated, a newer one is refused.

`data/format-1` was written by version 0.1.0. `data/README.md` says how.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.errors import LedgerError
from supervisor.ledger import migrations, tables
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.migrations import Step, format_of, migrate, require_known
from tests.ledger.data import make
from tests.ledger.filled import NOW
from tests.support import mounts

FORMAT_1 = Path(__file__).parent / "data" / "format-1"
PEER = "http://127.0.0.1:9093"

LATER = tables.VERSION + 2
"""The format of a later version, which `STEPS` lead to."""


def add_column(connection: sqlite3.Connection) -> None:
    """Give alerts and history a column before the checksum, as the rules for steps demand."""
    for table in ("alerts", "history"):
        ((schema,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table])
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - constants
        connection.execute(f"DROP TABLE {table}")
        connection.execute(schema.replace("checksum ", "shown INTEGER NOT NULL, checksum "))
        marks = ", ".join("?" * (len(rows[0]) + 1))
        for *row, found in rows:
            if found != tables.checksum(row):
                raise ValueError(f"a row of {table} has a wrong checksum")
            changed = (*row, 0)
            connection.execute(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - constants
                (*changed, tables.checksum(changed)),
            )


def count_twice(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE lost SET count = count * 2")


STEPS: Mapping[int, Step] = {
    **migrations.STEPS,
    tables.VERSION: add_column,
    tables.VERSION + 1: count_twice,
}
"""The steps of a later version."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of version 0.1.0."""
    return Path(shutil.copy(FORMAT_1, tmp_path / "ledger"))


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def lost(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM lost").fetchall()


def test_a_ledger_of_the_first_version_is_read_whole(path: Path) -> None:
    opened = open_ledger(path, NOW)
    opened.ledger.close()
    found = opened.contents
    alerts = [alert for alert in found.alerts.values() if alert is not None]
    firing = found.alerts["f1"]

    assert opened.aside is None
    assert [(alert.fingerprint, alert.state) for alert in alerts] == [
        ("f1", State.FIRING),
        ("f2", State.OVER),
        ("f3", State.RESOLVED),
        ("f4", State.REPORT),
    ]
    assert isinstance(firing, Alert)
    assert (firing.module, firing.key, firing.event_type) == ("disk", ("Disk usage", "/"), "W")
    assert (firing.version, firing.episode, firing.folded) == (3, 2, 4)
    assert (firing.starts_at, firing.ends_at) == (NOW, None)
    assert firing.frozen_labels == {"site": "a"}
    assert firing.payload.labels["instance"] == "/"
    assert firing.payload.annotations["message"] == "/ is 93 % full (정보)"
    assert [alert.ends_at for alert in alerts[1:]] == [NOW + 30.5, NOW + 60, NOW + 1800]
    assert found.sightings == {
        "disk": {
            ("Disk usage", "/"): Sighting(1, 1, "f1"),
            ("Disk usage", "/new"): Sighting(1, 0),
        }
    }
    assert found.modules == {
        "daily": ModuleRecord(NOW - 10, {}),
        "log": ModuleRecord(0.0, {"offset": 12, "name": "정보"}),
    }
    assert found.cursors == {
        (PEER, "f1"): Cursor(
            version=3, episode=2, sent_at=NOW + 5, ends_at=NOW + 245, held_since=NOW + 1
        ),
        (PEER, "f2"): Cursor(rejected=2),
        (PEER, "f4"): Cursor(
            version=2, episode=2, sent_at=NOW, ends_at=NOW + 1800, held_since=NOW, shift=-45.0
        ),
    }
    assert {number: past and past.instance for number, past in found.history.items()} == {7: "/old"}
    assert found.lost == Counter(evicted=3)


def test_what_was_read_is_written_with_the_same_bytes(path: Path, tmp_path: Path) -> None:
    opened = open_ledger(path, NOW)
    opened.ledger.close()
    copy = Ledger(tmp_path / "copy")
    copy.commit(opened.contents)
    copy.close()
    rows = []
    for file in (path, tmp_path / "copy"):
        with closing(sqlite3.connect(file)) as each:
            names = ("alerts", "sightings", "cursors", "modules", "history", "lost")
            queries = [f"SELECT * FROM {name}" for name in names]  # noqa: S608 - constants
            rows.append([each.execute(query).fetchall() for query in queries])

    assert rows[0] == rows[1]


def test_every_older_format_has_a_step() -> None:
    assert set(migrations.STEPS) == set(range(1, tables.VERSION))


def test_the_steps_are_taken_in_their_order(connection: sqlite3.Connection) -> None:
    order: list[str] = []
    migrate(connection, {1: lambda _: order.append("1"), 2: lambda _: order.append("2")}, 3)

    assert format_of(connection) == 3
    assert order == ["1", "2"]


def test_a_ledger_of_the_present_format_is_left_alone(connection: sqlite3.Connection) -> None:
    migrate(connection, {1: count_twice}, 1)

    assert lost(connection) == [("evicted", 3)]


def test_a_step_that_fails_changes_nothing(connection: sqlite3.Connection) -> None:
    def fail(_connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, {1: count_twice, 2: fail}, 3)

    assert format_of(connection) == 1
    assert lost(connection) == [("evicted", 3)]


def future(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be a later version, whose format is `LATER`."""

    def later(connection: sqlite3.Connection) -> None:
        migrate(connection, STEPS, LATER)

    monkeypatch.setattr(tables, "VERSION", LATER)
    monkeypatch.setattr(migrations, "migrate", later)
    monkeypatch.setattr(migrations, "require_known", lambda found: require_known(found, LATER))


def test_an_older_ledger_is_migrated_when_it_is_opened(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(path, tmp_path / "before")
    before = open_ledger(tmp_path / "before", NOW)
    before.ledger.close()
    future(monkeypatch)
    opened = open_ledger(path, NOW)
    opened.ledger.close()

    assert opened.aside is None
    assert opened.contents.alerts == before.contents.alerts
    assert opened.contents.history == before.contents.history
    assert opened.contents.lost == Counter(evicted=6)
    with closing(sqlite3.connect(path)) as connection:
        assert format_of(connection) == LATER


def test_a_damaged_row_of_an_older_ledger_is_not_migrated(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("UPDATE alerts SET version = 9 WHERE fingerprint = 'f1'")
    future(monkeypatch)
    monkeypatch.setattr(
        tables, "SCHEMA", tables.SCHEMA.replace("version = 1", f"version = {LATER}")
    )
    opened = open_ledger(path, NOW)
    opened.ledger.close()

    assert opened.aside is not None


def test_a_column_behind_the_checksum_is_a_damage(
    path: Path, connection: sqlite3.Connection
) -> None:
    connection.execute("ALTER TABLE alerts ADD COLUMN shown INTEGER NOT NULL DEFAULT 0")
    opened = open_ledger(path, NOW)
    opened.ledger.close()

    assert opened.aside is not None


def test_a_row_with_too_few_columns_is_a_damage(path: Path, connection: sqlite3.Connection) -> None:
    row = ("f1", "disk")
    connection.execute("DROP TABLE alerts")
    connection.execute("CREATE TABLE alerts (fingerprint TEXT, module TEXT, checksum INTEGER)")
    connection.execute("INSERT INTO alerts VALUES (?, ?, ?)", (*row, tables.checksum(row)))
    opened = open_ledger(path, NOW)
    opened.ledger.close()

    assert opened.aside is not None


def test_the_recipe_writes_a_ledger_that_is_read_whole(tmp_path: Path) -> None:
    make.write(tmp_path / "ledger")
    opened = open_ledger(tmp_path / "ledger", NOW)
    opened.ledger.close()

    assert opened.contents == make.sample()


@mounts.needs_root
def test_an_older_ledger_on_a_full_disk_is_migrated_in_memory(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    future(monkeypatch)
    with mounts.tmpfs(tmp_path / "disk", "size=256k") as place:
        shutil.copy(path, place / "ledger")
        free = shutil.disk_usage(place).free
        (place / "ballast").write_bytes(b"x" * (free - 4096))
        opened = open_ledger(place / "ledger", NOW)
        opened.ledger.close()

        assert opened.ledger.later
        assert opened.contents.lost == Counter(evicted=6)
        assert (place / "ledger").read_bytes() == FORMAT_1.read_bytes()


@pytest.mark.parametrize("number", [tables.VERSION + 1, 999])
def test_a_newer_format_is_refused_with_what_to_do(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")
    content = path.read_bytes()

    with pytest.raises(LedgerError) as raised:
        open_ledger(path, NOW)

    assert str(raised.value) == (
        f"cannot open the ledger {path}: it has format {number}, this version reads formats up "
        f"to {tables.VERSION}; install the newer version again, or move the file away to begin a "
        "new one"
    )
    assert path.read_bytes() == content


@pytest.mark.parametrize("number", [-1, 1000, 2**31 - 1])
def test_a_format_that_no_version_wrote_is_a_damage(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")

    opened = open_ledger(path, NOW)
    opened.ledger.close()

    assert opened.aside is not None
