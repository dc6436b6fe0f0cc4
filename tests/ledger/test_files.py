"""An open file is not taken for the one of that name: it may be removed, replaced or cut."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.errors import LedgerCorrupt, LedgerUnwritable
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import MAX_WAL_BYTES, Ledger, open_ledger
from supervisor.ledger.files import files_of, set_aside
from tests.ledger.filled import ALERT, NOW, fill, many, reread
from tests.support import mounts

ONE = Changes({"f1": ALERT})
TWO = Changes({"f2": evolve(ALERT, fingerprint="f2")})


def remove(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def remove_directory(path: Path) -> None:
    shutil.rmtree(path.parent)


def rename_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def replace_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    shutil.copytree(path.parent.with_name("moved"), path.parent)


ON_A_FILE = (remove, rename, replace, cut, empty)
ON_THE_DIRECTORY = (remove_directory, rename_directory, replace_directory)
CASES = [
    *((number, act) for number in range(3) for act in ON_A_FILE),
    *((0, act) for act in ON_THE_DIRECTORY),
]


@pytest.mark.parametrize("seen_by", ["commit", "look"])
@pytest.mark.parametrize(
    ("number", "act"), CASES, ids=[f"{act.__name__}-{number}" for number, act in CASES]
)
def test_files_that_are_no_longer_there_are_noticed(
    tmp_path: Path, number: int, act: Callable[[Path], None], seen_by: str
) -> None:
    (tmp_path / "state").mkdir()
    ledger = Ledger(tmp_path / "state" / "ledger")
    ledger.commit(many())
    ledger.look()
    act(files_of(ledger.path)[number])

    with pytest.raises(LedgerCorrupt, match=r"(removed|replaced|cut) by another program"):
        ledger.look() if seen_by == "look" else ledger.commit(TWO)
    ledger.close()


def test_the_commits_of_a_busy_ledger_are_no_damage(tmp_path: Path) -> None:
    """SQLite itself cuts the WAL back, and writes the database, within commits."""
    ledger = Ledger(tmp_path / "ledger")
    sizes = set()
    for number in range(120):
        bodies = {f"f{n}": evolve(ALERT, fingerprint=f"f{n}", version=number) for n in range(300)}
        ledger.commit(Changes({**bodies}))
        sizes.add(Path(f"{ledger.path}-wal").stat().st_size)
        ledger.look()
        assert ledger.size() == sum(file.stat().st_size for file in files_of(ledger.path))
    ledger.close()

    assert max(sizes) > 1_000_000


def test_another_reader_is_no_damage(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.commit(ONE)
    with closing(sqlite3.connect(ledger.path)) as reader:
        assert reader.execute("SELECT count(*) FROM alerts").fetchone() == (1,)
    ledger.commit(TWO)
    ledger.close()

    assert {"f1", "f2"} == set(reread(tmp_path / "ledger").alerts)


def test_a_wal_that_a_reader_holds_is_cut_back_when_the_reader_has_gone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.commit(ONE)
    wal = Path(f"{ledger.path}-wal")
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alerts").fetchone()
        ledger.commit(many())
        held = ledger.shrink(1000), wal.stat().st_size > 1000
    gone = ledger.shrink(1000), wal.stat().st_size
    ledger.commit(TWO)
    untouched = ledger.shrink(MAX_WAL_BYTES), wal.stat().st_size > 0
    ledger.close()

    assert (held, gone, untouched) == ((False, True), (True, 0), (True, True))
    assert "f2" in reread(tmp_path / "ledger").alerts


def test_nothing_is_set_aside_where_nothing_is_left(tmp_path: Path) -> None:
    assert set_aside(tmp_path / "ledger", NOW) is None
    Path(tmp_path / "ledger-wal").touch()
    aside = set_aside(tmp_path / "ledger", NOW)

    assert aside is not None
    assert [f"{aside.name}-wal"] == [path.name for path in tmp_path.iterdir()]
    Path(tmp_path / "ledger-wal").touch()
    assert set_aside(tmp_path / "ledger", NOW) == Path(f"{aside}-2")


@mounts.needs_root
@pytest.mark.parametrize("how", ["never", "stopped"])
def test_a_disk_without_an_inode_is_started_on_with_all_that_it_holds(
    tmp_path: Path, how: str
) -> None:
    with mounts.tmpfs(tmp_path / "disk", "size=4m,nr_inodes=12") as disk:
        path = disk / "ledger"
        if how == "stopped":
            fill(path, many())
        fillers = use_up_inodes(disk)
        opened = open_ledger(path, NOW)
        with pytest.raises(LedgerUnwritable, match="no inode left"):
            opened.ledger.commit(TWO)
        for filler in fillers:
            filler.unlink()
        opened.ledger.commit(TWO)
        opened.ledger.close()

        assert len(opened.contents.alerts) == (30 if how == "stopped" else 0)
        assert {*opened.contents.alerts, "f2"} == set(reread(path).alerts)


def use_up_inodes(disk: Path) -> list[Path]:
    fillers: list[Path] = []
    try:
        while True:
            filler = disk / f"filler{len(fillers)}"
            filler.touch()
            fillers.append(filler)
    except OSError:
        return fillers
