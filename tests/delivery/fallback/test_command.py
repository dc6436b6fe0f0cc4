"""The fallback's command: it gets the text, and is ended like the command of a check."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio

from supervisor.config.fallback.fallback import FallbackCommand
from supervisor.delivery.fallback import channels
from supervisor.delivery.fallback.message import Message
from supervisor.delivery.fallback.result import Fate, Result

MESSAGE = Message("제목 on kor1", "text\n" * 20_000, "<p>text</p>")

pytestmark = pytest.mark.may_block("a process is started within the event loop")


async def send(*argv: str) -> Result:
    return await channels.send_to_command(FallbackCommand(argv), MESSAGE, "digest.1.abc")


def shell(script: str) -> tuple[str, ...]:
    return "/bin/sh", "-c", script


def living(pids: Path) -> list[str]:
    """Return which of the processes in a file still live."""
    return [pid for pid in pids.read_text().split() if Path("/proc", pid).exists()]


async def test_it_reads_subject_and_text_and_the_id(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = await send(*shell(f"cat > {out}; echo $SUPERVISOR_MESSAGE_ID >> {out}"))

    assert result == Result(Fate.SENT)
    text = out.read_text(encoding="utf-8")
    assert text == f"{MESSAGE.subject}\n\n{MESSAGE.text}digest.1.abc\n"


async def test_it_need_not_read_the_text() -> None:
    assert await send("/bin/true") == Result(Fate.SENT)


async def test_a_status_other_than_0_says_that_it_failed() -> None:
    result = await send(*shell("echo first >&2; echo no modem >&2; exit 3"))

    assert result == Result(Fate.LATER, "/bin/sh: exit status 3: no modem")


async def test_a_program_that_is_missing_is_named() -> None:
    result = await send("/no/such/program")

    assert result.fate is Fate.LATER
    assert "/no/such/program" in result.why


async def test_one_that_hangs_is_ended_with_its_descendants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "COMMAND_TIMEOUT", 0.5)
    pids = tmp_path / "pids"
    with trio.fail_after(20):
        result = await send(*shell(f"setsid sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait"))

    assert result.fate is Fate.UNKNOWN
    assert living(pids) == []


async def test_a_large_text_is_no_dead_lock() -> None:
    program = "import sys; sys.stdout.write(sys.stdin.read() * 4)"
    with trio.fail_after(20):
        assert (await send(sys.executable, "-c", program)).fate is Fate.SENT
