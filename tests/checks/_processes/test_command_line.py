"""The names in a command line: its program, script, class and title, but not a mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.command_line import TOOLS, names, parse_arguments, program
from checks._processes.scan import going_by

NAME = "archiveManager"
MAIN = "com.arinc.amr.control.nix.Main"

ARGUMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [b"", b" ", b"-", b"--", b"-c", b"-o", b"sh", b"/", b"//", b":", b"a:", b"=", b"java"]
        ),
        st.sampled_from(sorted(TOOLS)),
        st.binary(max_size=8),
    ),
    max_size=6,
)


def goes_by(name: str, *arguments: str) -> bool:
    cmdline = b"".join(argument.encode() + b"\0" for argument in arguments)
    return going_by(cmdline, [name]) == [name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("archiveManager",),
        ("/opt/bin/archiveManager",),
        ("bin/archiveManager", "start"),
        ("ruby", "/opt/lib/archiveManager"),
        ("ruby", "-W0", "archiveManager.rb", "start"),
        ("/usr/bin/python3", "-m", "archiveManager"),
        ("python3", "serve.py", "archiveManager"),
        ("java", "-Xmx1g", "-jar", "/opt/archiveManager.jar"),
        ("java", "-m", "modules/archiveManager"),
        ("/bin/sh", "/opt/archiveManager.sh"),
        ("bash", "-x", "-o", "pipefail", "archiveManager", "-c"),
        ("busybox", "sh", "archiveManager"),
        ("perl", "serve.pl", "--name", "archiveManager"),
        ("-archiveManager", "archiveManager"),
        ("archiveManager worker 1",),
        ("archiveManager: idle",),
        ("ruby /opt/archiveManager.rb",),
    ],
)
def test_a_name_is_found(arguments: tuple[str, ...]) -> None:
    assert goes_by(NAME, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("archiveManager_PnrTest",),
        ("archiveManager_PnrTest_monitor",),
        ("/opt/archiveManager-2/run",),
        ("/opt/archiveManager/run",),
        ("/opt/archiveManager/",),
        ("myarchiveManager",),
        ("ARCHIVEMANAGER",),
        ("ruby", "archiveManager.log"),
        ("ruby", "run.rb", "archiveManager.conf"),
        ("archiveManager.rb.bak",),
        ("java", "-Dname=archiveManager", "Main"),
        ("java", "Main", "conf=/etc/archiveManager"),
        ("python3", "get.py", "http://example.invalid/archiveManager"),
        ("mysqld", "--datadir=/srv/archiveManager"),
        ("grep", "archiveManager"),
        ("/usr/bin/pgrep", "-f", "archiveManager"),
        ("vi", "/opt/archiveManager.rb"),
        ("busybox", "tail", "-f", "archiveManager"),
        ("perl", "/usr/bin/ack", "archiveManager"),
        ("python3", "-m", "supervisor", "--service", "archiveManager"),
        ("/x/python3.11", "/x/alertmanager-supervisor", "once", "archiveManager"),
        ("sudo", "-u", "kor", "archiveManager"),
        ("sh", "-c", "exec archiveManager"),
        ("sh", "-c", "archiveManager"),
        ("/bin/bash", "-lc", "true", "archiveManager"),
        ("bash", "-o", "errexit", "-c", "true", "archiveManager"),
        ("-bash", "-c", "true", "archiveManager"),
        ("tail -f archiveManager",),
        ("sh -c archiveManager",),
        ("postgres: kor archiveManager idle",),
        ("sshd: archiveManager@pts/0",),
    ],
)
def test_a_name_that_is_only_mentioned_is_not_found(arguments: tuple[str, ...]) -> None:
    assert not goes_by(NAME, *arguments)


def test_a_java_main_class_is_found_by_its_whole_name() -> None:
    arguments = ("java", "-cp", "/opt/a.jar:/opt/b.jar", "-server", MAIN, "start")

    assert goes_by(MAIN, *arguments)
    assert not goes_by("Main", *arguments)
    assert not goes_by(f"{MAIN}2", *arguments)
    assert not goes_by("com.arinc.amr.control.nix", *arguments)


def test_a_path_is_found_as_written_or_as_the_program_of_its_base_name() -> None:
    path = "/usr/sbin/mysqld"

    assert goes_by(path, "/usr/sbin/mysqld", "--user=mysql")
    assert goes_by(path, "mysqld", "--user=mysql")
    assert goes_by(path, "sh", "/usr/sbin/mysqld")
    assert goes_by(path, "mysqld: running")
    assert not goes_by(path, "/opt/other/mysqld")
    assert not goes_by(path, "/usr/sbin/mysqld_safe")
    assert not goes_by(path, "serve", "mysqld")
    assert not goes_by("sbin/mysqld", "mysqld")


def test_a_tool_has_its_own_name() -> None:
    assert goes_by("rsync", "rsync", "--daemon")
    assert goes_by("rsync", "/usr/bin/rsync", "--daemon")
    assert goes_by("supervisor", "python3", "-m", "supervisor")


@pytest.mark.parametrize("padding", [b"", b"\0", b" ", b"\0" * 99, b" " * 99, b"  \0 \0"])
def test_the_padding_of_a_title_does_not_count(padding: bytes) -> None:
    assert parse_arguments(b"archiveManager" + padding) == (b"archiveManager",)
    assert parse_arguments(padding) == ()
    assert names(padding) == frozenset()
    assert program(padding) == b""


def test_a_whole_title_is_a_name() -> None:
    assert goes_by("archive manager", "archive manager")
    assert goes_by("nginx: master process", "nginx: master process")


@given(ARGUMENTS, st.sampled_from([b"\0", b" "]), st.binary(max_size=3))
def test_any_command_line_is_read_without_an_error(
    arguments: list[bytes], between: bytes, end: bytes
) -> None:
    cmdline = between.join(arguments) + end

    assert b"" not in names(cmdline)
    assert all(name in cmdline for name in names(cmdline))


@given(st.text(st.sampled_from("abAB_.0-"), min_size=1), ARGUMENTS)
def test_a_name_is_never_found_inside_a_longer_word(name: str, arguments: list[bytes]) -> None:
    longer = [argument.replace(name.encode(), b"x" + name.encode()) for argument in arguments]
    if not any(word in TOOLS for word in longer):
        assert going_by(b"\0".join([b"x" + name.encode(), *longer]), [name]) == []


@given(st.sampled_from(sorted(TOOLS)), st.lists(st.sampled_from(["-x", NAME, "/a/" + NAME])))
def test_no_argument_of_a_tool_is_a_name(own: bytes, rest: list[str]) -> None:
    assert not goes_by(NAME, f"/usr/bin/{own.decode()}", *rest)
