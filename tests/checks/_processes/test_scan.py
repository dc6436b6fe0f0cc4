"""Finding processes: real ones, and those that cannot be seen."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from checks._processes.process import look_up, read_cmdline
from checks._processes.scan import scan
from tests.support.processes import NAME, contained, make_zombie, poll, running, titled

SLEEP = shutil.which("sleep") or ""


def pids(name: str) -> list[int]:
    return [process.pid for process in scan([name]).running[name]]


@pytest.mark.parametrize("padding", [b"\0", b" "])
@pytest.mark.parametrize(
    "title",
    [
        NAME.encode(),
        b"/opt/%s.rb" % NAME.encode(),
        b"java\0-Xmx1g\0-cp\0/a.jar:/b.jar\0%s\0start" % NAME.encode(),
        b"ruby\0/opt/%s.rb\0start" % NAME.encode(),
        b"%s: worker 1" % NAME.encode(),
    ],
    ids=["name", "path", "java", "ruby", "title"],
)
def test_a_process_is_found_by_what_it_says_it_is(title: bytes, padding: bytes) -> None:
    with titled(title, padding) as pid:
        assert pids(NAME) == [pid]
    assert pids(NAME) == []


@pytest.mark.parametrize("suffix", [b"_PnrTest", b"_monitor", b".log", b"2"])
def test_a_longer_name_is_another(suffix: bytes) -> None:
    with titled(NAME.encode() + suffix):
        assert pids(NAME) == []


def test_a_script_is_found_by_its_file(tmp_path: Path) -> None:
    script = tmp_path / f"{NAME}.sh"
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    for argv in ([script], ["sh", script], ["bash", "-x", script]):
        with running(*argv) as pid:
            poll(lambda pid=pid: pids(NAME) == [pid])  # type: ignore[misc]  # its default
            assert pids(str(script)) == [pid]


@pytest.mark.parametrize(
    "argv",
    [
        ["grep", NAME],
        ["tail", "-f", "/dev/null", f"--pid={os.getpid()}", "-n0", NAME],
        ["sh", "-c", f"read line; echo {NAME}"],
        ["sh", "-c", "read line; true", NAME],
        ["bash", "-c", f"read line; {NAME}", "bash", f"/opt/{NAME}"],
    ],
    ids=["grep", "tail", "code", "name of code", "argument of code"],
)
def test_a_process_that_only_mentions_a_name_is_not_found(argv: list[str]) -> None:
    with running(*argv) as pid:
        poll(lambda: NAME.encode() in read_cmdline(pid))
        assert pids(NAME) == []


def test_a_program_is_found_by_its_path_whatever_it_calls_itself(tmp_path: Path) -> None:
    program, link = tmp_path / f"{NAME}d", tmp_path / NAME
    shutil.copy(SLEEP, program)
    link.symlink_to(program)
    with running("another", "60", file=program) as pid:
        poll(lambda: pids(str(program)) == [pid])
        assert pids(str(link)) == [pid]
        assert pids(program.name) == []
        link.unlink()
        program.unlink()
        assert pids(str(program)) == [pid]


def test_a_path_is_not_another_file_of_the_same_name(tmp_path: Path) -> None:
    program = tmp_path / NAME
    shutil.copy(SLEEP, program)
    with running(program, "60") as pid:
        poll(lambda: pids(NAME) == [pid])
        assert pids(f"/usr/sbin/{NAME}") == []
    with running(NAME, "60", file=SLEEP) as pid:
        poll(lambda: pids(f"/usr/sbin/{NAME}") == [pid])


def test_this_process_and_its_threads_are_never_found() -> None:
    own = os.fsdecode(read_cmdline(os.getpid()).split(b"\0")[0])
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert os.getpid() not in pids(own)
        assert thread.native_id not in pids(own)
    finally:
        done.set()
        thread.join()


def test_a_zombie_does_not_run() -> None:
    with running(NAME, "60", file=SLEEP) as pid:
        poll(lambda: pids(NAME) == [pid])
        make_zombie(pid)
        found = scan([NAME])

    assert found.running[NAME] == ()
    assert [(z.comm, z.parent) for z in found.zombies if z.pid == pid] == [(b"sleep", os.getpid())]


MAIN_THREAD_ENDS = """
import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(ctypes.c_long(60), 0)
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of a system call")
def test_a_process_whose_main_thread_has_ended_still_runs() -> None:
    with running(sys.executable, "-c", MAIN_THREAD_ENDS, NAME) as pid:
        poll(lambda: (found := look_up(pid)) is not None and found.state == "Z")
        found = scan([NAME])

        assert [process.pid for process in found.running[NAME]] == [pid]
        assert pid not in [zombie.pid for zombie in found.zombies]


