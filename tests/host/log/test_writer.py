"""The log is written by a thread: whatever its reader does, nothing else waits for it."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from supervisor.host.log import formatters
from supervisor.host.log import writer as log_writer
from supervisor.host.log.writer import LogWriter
from tests.support.no_more_threads import no_more_threads
from tests.support.patience import undisturbed

ROOT = Path(__file__).parent.parent.parent.parent

STUCK = """
import logging, sys
from supervisor.host import inherited
from supervisor.host.log import formatters

inherited.put_right()
formatters.set_up("text")
for number in range(int(sys.argv[1])):
    logging.getLogger("supervisor").info("%d %s", number, "x" * 100)
print("went on", flush=True)
if sys.argv[2:]:
    raise ValueError("a bug")
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return a pipe that holds 4 KiB."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    for descriptor in (reader, writer):
        with suppress(OSError):  # the test may have closed it
            os.close(descriptor)


def entry(text: str) -> logging.LogRecord:
    return logging.LogRecord("supervisor", logging.INFO, "", 0, "%s", (text,), None)


def read_until(reader: int, last: bytes) -> bytes:
    """Read to the end of the line in which this stands."""
    read = b""
    while last not in read or not read.endswith(b"\n"):
        read += os.read(reader, 65536)
    return read


def test_entries_are_written_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    writer = LogWriter(descriptor)
    for number in range(1000):
        writer.handle(entry(f"entry {number} {'x' * 50}"))

    lines = read_until(reader, f"entry 999 {'x' * 50}\n".encode()).decode().splitlines()
    assert [f"entry {number} {'x' * 50}" for number in range(1000)] == lines


def test_a_reader_who_stops_holds_nothing_up_and_is_told_what_was_dropped(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MAX_WAITING_BYTES", 20_000)
    reader, descriptor = pipe
    writer = LogWriter(descriptor)
    for number in range(5000):
        writer.handle(entry(f"entry {number}"))
    began, calm = time.monotonic(), undisturbed()
    writer.flush()
    waited, calm = time.monotonic() - began, undisturbed() - calm

    *lines, told = read_until(reader, b"written: ").decode().splitlines()
    assert log_writer.FLUSH_TIMEOUT <= waited
    assert calm < 10
    numbers = [int(line.removeprefix("entry ")) for line in lines]
    assert sorted(set(numbers)) == numbers
    said = "log entries that were dropped, because they could not be written: "
    assert f"{said}{5000 - len(lines)}" == told
    assert len(lines) < 5000
    writer.handle(entry("later"))
    assert b"later\n" == read_until(reader, b"later\n")


def test_errors_find_room_when_others_have_taken_the_rest(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MAX_WAITING_BYTES", 20_000)
    reader, descriptor = pipe
    writer = LogWriter(descriptor)
    for number in range(5000):
        writer.handle(entry(f"entry {number}"))
    error = entry(f"an error {'x' * 5000}")
    error.levelno = logging.ERROR
    writer.handle(error)

    assert b"an error x" in read_until(reader, b"written: ")


def test_a_reader_who_has_gone_ends_nothing(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    os.close(reader)
    writer = LogWriter(descriptor)
    for _ in range(100):
        writer.handle(entry("to nowhere"))
    writer.flush()

    assert 100 == writer._dropped
    assert writer._written == writer._queued


def test_a_descriptor_that_does_not_wait_gets_every_entry(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    os.set_blocking(descriptor, False)
    writer = LogWriter(descriptor)
    for _ in range(1000):
        writer.handle(entry("x" * 99))
    writer.handle(entry("last"))

    assert 1000 * 100 + 5 == len(read_until(reader, b"last\n"))


def test_an_entry_that_cannot_be_formatted_stops_nothing(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    reader, descriptor = pipe
    writer = LogWriter(descriptor)
    writer.handle(logging.LogRecord("x", logging.INFO, "", 0, "%d", ("text",), None))
    writer.handle(entry("next"))

    assert b"next\n" == read_until(reader, b"next\n")


def test_without_a_thread_the_log_is_written_at_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = logging.getLogger().handlers[:]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    try:
        formatters.set_up("text")
        logging.getLogger("supervisor").warning("hello")
    finally:
        logging.getLogger().handlers[:] = before

    assert capfd.readouterr().err.endswith(" hello\n")


def test_without_a_thread_a_reader_who_stops_holds_nothing_up_and_is_told(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    reader, descriptor = pipe
    no_more_threads(monkeypatch)
    monkeypatch.setattr(log_writer, "MAX_WAITING_BYTES", 10_000)
    writer = LogWriter(descriptor)
    for number in range(100):
        writer.handle(entry(f"{number} " + "x" * 996))
    read = b""
    while writer._written < writer._queued:
        read += os.read(reader, 65536)
        writer.flush(0.01)  # it goes on with what waits
    writer.handle(entry("last"))
    while b"last" not in read:
        read += os.read(reader, 65536)
        writer.flush(0.01)
    *lines, told, last = read.decode().splitlines()

    assert 10 <= len(lines) < 20
    assert [f"{number} " + "x" * 996 for number in range(len(lines))] == lines
    assert last == "last"
    assert told.endswith(f"could not be written: {100 - len(lines)}")


def test_without_a_thread_a_reader_who_has_gone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    reader, descriptor = pipe
    no_more_threads(monkeypatch)
    writer = LogWriter(descriptor)
    os.close(reader)
    for number in range(3):
        writer.handle(entry(str(number)))
    other, descriptor_of_other = os.pipe()
    os.dup2(descriptor_of_other, descriptor)
    os.close(descriptor_of_other)
    writer.handle(entry("heard"))
    read = read_until(other, b"written: 3\n")
    os.close(other)

    assert read.startswith(b"heard\n")


def test_a_thread_takes_over_when_it_can_be_started(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    with pytest.MonkeyPatch.context() as patch:
        no_more_threads(patch)
        writer = LogWriter(descriptor)
        for number in range(9):
            writer.handle(entry(f"{number} " + "x" * 996))
    writer.handle(entry("last"))
    lines = read_until(reader, b"last\n").decode().splitlines()

    assert [f"{number} " + "x" * 996 for number in range(9)] + ["last"] == lines


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["bug"], 1)])
def test_a_process_whose_log_is_not_read_goes_on_and_ends(
    pipe: tuple[int, int], arguments: list[str], code: int
) -> None:
    _, descriptor = pipe
    done = subprocess.run(
        [sys.executable, "-c", STUCK, "20000", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=descriptor,
        timeout=30,
        check=False,
    )

    assert (b"went on\n", code) == (done.stdout, done.returncode)


def test_what_ends_the_process_is_logged() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK, "1", "bug"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    last = done.stderr.splitlines()[-1]

    assert "  ValueError: a bug" == last
    assert " ended by a bug: ValueError\n  Traceback (most recent call last):" in done.stderr
