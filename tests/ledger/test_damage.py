"""A ledger that is damaged: it is noticed, set aside, and a new one begun."""

from __future__ import annotations

import os
import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert
from supervisor.alerts.payload import Payload
from supervisor.errors import LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.files import files_of
from tests.ledger.filled import ALERT, NOW, fill, many, reread
from tests.support.alerts import FIRING

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))


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
