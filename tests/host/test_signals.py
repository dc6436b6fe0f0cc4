"""Signals to a real process: the first stops it, the second ends it, and so does the grace."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager

import pytest
import trio

from supervisor.errors import SupervisorError
from supervisor.host.signals import stop_on_signals
from tests.support.no_more_threads import no_more_threads
from tests.support.patience import undisturbed
from tests.support.python_child import python_child

FRAME = """
import os, signal, sys, threading, time, trio
from supervisor.host.signals import stop_on_signals

GRACE = {grace}

def last_act():
    os.write(1, b"last act\\n")  # the signal may interrupt a print

async def main():
    stopping = trio.Event()
    with stop_on_signals(stopping, lambda: GRACE, last_act, lambda: print("reload", flush=True)):
        print("ready", flush=True)
        {body}
    print("over", flush=True)

trio.run(main)
"""
WAITS = "await stopping.wait()"
STOPS_SLOWLY = "await stopping.wait(); print('stopping', flush=True); await trio.sleep(60)"
BLOCKS = "time.sleep(60)"
SPINS = "\n        while True: pass"
HANGS_IN_A_THREAD = "await trio.to_thread.run_sync(time.sleep, 60)"
STARTS_THREADS = """
        while not stopping.is_set():
            threading.Thread(target=int).start()
        await trio.sleep(60)"""
FAILS = "await stopping.wait(); raise SystemExit(3)"


def process(
    body: str, grace: float = 30.0, frame: str = FRAME
) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run the body with the handlers, from the moment at which they are set."""
    return python_child(frame.format(body=body, grace=grace), ready="ready")


def ends(started: subprocess.Popen[str]) -> tuple[int, str, float]:
    """Wait for the end; return the exit code, the output and how many calm seconds it took."""
    began = undisturbed()
    output, _ = started.communicate(timeout=60)
    return started.returncode, output, undisturbed() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_sets_the_event(number: signal.Signals) -> None:
    with process(WAITS) as started:
        started.send_signal(number)
        code, output, seconds = ends(started)

    assert (0, "over\n") == (code, output)
    assert seconds < 2


def test_a_hang_up_before_the_handlers_leads_to_a_reload() -> None:
    """The service file may have been read before the deployment wrote it anew."""
    early = """
import sys
from supervisor.host import inherited
inherited.put_right(keeps_running=True)
print("early", flush=True)
sys.stdin.readline()
"""
    code = early + FRAME.format(body=WAITS, grace=30.0)
    with python_child(code, ready="early") as started:
        started.send_signal(signal.SIGHUP)
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdin.write("go\n")
        started.stdin.flush()
        said = {started.stdout.readline(), started.stdout.readline()}
        started.terminate()
        code_of_end, output, _ = ends(started)

    assert {"reload\n", "ready\n"} == said
    assert (0, "over\n") == (code_of_end, output)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_it_at_once(second: signal.Signals) -> None:
    with process(STOPS_SLOWLY) as started:
        started.terminate()
        assert started.stdout is not None
        assert started.stdout.readline() == "stopping\n"
        started.send_signal(second)
        code, output, seconds = ends(started)

    assert (1, "last act\n") == (code, output)
    assert seconds < 1


@pytest.mark.parametrize(
    "body",
    [STOPS_SLOWLY, BLOCKS, SPINS, HANGS_IN_A_THREAD, STARTS_THREADS],
    ids=["slow", "blocked", "spinning", "thread", "threads"],
)
def test_it_ends_within_the_grace_whatever_it_does(body: str) -> None:
    with process(body, grace=0.5) as started:
        began = time.monotonic()
        started.terminate()
        code, output, seconds = ends(started)
        took = time.monotonic() - began

    assert (1, "last act\n") == (code, output.removeprefix("stopping\n"))
    assert took > 0.3
    assert seconds < 1.5


@pytest.mark.parametrize("body", [BLOCKS, SPINS], ids=["blocked", "spinning"])
def test_the_second_signal_ends_it_even_while_the_loop_is_blocked(body: str) -> None:
    with process(body) as started:
        started.terminate()
        time.sleep(0.3)
        started.terminate()
        code, output, seconds = ends(started)

    assert (1, "last act\n") == (code, output)
    assert seconds < 1


def test_a_grace_that_is_nothing_ends_it_at_once() -> None:
    with process(STOPS_SLOWLY, grace=-0.2) as started:
        started.terminate()
        code, _, seconds = ends(started)

    assert 1 == code
    assert seconds < 1


def test_it_still_ends_when_the_last_act_fails() -> None:
    frame = FRAME.replace("os.write(1,", "raise OSError(1,")
    with process(BLOCKS, grace=0.2, frame=frame) as started:
        started.terminate()
        code, _, seconds = ends(started)

    assert 1 == code
    assert seconds < 1.5


def test_an_end_before_the_grace_keeps_its_exit_code() -> None:
    with process(FAILS, grace=5) as started:
        started.terminate()
        code, _, seconds = ends(started)

    assert 3 == code
    assert seconds < 2


def test_without_a_signal_it_leaves_the_handlers_as_they_were() -> None:
    body = "before = signal.getsignal(signal.SIGTERM)"
    code = (
        FRAME.format(body=body, grace=0.2) + "print(signal.getsignal(signal.SIGTERM), flush=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code + "\ntime.sleep(0.6); print('alive')"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert ["ready", "over", "0", "alive"] == [
        "0" if line == "Handlers.SIG_DFL" else line for line in ended.stdout.split("\n")[:-1]
    ]


async def test_it_does_not_start_when_there_is_no_thread_for_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_more_threads(monkeypatch)
    before = signal.getsignal(signal.SIGTERM)

    with (
        pytest.raises(SupervisorError, match="can't start new thread"),
        stop_on_signals(trio.Event(), float, lambda: None, lambda: None),
    ):
        pytest.fail("it started")
    assert signal.getsignal(signal.SIGTERM) is before
