"""The `file` check on the newest of several files, such as backups."""

from __future__ import annotations

import json
from pathlib import Path

from supervisor.api import Json
from tests.checks.file_bench import NOW, put, seen, short, wrong

BACKUP = {"max_age": "26h", "min_size": "100MiB", "min_size_percent": 50}
MIB = 1 << 20


async def test_the_newest_backup_is_judged(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/pnr-*.sql.gz"
    file, state = {"newest": pattern, **BACKUP}, dict[str, Json]()

    async def found() -> list[tuple[str, str]]:
        return [(name, text) for name, _, text in short(await seen(file, state=state))]

    assert await found() == [("File missing", f"no file fits {pattern}")]
    put(tmp_path / "pnr-1.sql.gz", 400 * MIB, age=27 * 3600)
    assert await found() == [
        (
            "File too old",
            f"{tmp_path}/pnr-1.sql.gz, the newest of {pattern}, was last written to over "
            "1 d 2 h ago (limit 1 d 2 h)",
        )
    ]
    put(tmp_path / "pnr-2.sql.gz", 300 * MIB, age=3 * 3600)
    assert await found() == []
    put(tmp_path / "pnr-3.sql.gz", 50 * MIB, age=2 * 3600)
    where = f"{tmp_path}/pnr-3.sql.gz, the newest of {pattern}, has 50.0 MiB"
    small = ("File too small", f"{where} (limit 100.0 MiB)")
    smaller = "17 % of the 300.0 MiB of the one before (limit 50 %)"
    assert await found() == [small, ("File smaller than before", f"{where}, {smaller}")]


async def test_the_one_before_is_remembered_when_it_is_removed(tmp_path: Path) -> None:
    file, state = {"newest": f"{tmp_path}/*.gz", "min_size_percent": 50}, dict[str, Json]()
    found = []
    for number, size in enumerate((1000, 900, 100, 80)):
        (tmp_path / f"{number - 1}.gz").unlink(missing_ok=True)
        put(tmp_path / f"{number}.gz", size, age=100 - number)
        for _ in range(2):
            state = json.loads(json.dumps(state))
            found.append([item[2] for item in short(await seen(file, state=state))])

    where = f"{tmp_path}/2.gz, the newest of {tmp_path}/*.gz, has 100 B, 11 % of the 900 B"
    smaller = [f"{where} of the one before (limit 50 %)"]
    assert found == [[], [], [], [], smaller, smaller, [], []]


async def test_a_backup_that_is_still_written_is_not_judged(tmp_path: Path) -> None:
    file = {"newest": f"{tmp_path}/*.gz", "min_size": 500, "settled": "10m"}
    put(tmp_path / "b.gz", 100, age=300)

    assert [item[2] for item in await wrong(file)] == [
        f"no file fits {tmp_path}/*.gz that was not written to for 10 min"
    ]
    put(tmp_path / "a.gz", 1000, age=3600)
    assert await wrong(file) == []
    assert [item[0] for item in await wrong(file, now=NOW + 600)] == ["File too small"]
