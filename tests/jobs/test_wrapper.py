"""The wrapper runs a job unchanged, and reports how it went."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.jobs.actor import actor, environment, reports, run, wrapped
from tests.support.mounts import needs_root, tmpfs

EXAMPLES = int(os.environ.get("SUPERVISOR_TEST_JOBS", "25"))
"""Random commands of one run."""

DEADLY = [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE]

actions = st.one_of(
    st.tuples(st.sampled_from(["out", "err"]), st.binary(max_size=512).map(bytes.hex)),
    st.tuples(st.just("out"), st.just((b"x" * 511 + b"\n").hex())),  # 1 MB
    st.tuples(st.just("echo"), st.just(0)),
    st.tuples(st.just("open"), st.just(0)),
    st.tuples(st.just("exit"), st.integers(0, 255)),
    st.tuples(st.just("signal"), st.sampled_from([int(number) for number in DEADLY])),
)


@given(st.lists(actions, max_size=6), st.none() | st.binary(max_size=2000))
@example([("out", "00ff"), ("err", "0a"), ("exit", 3)], None)
@example([("close", 1), ("exit", 0)], b"")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_command_ends_and_writes_as_it_does_alone(
    what: list[tuple[str, object]], stdin: bytes | None
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        command = actor(what)
        alone = run(command, stdin)

        assert run(wrapped(command, Path(directory)), stdin) == alone
        start, end = reports(Path(directory))
        assert [start["event"], end["event"]] == ["start", "end"]
        assert start["run"] == end["run"]
        told = -int(str(end["signal"])) if "signal" in end else end["exit"]
        assert told == alone.status


@pytest.mark.parametrize("closed", [[1], [2], [1, 2]])
def test_what_is_closed_is_closed_for_the_job(tmp_path: Path, closed: list[int]) -> None:
    command = actor([("out" if 1 not in closed else "err", "41"), ("exit", 5)])
    if closed == [1, 2]:
        command = actor([("exit", 5)])

    assert run(wrapped(command, tmp_path), closed=closed) == run(command, closed=closed)


def test_lines_of_both_outputs_keep_their_order_in_one_file(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    log = tmp_path / "log"
    lines = [("out" if n % 3 else "err", f"{n}\n".encode().hex()) for n in range(300)]
    with log.open("wb") as file:
        subprocess.run(
            wrapped(actor(lines), spool), stdout=file, stderr=file, env=environment(), check=True
        )

    assert log.read_text() == "".join(f"{n}\n" for n in range(300))


def test_a_file_that_was_opened_twice_has_two_positions(tmp_path: Path) -> None:
    """With one position the file would hold both. Which of the two is copied first is open."""
    spool, log = tmp_path / "spool", tmp_path / "log"
    spool.mkdir()
    command = actor([("out", b"1234".hex()), ("err", b"ab".hex())])

    with log.open("wb") as out, log.open("r+b") as err:
        subprocess.run(
            wrapped(command, spool), stdout=out, stderr=err, env=environment(), check=True
        )

    assert log.read_bytes() in (b"ab34", b"1234")


def test_a_terminal_stays_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = wrapped([sys.executable, "-c", "import os; print(os.isatty(1))"], tmp_path)
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment())
    os.close(theirs)
    assert process.wait(30) == 0

    assert os.read(ours, 100) == b"True\r\n"
    os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_reaches_the_job_and_its_answer_counts(tmp_path: Path, number: int) -> None:
    script = (
        f"trap 'echo got; exit 7' {signal.Signals(number).name[3:]}; echo ready; sleep 60 & wait"
    )
    process = subprocess.Popen(
        wrapped(["sh", "-c", script], tmp_path), stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)

    assert process.stdout.readline() == b"got\n"
    assert process.wait(30) == 7
    process.stdout.close()
    assert reports(tmp_path)[-1]["exit"] == 7


def test_a_job_that_is_stopped_goes_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        wrapped(["sh", "-c", "echo $$; read line; echo $line"], tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # SIGTSTP does nothing in a process group without a shell, such as that of this test may be.
    os.kill(int(process.stdout.readline()), signal.SIGSTOP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    process.stdin.write(b"on\n")
    process.stdin.close()

    assert process.stdout.read() == b"on\n"
    assert process.wait(30) == 0
    process.stdout.close()


def test_a_program_that_the_job_leaves_behind_holds_nobody_up(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        wrapped(
            ["bash", "-c", f"exec 9<&{reading}; (read -u 9 line; echo late) & echo soon"], tmp_path
        ),
        stdout=subprocess.PIPE,
        env=environment(),
        pass_fds=[reading],
    )
    assert process.wait(30) == 0
    assert process.stdout is not None
    assert process.stdout.readline() == b"soon\n"
    os.write(writing, b"go\n")

    assert process.stdout.read() == b"late\n"
    process.stdout.close()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("spool", ["absent", "file", "read-only"])
def test_a_spool_that_takes_nothing_does_not_harm_the_job(tmp_path: Path, spool: str) -> None:
    directory = tmp_path / spool
    if spool == "file":
        directory.touch()
    elif spool == "read-only":
        directory = Path("/proc/1")
    command = actor([("out", "41"), ("exit", 3)])

    assert run(wrapped(command, directory)) == run(command)


@needs_root
def test_a_full_disk_at_the_spool_does_not_harm_the_job(tmp_path: Path) -> None:
    command = actor([("out", "41"), ("exit", 3)])
    with tmpfs(tmp_path / "full", "size=4k") as spool:
        (spool / "fill").write_bytes(b"x" * 4096)

        assert run(wrapped(command, spool)) == run(command)
        assert [path.name for path in spool.iterdir()] == ["fill"]


def test_a_wrong_command_line_does_not_harm_the_job(tmp_path: Path) -> None:
    ended = run(wrapped(["sh", "-c", "echo it ran; exit 4"], tmp_path, "--nonsense"))

    assert (ended.status, ended.out) == (4, b"it ran\n")
    assert b"--nonsense" in ended.err
    assert reports(tmp_path) == []


@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        (["/no/such/program"], 127, b"/no/such/program: command not found\n"),
        (["/etc/passwd"], 126, b"/etc/passwd: Permission denied\n"),
    ],
)
def test_a_command_that_cannot_run_ends_as_in_a_shell(
    tmp_path: Path, command: list[str], status: int, says: bytes
) -> None:
    ended = run(wrapped(command, tmp_path))

    assert (ended.status, ended.err) == (status, says)
    assert reports(tmp_path)[-1]["exit"] == status


def test_a_script_without_an_interpreter_runs_as_in_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo hello $1\n")
    script.chmod(0o755)

    assert run(wrapped([str(script), "you"], tmp_path)).out == b"hello you\n"


def test_the_report_keeps_the_last_lines_without_secrets(tmp_path: Path) -> None:
    script = "seq 1 1000; echo mysqldump --password=hunter2 http://u:hunter2@h/; exit 2"
    run(wrapped(["sh", "-c", script], tmp_path))
    output = str(reports(tmp_path)[-1]["output"])

    assert output.splitlines()[0] == "982"
    assert output.splitlines()[-1] == "mysqldump --password=••• http://•••@h/"
    assert len(output) < 4096


def test_the_mode_lets_the_supervisor_read_and_the_umask_does_not_matter(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        run(wrapped(["true"], tmp_path))
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.json")} == {0o644}
    assert len([*tmp_path.iterdir()]) == 2


def test_the_job_has_what_the_wrapper_was_given(tmp_path: Path) -> None:
    """Umask, directory, environment, ignored and blocked signals, limits."""
    show = "umask; pwd; echo $A; ulimit -n; grep -E '^Sig(Blk|Ign)|^ShdPnd' /proc/self/status"
    command = ["sh", "-c", show]

    def give() -> None:
        os.umask(0o027)
        os.chdir("/usr")
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    outputs = [
        subprocess.run(
            each,
            stdout=subprocess.PIPE,
            env={**environment(), "A": "1"},
            preexec_fn=give,
            check=True,
        ).stdout
        for each in (command, wrapped(command, tmp_path))
    ]

    assert outputs[0] == outputs[1]


def test_a_report_by_hand_waits_until_it_is_taken(tmp_path: Path) -> None:
    program = [
        sys.executable,
        "-m",
        "supervisor",
        "job",
        "a",
        "--service",
        "X",
        "--spool",
        str(tmp_path),
    ]
    began = time.monotonic()
    ended = run([*program, "--fail", "no space", "--wait", "0.2"])

    assert (ended.status, ended.err) == (
        75,
        b"a: in the spool; the supervisor has not read it yet\n",
    )
    assert time.monotonic() - began >= 0.2
    assert run([*program, "--start"]).status == 0
    assert run([*program, "--exit", "9"]).status == 0
    events = [(report["event"], report.get("exit")) for report in reports(tmp_path)]
    assert events == [("end", 1), ("start", None), ("end", 9)]
    assert run([*program[:-1], "/no/such", "--ok"]).status == 74
    assert run([*program, "--ok", "--", "true"]).status == 0  # wrong, and the job runs
    assert run(program).status == 2
