"""Each thing that `discover` looks at, given what the kernel or systemd says of it."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from supervisor.discover import survey as whole
from supervisor.discover.draft import Draft, Finding, Item, Survey, quoted
from supervisor.discover.page import page
from supervisor.discover.sources import arrays, filesystems, listeners, logs, mysql, ports, units
from supervisor.discover.sources.listeners import Listener, Program
from supervisor.discover.trial import MAX_ROUNDS, without_what_fires
from supervisor.observations import Condition, Run

MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:20 / /proc rw - proc proc rw
24 22 8:1 /srv /srv/bind rw - ext4 /dev/sda1 rw
25 22 7:1 / /snap/core ro - squashfs /dev/loop1 ro
26 22 8:2 / /srv/old\\040data ro - xfs /dev/sdb rw
27 22 8:3 / /etc/hosts rw - ext4 /dev/sdc rw
28 22 0:30 / /tmp rw - tmpfs tmpfs rw
29 22 0:31 / /home rw - nfs4 files:/home rw
"""


def test_filesystems_with_data_are_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isdir", lambda path: path != "/etc/hosts")
    left_out: list[str] = []
    chosen = [*filesystems._chosen(filesystems._parse(MOUNTS.splitlines()), left_out)]

    assert [mount.mount_point for mount in chosen] == ["/", "/home", "/srv/old data"]
    assert [mount.read_only for mount in chosen] == [False, False, True]
    assert any("1 image, such as" in line for line in left_out)
    assert any("1 mount of single files" in line for line in left_out)


@pytest.mark.parametrize(
    ("used", "limit"), [(0, 90), (85, 90), (86, 93), (95, 98), (98, 99), (99, 99)]
)
def test_the_limit_is_above_what_is_used(used: int, limit: int) -> None:
    (mount,) = filesystems._parse(MOUNTS.splitlines()[:1])

    assert f"max_use_percent = {limit} }}" in filesystems._item(mount, '"/"', used).text


def test_addresses_of_the_kernel_are_read() -> None:
    assert str(listeners._address("0100007F")) == "127.0.0.1"
    assert str(listeners._address("00000000000000000000000001000000")) == "::1"
    assert str(listeners._address("0000000000000000FFFF00000100007F")) == "127.0.0.1"


NGINX = Listener(80, "127.0.0.1", Program(10, "nginx", "nginx.service"))
SCRIPT = Listener(8080, "127.0.0.1", Program(11, "python3.11"))
REDIS = Listener(6379, "::1", Program(12, "redis-server"))
OTHERS = Listener(25, "127.0.0.1")


def test_each_port_is_watched_and_named_after_its_program() -> None:
    finding = ports.ports([OTHERS, NGINX, REDIS])

    assert [item.text for item in finding.modules[0].items] == [
        '{ name = "port-25", host = "127.0.0.1", port = 25 }',
        '{ name = "nginx-80", host = "127.0.0.1", port = 80 }',
        '{ name = "redis-server-6379", host = "::1", port = 6379 }',
    ]
    assert any("1 port: other users' processes" in line for line in finding.left_out)


def test_a_port_that_the_next_start_may_change_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "ephemeral_ports", lambda: range(6000, 7000))
    (draft,) = ports.ports([NGINX, REDIS]).modules

    assert [item.instance for item in draft.watched] == ["nginx-80"]
    assert ports.daemons([REDIS], set()).modules == ()


def test_a_program_is_watched_unless_its_unit_is_or_it_runs_other_programs() -> None:
    finding = ports.daemons([NGINX, SCRIPT, REDIS, OTHERS], {"nginx.service"})

    assert [item.instance for item in finding.modules[0].watched] == ["redis-server"]
    assert "process nginx: systemd_unit watches nginx.service" in finding.left_out
    assert any("python3.11 of port 8080: an interpreter" in line for line in finding.left_out)


SYSTEMCTL = """\
#!/bin/sh
case "$*" in
    *list-unit-files*) printf 'ssh.service enabled enabled\\ngetty@.service enabled enabled\\n'
        printf 'once.service enabled enabled\\n' ;;
    *failed*) printf 'broken.service loaded failed failed Broken\\n' ;;
    *list-units*) printf 'getty@tty1.service loaded active running\\nuser@0.service loaded active running\\n'
        printf 'supervisor@Shop.service loaded active running\\n' ;;
    *show*)
        printf 'Id=ssh.service\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n\\n'
        printf 'Id=once.service\\nActiveState=inactive\\nSubState=dead\\nUnitFileState=enabled\\n\\n'
        printf 'Id=getty@tty1.service\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n\\n'
        printf 'Id=user@0.service\\nActiveState=active\\nSubState=running\\nUnitFileState=static\\n\\n'
        printf 'Id=supervisor@Shop.service\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n' ;;
esac
"""  # noqa: E501  # as systemctl prints it


def test_units_that_are_enabled_and_active_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(units, "SYSTEMD", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    finding = units.units()
    (draft,) = finding.modules

    assert [item.text for item in draft.items] == ['{ name = "ssh" }', '{ name = "getty@tty1" }']
    assert draft.also[0].startswith('ignore = ["broken.service"]')
    assert finding.left_out == (
        "once.service: enabled, but inactive",
        "supervisor@Shop.service: a supervisor cannot tell that it does not run",
    )
    assert units.watched(finding) == {"ssh.service", "getty@tty1.service"}


def test_without_systemd_there_are_no_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "SYSTEMD", tmp_path / "missing")

    assert units.units().left_out == ("systemd's units: systemd does not run here",)


