"""A program on a dead mount hangs a thread, but not the event loop and not the next run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from supervisor.errors import CheckFailed
from supervisor.processes import executable
from supervisor.processes.executable import look_up


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let every look-up of `/dead/…` hang until the mount comes back."""
    back = threading.Event()
    find = executable._find

    def hang(program: str, cwd: str | None, path: str) -> str:
        if program.startswith("/dead"):
            back.wait()
            return program
        return find(program, cwd, path)

    monkeypatch.setattr(executable, "_find", hang)
    yield back
    back.set()


async def test_a_program_that_hangs_is_abandoned_and_not_touched_again_until_it_answers(
    mount: threading.Event,
) -> None:
    with trio.move_on_after(0.05) as scope:
        await look_up("/dead/program", None, "")

    with pytest.raises(CheckFailed, match=r"cannot run /dead/program: .* still hangs"):
        await look_up("/dead/program", None, "")
    alive = await look_up("true", None, "/usr/bin:/bin")
    mount.set()
    with trio.fail_after(10):
        while True:
            try:
                found = await look_up("/dead/program", None, "")
            except CheckFailed:
                await trio.sleep(0.001)
            else:
                break

    assert scope.cancelled_caught
    assert alive.endswith("/true")
    assert found == "/dead/program"


async def test_a_program_is_found_from_a_current_directory_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert "/bin/true" == await look_up("/bin/true", None, "")
    assert "/bin/./true" == await look_up("./true", "/bin", "")
    with pytest.raises(CheckFailed, match=r"cannot run \./true: No such file or directory"):
        await look_up("./true", None, "")