def test_an_argument_at_the_end_of_a_long_command_line_is_found() -> None:
    class_path = ":".join(f"/opt/lib/{number}.jar" for number in range(7000))
    with running("java", "-", class_path, NAME, file=shutil.which("cat")) as pid:
        poll(lambda: pids(NAME) == [pid])
        assert len(class_path) > 65536


def test_processes_that_come_and_go_are_not_an_error() -> None:
    churn = "for i in $(seq 400); do /bin/true & done; wait; exec sleep 60"
    with titled(NAME.encode()) as pid, running("bash", "-c", churn) as busy:
        while b"sleep" not in read_cmdline(busy):
            assert pids(NAME) == [pid]


def test_a_process_that_ends_between_open_and_read_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> NoReturn:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))

    monkeypatch.setattr(os, "read", fail)

    assert read_cmdline(os.getpid()) == b""
    assert look_up(os.getpid()) is None


HIDDEN = """
import os
from checks._processes.scan import scan
os.setgroups([]); os.setgid(65534); os.setuid(65534)  # who may not read a checkout in /root
found = scan(["{name}", "/x/{name}"])
print(found.hidden, *found.running.values())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
@pytest.mark.parametrize("hidepid", [1, 2])
def test_hidden_processes_are_reported_as_hidden(hidepid: int) -> None:
    code = HIDDEN.format(name=NAME)
    script = f'mount -t proc -o hidepid={hidepid} proc /proc && exec "$@"'
    argv = ["unshare", "--mount", "--fork", "sh", "-c", script, "sh", sys.executable, "-c", code]
    with titled(NAME.encode()):
        done = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["True", "()", "()"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees all")
def test_nothing_is_hidden_from_root() -> None:
    assert scan([]).hidden is False


def test_an_error_that_is_not_about_one_process_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="Too many open files"):
        scan([NAME])


@pytest.fixture
def spaced(tmp_path: Path) -> Path:
    """Return a program that has spaces in its name, and runs without arguments."""
    program = tmp_path / f"Media {NAME} Server"
    shutil.copy(shutil.which("cat") or "", program)
    return program


@pytest.mark.parametrize("argument", ["", "-"])
def test_a_program_with_spaces_in_its_name_is_found_by_its_name(
    spaced: Path, argument: str
) -> None:
    with running(spaced, *filter(None, [argument])) as pid:
        poll(lambda: pids(spaced.name) == [pid])
        assert pids(str(spaced)) == [pid]
        assert pids(NAME) == pids("Server") == []
    with running(spaced.name, file=spaced) as pid:
        poll(lambda: pids(spaced.name) == [pid])
        assert pids(str(spaced)) == [pid]


def test_a_user_who_may_not_see_what_is_executed_finds_both_a_title_and_a_name(
    spaced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with running(spaced) as pid, titled(f"{NAME}-x worker 1".encode()) as other:
        poll(lambda: pids(spaced.name) == [pid])
        monkeypatch.setattr(os, "readlink", refuse)
        assert pids(spaced.name) == [pid]
        assert pids(f"{NAME}-x") == [other]


def test_a_user_who_may_not_see_what_is_executed_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "readlink", refuse)
    found = scan([f"/opt/{NAME}", NAME])

    assert found.unseen == {f"/opt/{NAME}"}


@pytest.mark.skipif(not Path("/proc/2/comm").exists(), reason="no threads of the kernel here")
def test_a_thread_of_the_kernel_is_found_by_its_name() -> None:
    kthreadd = look_up(2)
    found = scan(["kthreadd", "kthread", "/kthreadd"])

    assert kthreadd is not None
    assert kthreadd.is_of_kernel
    assert found.running == {"kthreadd": (kthreadd,), "kthread": (), "/kthreadd": ()}


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_a_process_of_a_container_is_not_one_of_this_host(tmp_path: Path) -> None:
    program = tmp_path / NAME
    shutil.copy(SLEEP, program)
    with contained(program, "600") as inner:
        alone = scan([NAME, str(program)])
        with running(program, "600") as own:
            poll(lambda: pids(NAME) == [own])
            both = scan([NAME, str(program)])

    assert [process.pid for process in alone.contained[NAME]] == [inner]
    assert alone.running == {NAME: (), str(program): ()}
    for found in (both.running, both.contained):
        assert found[NAME] == found[str(program)]
    assert [process.pid for process in both.running[NAME]] == [own]


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_a_zombie_of_a_container_is_not_one_of_this_host() -> None:
    leave = "import os, sys, time; os.fork() or os._exit(0); print(flush=True); time.sleep(600)"
    with contained(sys.executable, "-c", leave) as parent:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        poll(lambda: [look_up(int(pid)) for pid in children.read_text().split()] != [])
        (zombie,) = map(int, children.read_text().split())
        poll(lambda: (found := look_up(zombie)) is not None and found.is_zombie)
        assert zombie not in [process.pid for process in scan([]).zombies]