def test_an_answer_of_systemctl_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "SYSTEMD", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "systemctl does not answer" in units.units().left_out[0]


MDSTAT = """\
Personalities : [raid1]
md0 : active raid1 sdb1[1] sda1[0]
      1048512 blocks super 1.2 [2/{up}] [{state}]

unused devices: <none>
"""


@pytest.mark.parametrize(("state", "status"), [("UU", 0), ("U_", 1), ("_U", 1), ("__", 1)])
def test_an_array_without_a_disk_fails_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, status: int
) -> None:
    mdstat = tmp_path / "mdstat"
    mdstat.write_text(MDSTAT.format(up=state.count("U"), state=state), encoding="utf-8")
    monkeypatch.setattr(arrays, "MDSTAT", mdstat)
    (draft,) = arrays.arrays().modules
    argv = tomllib.loads("\n".join(draft.also))["argv"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    mdstat.unlink()

    assert (done.returncode, done.stdout.startswith("md0: ")) == (status, status != 0)
    assert subprocess.run(argv, capture_output=True, check=False).returncode > 0
    assert arrays.arrays().modules == ()


def test_a_log_that_a_program_writes_is_found(tmp_path: Path) -> None:
    with (tmp_path / "shop.log").open("w"), (tmp_path / "seen.log").open("w"):
        read = os.open(tmp_path / "seen.log", os.O_RDONLY)
        os.close(read)
        (draft,) = logs.logs().modules

    assert str(tmp_path / "shop.log") in {item.instance for item in draft.items}


def test_a_database_without_its_client_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "_sockets", lambda: ["/run/mysqld/mysqld.sock"])
    monkeypatch.setenv("PATH", "/nonexistent")
    finding = mysql.mysql()

    assert (finding.modules, len(finding.left_out)) == ((), 1)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
        (IndexError("list index out of range"), "list index out of range"),
        (RuntimeError(), "RuntimeError"),
    ],
    ids=["disk", "rubbish", "silent"],
)
def test_a_look_that_fails_is_told_and_keeps_no_other_from_looking(
    monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def fail() -> Finding:
        raise error

    monkeypatch.setattr(whole, "filesystems", fail)
    found = whole.survey("X", "X", with_logs=False)

    assert f"filesystems: cannot be looked at: {text}" in found.left_out
    assert "system" in {draft.check for draft in found.modules}


def test_text_that_toml_cannot_hold_is_refused() -> None:
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
    with pytest.raises(ValueError, match="cannot be written"):
        quoted("a\nb")


# What fires


def survey(*modules: Draft) -> Survey:
    return Survey(service="X", file="X", host="h", modules=modules, left_out=())


def outcome(module: str, *conditions: Condition, error: str = "") -> Run:
    return Run(
        module=module,
        scheduled=0.0,
        started=0.0,
        seconds=0.0,
        observations=conditions,
        error=error,
    )


DISKS = Draft("disk", "Disks.", (Item("a = 1", "/a"), Item("b = 1", "/b")))
FULL = Condition("Disk usage", "W", "/a", "/a is full")


def test_what_fires_becomes_a_comment_with_its_message() -> None:
    answers = [[outcome("disk", FULL)], [outcome("disk")]]
    found = without_what_fires(survey(DISKS), lambda _: answers.pop(0))

    assert [item.left_out for item in found.modules[0].items] == ["it fires now: /a is full", ""]
    assert "# left out: it fires now: /a is full\n# a = 1\n" in page(found, "s")
    assert answers == []


def test_a_reason_that_several_share_is_written_once() -> None:
    items = (Item("a = 1", left_out="old"), Item("b = 1", left_out="old"), Item("c = 1"))
    text = page(survey(Draft("disk", "Disks.", items)), "s")

    assert "# left out: old\n# a = 1\n# b = 1\nc = 1\n" in text


def test_a_module_of_which_all_fires_becomes_a_comment() -> None:
    draft = Draft("disk", "Disks.", (Item("a = 1", "/a"),))
    answers = [[outcome("disk", FULL)], []]
    text = page(without_what_fires(survey(draft), lambda _: answers.pop(0)), "s")

    assert "\n# [[modules]]\n" in text
    assert "\n[[modules]]" not in text


def test_a_check_that_fails_or_fires_for_something_else_is_disabled() -> None:
    for bad, why in (
        (outcome("disk", error="no such file"), "the check fails now: no such file"),
        (outcome("disk", Condition("Other", "E", "", "odd")), "it fires now: odd"),
    ):
        answers = [[bad], []]
        found = without_what_fires(survey(DISKS), lambda _, answers=answers: answers.pop(0))  # type: ignore[misc]  # the list of this round

        assert f"enabled = false  # {why}" in page(found, "s")


def test_a_module_in_which_something_else_fires_each_time_is_disabled() -> None:
    items = tuple(Item(f"r{n} = 1", f"r{n}") for n in range(MAX_ROUNDS + 1))
    rounds = iter(range(MAX_ROUNDS))

    def run_once(_: Survey) -> list[Run]:
        number = next(rounds)
        return [outcome("disk", Condition("Odd", "E", f"r{number}", f"odd {number}"))]

    found = without_what_fires(survey(Draft("disk", "Disks.", items)), run_once)

    assert found.modules[0].disabled == f"it fires now: odd {MAX_ROUNDS - 1}"
    assert found.active == ()
