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
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen(1)
        answering = threading.Thread(target=answer, args=(server, outcomes))
        answering.start()
        found = main(["run-now", "disk", "--service", "Test", "--state-dir", str(tmp_path)])
        answering.join()

    assert found == code
    assert capsys.readouterr() == (out, err)


def answer(server: socket.socket, outcomes: list[Mapping[str, object]]) -> None:
    """Answer one client with the outcomes."""
    client, _ = server.accept()
    with client:
        client.recv(1000)
        for outcome in outcomes:
            client.sendall(json.dumps(outcome).encode() + b"\n")
