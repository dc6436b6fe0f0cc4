"""What a process inherits is put right at its start: each tried on a real process."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="to become another user needs root")

PUT_RIGHT = """
import json, os, resource, signal, sys
sys.path.insert(0, sys.argv[1])
from supervisor.host import inherited
inherited.put_right()
found = eval(sys.argv[3])
with open(sys.argv[2], "w") as file:
    json.dump(found, file)
"""


def found(
    tmp_path: Path,
    expression: str,
    *,
    before: Callable[[], object] = lambda: None,
    shell: str = "",
    env: dict[str, str] | None = None,
) -> Any:
    """Return the value of an expression in a process that has put right what it inherited.

    `before` runs in the process before Python starts. `shell` is how a shell redirects its streams.
    """
    result = tmp_path / "found"
    arguments = [sys.executable, "-c", PUT_RIGHT, str(ROOT), str(result), expression]
    subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *arguments],
        preexec_fn=before,
        env={**os.environ, **(env or {})},
        check=True,
        timeout=20,
    )
    return json.loads(result.read_text())


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_opened_to_nowhere(tmp_path: Path, closed: str) -> None:
    expression = """[
        [os.fstat(number).st_rdev != 0 or number for number in range(3)],
        os.open("/", os.O_RDONLY) > 2,
        sys.stdin.read(), print("x"), print("y", file=sys.stderr),
        sys.stdout.flush(), sys.stderr.isatty(),
    ]"""
    streams = closed if "<" in closed else f"{closed} </dev/null"
    opened, later_is_free, *_ = found(tmp_path, expression, shell=streams)

    assert later_is_free
    for number, sign in enumerate(("<&-", ">&-", "2>&-")):
        if sign in closed.split():
            assert opened[number] is True


def test_text_that_an_encoding_does_not_have_is_escaped_as_in_json() -> None:
    text = "→ é \U0001f600 \ud800"
    code = f"from supervisor.host import inherited; inherited.put_right(); print({text!a})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
        timeout=20,
    )

    assert b"\\u2192 \\u00e9 \\ud83d\\ude00 \\ud800\n" == done.stdout
    assert text == json.loads(b'"' + done.stdout.strip() + b'"')


def test_output_to_a_descriptor_that_does_not_wait_is_written_whole(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    code = "from supervisor.host import inherited; inherited.put_right(); print('x' * 1_000_000)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writer)
        with open(reader, "rb") as file:
            written = file.read()
        assert process.stderr is not None
        assert (b"", 0) == (process.stderr.read(), process.wait())

    assert 1_000_001 == len(written)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGCHLD"])
def test_a_signal_that_the_parent_ignored_is_not_ignored(tmp_path: Path, name: str) -> None:
    def ignore() -> None:
        signal.signal(getattr(signal, name), signal.SIG_IGN)

    assert 0 == found(tmp_path, f"signal.getsignal(signal.{name})", before=ignore)


def test_signals_that_the_parent_blocked_arrive(tmp_path: Path) -> None:
    def block() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGTERM, signal.SIGHUP})

    assert [] == found(tmp_path, "list(signal.pthread_sigmask(signal.SIG_BLOCK, ()))", before=block)


def test_a_hang_up_is_remembered_once_if_the_process_keeps_running(tmp_path: Path) -> None:
    expression = """[
        inherited.take_hang_up(), inherited.put_right(keeps_running=True),
        os.kill(os.getpid(), signal.SIGHUP), inherited.take_hang_up(), inherited.take_hang_up(),
    ]"""

    assert [False, None, None, True, False] == found(tmp_path, expression)


def test_a_hang_up_ends_other_commands_as_ever(tmp_path: Path) -> None:
    def as_ever() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the tests ignore it

    assert 0 == found(tmp_path, "signal.getsignal(signal.SIGHUP)", before=as_ever)


@pytest.mark.parametrize(
    ("inherits", "right"), [(0o000, 0o002), (0o022, 0o022), (0o077, 0o077), (0o777, 0o077)]
)
def test_what_is_written_is_the_owners_and_not_everybodys(
    tmp_path: Path, inherits: int, right: int
) -> None:
    (tmp_path / "found").touch()

    assert right == found(tmp_path, "os.umask(0o022)", before=lambda: os.umask(inherits))


def test_as_many_files_as_allowed_may_be_open(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))

    expression = "resource.getrlimit(resource.RLIMIT_NOFILE)"
    assert [4096, 4096] == found(tmp_path, expression, before=limit)


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_path_is_that_of_the_user(tmp_path: Path, home: str) -> None:
    expected = subprocess.run(
        ["/bin/sh", "-c", "unset HOME; echo ~$(id -un)"], capture_output=True, text=True, check=True
    )
    expression = "os.environ['HOME']"

    found_home = found(tmp_path, expression, env={"HOME": home})
    assert os.path.isabs(found_home)
    assert os.path.expanduser(expected.stdout.strip()) == found_home
    assert "/some/where" == found(tmp_path, expression, env={"HOME": "/some/where"})


@needs_root
def test_a_user_without_a_name_has_a_home_too() -> None:
    code = (
        "import os, pathlib, pwd; from supervisor.host import inherited;"
        "os.environ.pop('HOME', None); os.setuid(54321);"
        "inherited.put_right(); print(pathlib.Path.home())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )

    assert "/\n" == done.stdout


def test_a_current_directory_that_was_removed_is_left(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    def stand_there() -> None:
        os.chdir(gone)
        gone.rmdir()

    assert "/" == found(tmp_path, "os.getcwd()", before=stand_there)


def test_children_from_before_are_strangers(tmp_path: Path) -> None:
    assert found(tmp_path, "inherited.has_strangers()") is False

    result = tmp_path / "found"
    arguments = [sys.executable, "-c", PUT_RIGHT, str(ROOT), str(result)]
    script = 'read line <&0 & exec "$@"'
    with subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *arguments, "inherited.has_strangers()"],
        stdin=subprocess.PIPE,
    ) as process:
        assert 0 == process.wait(20)
    assert json.loads(result.read_text()) is True


def test_the_program_puts_it_right_before_it_imports_anything_slow(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text(
        "import signal, os; print(callable(signal.getsignal(signal.SIGHUP)), flush=True)\n"
        "os._exit(0)\n"
    )
    for arguments, handled in (["run"], "True"), (["--service", "X"], "True"), (["once"], "False"):
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", *arguments],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        assert f"{handled}\n" == done.stdout
