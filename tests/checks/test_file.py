"""The `file` check on real files of each kind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._files.watched import hashing
from checks._files.watched.entry import WatchedFile
from checks._files.watched.hashing import MAX_BYTES_PER_RUN
from checks.file import MAX_FILES, Params, examine, run
from supervisor.api import Condition, Context, Json, Measurement, Observation, Report
from supervisor.config.problems import TableError
from supervisor.config.structure import structure
from supervisor.host.threads import abandoned_threads
from supervisor.modules.execution import MAX_STATE_BYTES
from tests.support.check_context import context
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import hung, needs_root

NOW = 1_000_000_000.0
KEY = "0123456789abcdef"


def params(*files: Mapping[str, Any], **others: Any) -> Params:
    return structure({"files": [*files], **others}, Params)


def at(now: float = NOW, state: dict[str, Json] | None = None) -> Context:
    return evolve(context(), clock=lambda: now, state={} if state is None else state)


async def seen(
    *files: Mapping[str, Any],
    now: float = NOW,
    state: dict[str, Json] | None = None,
    **others: Any,
) -> list[Observation]:
    return [*await run(at(now, state), params(*files, **others))]


async def wrong(*files: Mapping[str, Any], now: float = NOW) -> list[tuple[str, str, str]]:
    """Return the conditions of some files: alertname, event type and message."""
    return short(await seen(*files, now=now))


def short(observed: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in observed
        if isinstance(item, Condition)
    ]


def put(path: Path, size: int = 1, age: float = 3600.0) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, (NOW - age, NOW - age))
    return str(path)


async def test_a_file_that_is_missing_fires_and_resolves(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    missing = [("File missing", "E", f"{path} is missing")]

    assert await wrong({"path": path}) == missing
    assert await wrong({"path": path, "event_type": "W"}) == [("File missing", "W", missing[0][2])]
    assert await wrong({"path": path, "optional": True}) == []
    assert await wrong({"path": f"{put(tmp_path / 'other')}/file"}) == [
        ("File missing", "E", f"{tmp_path}/other/file is missing")
    ]
    put(tmp_path / "file")
    assert await wrong({"path": path}) == []


async def test_a_file_that_must_not_be_there_fires_and_resolves(tmp_path: Path) -> None:
    path, cores = tmp_path / "LOCK", {"newest": f"{tmp_path}/core.*", "exists": False}
    lock = {"path": str(path), "exists": False}

    assert await wrong(lock, cores) == []
    put(path)
    put(tmp_path / "core.1", age=9)
    assert await wrong(lock, cores) == [
        ("File exists", "E", f"{path} is there, and must not be"),
        (
            "File exists",
            "E",
            f"1 file fits {tmp_path}/core.*, and none may; the newest is {tmp_path}/core.1",
        ),
    ]
    put(tmp_path / "core.2", age=8)
    (_, fired) = await wrong(lock, cores)
    assert fired[2].startswith(f"2 files fit {tmp_path}/core.*, and none may; the newest is ")


def short_path(path: str) -> str:
    """Return a path that is short enough for a socket."""
    return os.path.relpath(path)


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "socket", "device"])
async def test_each_kind_is_told_from_the_others_and_holds_up_nothing(
    tmp_path: Path, kind: str
) -> None:
    paths = {name: str(tmp_path / name) for name in ("file", "directory", "fifo", "socket")}
    paths["device"] = "/dev/zero"
    put(tmp_path / "file")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    found = []
    with socket.socket(socket.AF_UNIX) as bound, trio.fail_after(20):
        bound.bind(short_path(paths["socket"]))
        for path in paths.values():
            found.append(await wrong({"path": path, "kind": kind, "optional": True}))

    words = {"file": "a regular file", "fifo": "a FIFO"}
    assert found == [
        [
            (
                "File kind wrong",
                "E",
                f"{path} is {words.get(name, f'a {name}')}, not {words.get(kind, f'a {kind}')}",
            )
        ]
        if name != kind
        else []
        for name, path in paths.items()
    ]


async def test_links_stand_for_what_they_lead_to(tmp_path: Path) -> None:
    put(tmp_path / "file", size=7)
    for name, target in (("good", "file"), ("dangling", "gone"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    good, dangling, loop = [
        await wrong({"path": str(tmp_path / name), "max_size": 5})
        for name in ("good", "dangling", "loop")
    ]

    assert good == [("File too large", "E", f"{tmp_path}/good has 7 B (limit 5 B)")]
    assert dangling == [("File missing", "E", f"{tmp_path}/dangling is missing")]
    assert loop == [
        (
            "File unreadable",
            "E",
            f"cannot read {tmp_path}/loop: Too many levels of symbolic links",
        )
    ]


@pytest.mark.parametrize(
    ("age", "limit", "fired"),
    [
        (3600, {"max_age": "1h"}, None),
        (3700, {"max_age": "1h"}, ("File too old", "E", "over 1 h ago (limit 1 h)")),
        (93601, {"max_age": "26h"}, ("File too old", "E", "over 1 d 2 h ago (limit 1 d 2 h)")),
        (
            7300,
            {"max_age": {"W": "1h", "E": "3h"}},
            ("File too old", "W", "over 2 h ago (limit W 1 h, E 3 h)"),
        ),
        (3600, {"min_age": "1h"}, None),
        (700, {"min_age": "1h"}, ("File too new", "E", "10 min ago (limit 1 h)")),
        (-1e9, {"min_age": "1h"}, None),  # it is in the future: the last change counts
    ],
)
async def test_a_file_may_be_too_old_or_too_new(
    tmp_path: Path, age: float, limit: Mapping[str, Any], fired: tuple[str, str, str] | None
) -> None:
    path = put(tmp_path / "file", age=age)
    now = NOW if age > 0 else os.stat(path).st_ctime + 3700

    assert await wrong({"path": path, **limit}, now=now) == (
        [(*fired[:2], f"{path} was last written to {fired[2]}")] if fired else []
    )


async def test_the_age_may_be_that_of_the_last_change(tmp_path: Path) -> None:
    path = put(tmp_path / "file", age=1e8)
    file = {"path": path, "max_age": "1h", "age_by": "change"}
    changed = os.stat(path).st_ctime

    assert await wrong(file, now=changed + 3500) == []
    assert await wrong(file, now=changed + 3700) == [
        ("File too old", "E", f"{path} was last changed over 1 h ago (limit 1 h)")
    ]


@pytest.mark.parametrize(
    ("size", "limit", "fired"),
    [
        (1024, {"max_size": "1KiB", "min_size": "1KiB"}, None),
        (1025, {"max_size": "1KiB"}, ("File too large", "E", "has 1.0 KiB (limit 1.0 KiB)")),
        (1023, {"min_size": "1KiB"}, ("File too small", "E", "has 1023 B (limit 1.0 KiB)")),
        (
            0,
            {"min_size": {"W": "1KiB", "E": 1}},
            ("File too small", "E", "has 0 B (limit W 1.0 KiB, E 1 B)"),
        ),
    ],
)
async def test_a_file_may_be_too_large_or_too_small(
    tmp_path: Path, size: int, limit: Mapping[str, Any], fired: tuple[str, str, str] | None
) -> None:
    path = put(tmp_path / "file", size=size)

    assert await wrong({"path": path, **limit}) == (
        [(*fired[:2], f"{path} {fired[2]}")] if fired else []
    )


async def test_a_file_may_grow_too_fast_or_too_slowly(tmp_path: Path) -> None:
    path, state = tmp_path / "app.log", dict[str, Json]()
    file = {"path": str(path), "max_growth": "1KiB", "min_growth": 1}
    sizes, found = (100, 200, 300, 300, 2000, 3024, 10, 11), []
    for number, size in enumerate(sizes):
        with path.open("ab") as log:
            log.truncate(size)
        state = json.loads(json.dumps(state))
        found.append(short(await seen(file, now=NOW + 60 * number, state=state)))

    slowly = ("File grows too slowly", "E", "has grown by 0 B since the run before (limit 1 B)")
    fast = ("File grows too fast", "E", "has grown by 1.7 KiB since the run before (limit 1.0 KiB)")
    assert found == [
        [],
        [],
        [],
        [(*slowly[:2], f"{path} {slowly[2]}")],
        [(*fast[:2], f"{path} {fast[2]}")],
        [],
        [],  # it was rotated
        [],
    ]


async def test_another_file_of_the_same_name_has_not_grown(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "max_growth": "1KiB"}
    for number in range(3):
        put(path)
        await seen(file, now=NOW + 60 * number, state=state)
    put(tmp_path / "other", size=1 << 20)
    (tmp_path / "other").rename(path)

    assert short(await seen(file, now=NOW + 180, state=state)) == []


@needs_root
async def test_mode_owner_and_group_must_be_right(tmp_path: Path) -> None:
    path = put(tmp_path / "file")
    os.chown(path, 1, 54321)
    os.chmod(path, 0o4755)  # noqa: S103  # it is the wrong mode
    good = {"path": path, "mode": "04755", "owner": "daemon", "group": "54321"}
    bad = {"path": path, "mode": "0644", "owner": "root", "group": "no such group"}

    assert await wrong(good) == []
    assert await wrong({**good, "mode": "4755", "owner": "1"}) == []
    assert await wrong(bad) == [
        ("File mode wrong", "E", f"{path} has the mode 4755, not 0644"),
        ("File owner wrong", "E", f"{path} belongs to the user daemon, not to root"),
        (
            "File group wrong",
            "E",
            f"{path} belongs to the group 54321, not to no such group, a group that this host "
            "does not know",
        ),
    ]


async def test_validate_names_users_and_groups_that_are_not_there() -> None:
    found = await examine(
        params(
            {"path": "/a", "owner": "root", "group": "0"},
            {"path": "/b", "owner": "nosuchuser", "group": "nosuchgroup"},
        )
    )

    assert [*found] == [
        "files[1].owner: nosuchuser is not a user of this host; write one of its users, or "
        "a number",
        "files[1].group: nosuchgroup is not a group of this host; write one of its groups, or "
        "a number",
    ]


async def test_a_checksum_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"right")
    right = hashlib.sha256(b"right").hexdigest()
    file = {"path": str(path), "sha256": right.upper()}

    assert await wrong(file) == []
    path.write_bytes(b"wrong")
    found = hashlib.sha256(b"wrong").hexdigest()
    assert await wrong(file) == [
        ("File checksum wrong", "E", f"{path} has the SHA-256 {found}; it must be {right}")
    ]


async def test_a_change_is_told_once(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "sha256": "changed", "event_type": "I", "optional": True}

    async def told() -> list[Report]:
        observed = await seen(file, state=state)
        return [item for item in observed if isinstance(item, Report)]

    path.write_bytes(b"old")
    found = [await told(), await told()]
    path.write_bytes(b"new")
    state = json.loads(json.dumps(state))  # as after a restart
    found += [await told(), await told()]
    path.unlink()
    found += [await told()]
    path.write_bytes(b"old")
    found += [await told(), await told()]

    old, new = (hashlib.sha256(content).hexdigest() for content in (b"old", b"new"))
    text = f"{path} has changed: its SHA-256 is {{}}, and was {{}}"
    first, second = (
        Report(f"File changed ({path})", text.format(*pair), event_type="I")
        for pair in ((new, old), (old, new))
    )
    assert found == [[], [], [first], [], [], [second], []]


async def test_what_came_in_its_place_does_not_make_a_change_forgotten(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "sha256": "changed"}
    path.write_bytes(b"old")
    await seen(file, state=state)
    path.unlink()
    path.mkdir()
    await seen(file, state=state)
    path.rmdir()
    path.symlink_to(path)
    await seen(file, state=state)
    path.unlink()
    path.write_bytes(b"new")

    assert [type(item) for item in await seen(file, state=state)].count(Report) == 1


async def test_a_file_at_rest_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, state, opened = tmp_path / "file", dict[str, Json](), list[str]()
    real = os.preadv

    def preadv(*arguments: Any) -> int:
        opened.append("read")
        return real(*arguments)

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(hashing, "MIN_AGE", -1.0)  # as if it had rested
    path.write_bytes(b"content")
    file = {"path": str(path), "sha256": "changed"}
    for _ in range(3):
        await seen(file, state=state)

    assert len(opened) == 2  # the content and its end


async def test_a_file_of_100_gb_is_read_on_in_the_next_run(tmp_path: Path) -> None:
    path, state = put(tmp_path / "huge", size=100_000_000_000), dict[str, Json]()
    small = tmp_path / "small"
    small.write_bytes(b"content")
    other = {"path": str(small), "sha256": hashlib.sha256(b"other").hexdigest()}
    files = ({"path": path, "sha256": "0" * 64}, other)
    unread, found = [], []
    for _ in range(2):
        observed = await seen(*files, state=state)
        unread.append(measured(observed, "file_unread_bytes"))
        found.append([item for item in observed if isinstance(item, Condition)])

    assert [each[str(small)] for each in unread] == [0, 0]
    first, second = (100_000_000_000 - each[path] for each in unread)
    assert 0 < first <= MAX_BYTES_PER_RUN + (1 << 20)
    assert first < second <= 2 * MAX_BYTES_PER_RUN + (2 << 20)
    # What fires goes on until all is read. Nothing new fires.
    assert [[item.sustain for item in each] for each in found] == [[True, False]] * 2
    assert found[0][0].message.startswith(f"{path} is read for its SHA-256; it must be 0000")


def measured(observed: list[Observation], name: str) -> dict[str, float]:
    return {
        item.labels["file"]: item.value
        for item in observed
        if isinstance(item, Measurement) and item.name == name
    }


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


async def test_names_that_are_not_text_are_shown_safely(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/pnr-\xff\n\x1b.gz"
    put(Path(os.fsdecode(name)), 10)
    (condition,) = await wrong({"newest": f"{tmp_path}/*.gz", "max_size": 5})

    assert condition[2].startswith(f"{tmp_path}/pnr-\\xff\\n\\x1b.gz, the newest of")


def test_what_another_user_may_not_look_at_is_unreadable() -> None:
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)  # noqa: S103  # the directory of the tests is closed to other users
        root = Path(parent)
        (root / "closed").mkdir()
        put(root / "closed" / "a.gz")
        put(root / "secret")
        (root / "closed").chmod(0)
        (root / "secret").chmod(0)
        files = [
            {"path": f"{root}/closed/a.gz"},
            {"newest": f"{root}/closed/*.gz"},
            {"path": f"{root}/secret", "sha256": "changed", "mode": "0600"},
            {"path": f"{root}/secret", "name": "rights", "mode": "0000"},
        ]
        argv = [sys.executable, "-c", AS_NOBODY, json.dumps(files)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert [tuple(item) for item in json.loads(done.stdout)] == [
        ("File unreadable", f"cannot read {root}/closed/a.gz: Permission denied"),
        ("File unreadable", f"cannot read {root}/closed: Permission denied"),
        ("File unreadable", f"cannot read {root}/secret: Permission denied"),
        ("File mode wrong", f"{root}/secret has the mode 0000, not 0600"),
    ]


AS_NOBODY = """
import json, os, sys, trio
from checks.file import Params, run
from supervisor.config.structure import structure
from tests.support.check_context import context
params = structure({"files": json.loads(sys.argv[1])}, Params)
trio.run(run, context(), params)  # imports all that it needs while it has the rights
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
observed = trio.run(run, context(), params)
print(json.dumps([(item.alertname, item.message) for item in observed if hasattr(item, "message")]))
"""


async def test_validate_names_files_that_cannot_be_read(tmp_path: Path) -> None:
    put(tmp_path / "file")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    files = [
        {"path": f"{tmp_path}/{name}", "sha256": "changed", "name": name}
        for name in ("file", "gone", "loop", "fifo")
    ]
    found = await examine(params(*files, {"path": f"{tmp_path}/loop"}))

    remedy = "let the supervisor's user read it"
    assert [*found] == [
        f"files[2].path: cannot read {tmp_path}/loop: Too many levels of symbolic links; {remedy}",
        f"files[3].path: cannot read {tmp_path}/fifo: it is not a regular file; {remedy}",
    ]


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_mount_that_hangs_holds_up_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    put(tmp_path / "source" / "a.gz")
    good, stuck = put(tmp_path / "good"), f"{tmp_path}/hung"
    files = (
        {"path": f"{stuck}/a.gz", "sha256": "changed"},
        {"newest": f"{stuck}/*.gz", "max_growth": 5},
        {"path": good, "max_size": 0},
    )
    state: dict[str, Json] = {}

    async def found(probe_timeout: float) -> list[tuple[str, str, str]]:
        return short(await seen(*files, state=state, probe_timeout=probe_timeout))

    with hung(tmp_path / "source", tmp_path / "hung") as process:
        process.send_signal(signal.SIGCONT)
        await found(20)
        remembered = dict(state)
        process.send_signal(signal.SIGSTOP)
        with trio.fail_after(20):
            first = await found(0.5)
            second = await found(60)  # while one call hangs, no other is made
        assert abandoned_threads() == 2
        assert state == remembered
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        answered = await found(20)

    too_large = ("File too large", "E", f"{good} has 1 B (limit 0 B)")
    assert first == [
        ("File unreadable", "E", f"cannot read {stuck}/a.gz: no answer within 0.5 s"),
        ("File unreadable", "E", f"cannot read {stuck}/*.gz: no answer within 0.5 s"),
        too_large,
    ]
    assert [item[0] for item in second] == [item[0] for item in first]
    assert answered == [too_large]


@pytest.mark.may_block("it makes the files itself")
async def test_ten_thousand_files_do_not_delay_other_tasks(tmp_path: Path) -> None:
    for number in range(10_000):
        os.mknod(tmp_path / f"pnr-{number}.gz")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.sleep(0.001)
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        (condition,) = await wrong({"newest": f"{tmp_path}/*.gz", "exists": False})
        nursery.cancel_scope.cancel()

    assert condition[2].startswith(f"10,000 files fit {tmp_path}/*.gz, and none may")
    assert turns > 1


ABSURD: list[Json] = [
    None,
    [],
    "text",
    10**400,
    {"digest": None, "point": [], "newest": {}},
    {"digest": ["0f" * 32, 1], "point": [1, 2, 3], "newest": [1, 2, 3, 4]},
    {"digest": ["x", KEY], "point": [-1, 0, KEY, 0], "newest": [KEY, 1, 10**400, 5]},
    {"point": [0, 0, KEY, float("inf")], "newest": [KEY, float("nan"), 0, 0]},
    {"digest": ["0f" * 32, KEY], "point": [1 << 62, 1 << 62, KEY, 1 << 62], "newest": [KEY] * 4},
]


@pytest.mark.parametrize("absurd", ABSURD)
async def test_an_absurd_state_does_no_harm(tmp_path: Path, absurd: Json) -> None:
    put(tmp_path / "a.gz", 100)
    files = (
        {"path": f"{tmp_path}/a.gz", "sha256": "changed", "max_growth": 10, "min_growth": 5},
        {"newest": f"{tmp_path}/*.gz", "min_size_percent": 50},
    )
    keys = [file.key for file in params(*files).files]
    state = {keys[0]: absurd, keys[1]: absurd, "nonsense": absurd}

    assert short(await seen(*files, state=state)) == []
    assert set(state) == set(keys)
    assert short(await seen(*files, state=state, now=NOW + 60)) == []


async def test_the_state_of_all_files_of_a_module_is_small(tmp_path: Path) -> None:
    put(tmp_path / "a.gz", 1 << 40)
    files = [
        {"newest": f"{tmp_path}/*.gz", "name": f"{number}", "min_size_percent": 5, "min_growth": 1}
        for number in range(MAX_FILES)
    ]
    state: dict[str, Json] = {}
    for number in range(3):
        await seen(*files, state=state, now=NOW + 3600 * number)

    assert len(state) == MAX_FILES
    assert len(json.dumps(state)) < MAX_STATE_BYTES / 2


async def test_the_state_of_what_is_not_compared_is_empty(tmp_path: Path) -> None:
    state: dict[str, Json] = {}
    await seen({"path": put(tmp_path / "file"), "max_age": "1h", "mode": "0640"}, state=state)

    assert state == {}


async def test_measurements_have_the_limits(tmp_path: Path) -> None:
    path = put(tmp_path / "file", 1000, age=60)
    file = {"path": path, "max_age": {"W": "1h", "E": "2h"}, "min_size": 5, "sha256": "changed"}
    found = {
        item.name: (item.value, item.unit, item.limits)
        for item in await seen(file)
        if isinstance(item, Measurement)
    }

    assert found == {
        "file_age_seconds": (60, "s", (3600, 7200)),
        "file_size_bytes": (1000, "B", (5,)),
        "file_unread_bytes": (0, "B", ()),
    }


WRONG_ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({}, "needs either path or newest; write one of them"),
    ({"path": "/a", "newest": "/b*"}, "needs either path or newest; write one of them"),
    ({"path": "a"}, "'a' is not an absolute path; write for example '/srv/export.csv'"),
    (
        {"path": "/a", "min_size_percent": 5, "settled": 5},
        "min_size_percent, settled: of no use beside path; remove it, or write newest",
    ),
    (
        {"newest": "/a*", "sha256": "changed"},
        "sha256: of no use beside newest; remove it, or write path",
    ),
    (
        {"newest": "/a*/b"},
        "newest: its last part is not a pattern; write for example '/backup/*.gz', or write path",
    ),
    (
        {"newest": "/a/**/*.gz"},
        "newest: ** is not read here; write each directory, such as /srv/*/*",
    ),
    (
        {"path": "/a", "exists": False, "max_age": 5, "optional": True},
        "max_age, optional: of no use beside exists = false; remove it",
    ),
    (
        {"path": "/a", "kind": "fifo", "max_size": 5},
        "max_size: is only for regular files; remove it",
    ),
    (
        {"path": "/a", "min_age": "2h", "max_age": "1h"},
        "min_age is above max_age, so one of them always fires; exchange the two",
    ),
    (
        {"path": "/a", "mode": "rw-r--r--"},
        "'rw-r--r--' is not a mode; write its octal digits, for example '0640'",
    ),
    (
        {"path": "/a", "mode": 0o644},
        "is a number; write its octal digits in quotes, for example '0640'",
    ),
    (
        {"path": "/a", "sha256": "d41d8cd98f00b204e9800998ecf8427e"},
        "'d41d8cd98f00b204e9800998ecf8427e' is not a SHA-256; write what sha256sum prints, "
        "64 hexadecimal digits, or 'changed'",
    ),
]


@pytest.mark.parametrize(("entry", "answer"), WRONG_ENTRIES)
def test_a_wrong_entry_is_answered_with_what_would_be_right(
    entry: dict[str, Any], answer: str
) -> None:
    with pytest.raises(TableError) as caught:
        params(entry)
    (problem,) = caught.value.problems

    assert f"{problem.wrong}; {problem.remedy}" == answer


def test_files_with_one_name_and_too_many_files_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^has /a more than once; give each its own name$"):
        Params((WatchedFile("/a"), WatchedFile("/a")))
    many = tuple(WatchedFile(f"/{number}") for number in range(MAX_FILES + 1))
    with pytest.raises(ValueError, match=r"^has 201 files; write at most 200, and a second module"):
        Params(many)


async def test_a_file_that_is_replaced_by_rename_while_it_is_looked_at_is_one_of_both(
    tmp_path: Path,
) -> None:
    path, state, stop = tmp_path / "file", dict[str, Json](), trio.Event()
    contents = [b"a" * 3000, b"b" * 5000]
    path.write_bytes(contents[0])

    async def replace() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            other = tmp_path / "other"
            await trio.to_thread.run_sync(other.write_bytes, contents[number % 2])
            await trio.to_thread.run_sync(other.rename, path)

    file, began, found = {"path": str(path), "sha256": "changed"}, time.monotonic(), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(replace)
        while time.monotonic() < began + 0.5:
            found += await seen(file, state=state)
        stop.set()

    known = {hashlib.sha256(content).hexdigest() for content in contents}
    reports = [item for item in found if isinstance(item, Report)]
    assert {item.message.partition("SHA-256 is ")[2][:64] for item in reports} <= known
    # It may be replaced four times in a row while it is read. Nothing else is said.
    told = [item.message for item in found if isinstance(item, Condition)]
    assert all(message.endswith("so its SHA-256 is not known") for message in told)
