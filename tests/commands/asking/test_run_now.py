"""What `run-now` prints of each outcome, and its exit code."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from supervisor.__main__ import main

ENDED = {"module": "disk", "result": "ok", "seconds": 0.254}
REFUSED = {"module": "disk", "refused": "is running already"}
UNKNOWN = {"module": "disk", "result": "unknown", "seconds": None}


SAW = {
    "module": "disk",
    "result": "conditions",
    "seconds": 0.254,
    "conditions": [
        {"alertname": "Disk usage", "event_type": "W", "instance": "/", "message": "/ is full"}
    ],
    "left_out": 2,
}
FAILED = {"module": "disk", "result": "failed", "seconds": 0.1, "failure": "cannot ask the disk"}
QUIET = {"module": "disk", "result": "ok", "seconds": 0.1, "measurements": 3}


@pytest.mark.parametrize(
    ("outcome", "rows"),
    [
        (SAW, ["disk 0.25 s W Disk usage / / is full", "disk 0.25 s and 2 more"]),
        (FAILED, ["disk 0.10 s failed cannot ask the disk"]),
        (QUIET, ["disk 0.10 s ok 3 measurements"]),
    ],
)
def test_what_a_run_has_seen_is_printed_as_once_does(
    outcome: Mapping[str, object],
    rows: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run_now(tmp_path, [outcome])

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert "MODULE TIME SEEN INSTANCE MESSAGE" in lines
    assert [line for line in lines if line.startswith("disk 0.")] == rows


@pytest.mark.parametrize(
    ("outcomes", "code", "out", "err"),
    [
        ([ENDED], 0, "disk: ok in 0.25 s\n", ""),
        ([REFUSED], 1, "", "disk: not run: it is running already\n"),
        ([UNKNOWN], 1, "", "disk: unknown: no run has ended in time\n"),
        (
            [UNKNOWN, ENDED],
            1,
            "disk: ok in 0.25 s\n",
            "disk: unknown: no run has ended in time\n",
        ),
    ],
)
def test_each_outcome_is_printed(
    outcomes: list[Mapping[str, object]],
    code: int,
    out: str,
    err: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_now(tmp_path, outcomes) == code
    assert capsys.readouterr() == (out, err)


def run_now(tmp_path: Path, outcomes: list[Mapping[str, object]]) -> int:
    """Run the command against a supervisor that answers with the outcomes."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen(1)
        answering = threading.Thread(target=answer, args=(server, outcomes))
        answering.start()
        found = main(["run-now", "disk", "--service", "Test", "--state-dir", str(tmp_path)])
        answering.join()
    return found


def answer(server: socket.socket, outcomes: list[Mapping[str, object]]) -> None:
    """Answer one client with the outcomes."""
    client, _ = server.accept()
    with client:
        client.recv(1000)
        for outcome in outcomes:
            client.sendall(json.dumps(outcome).encode() + b"\n")
