"""The installer: idempotent, honest about what it does, and able to go back."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.systemd.conftest import PIP
from tests.systemd.machine import Machine
from tests.systemd.test_unit import DISK, configure, firing, show, status, wait_for

pytestmark = pytest.mark.timeout(600)

INSTALL = "/srv/project/scripts/install"
EVERYTHING = (
    "find /opt /etc /usr/local /var/lib -xdev ! -name '*.pyc' -newermt @0 -printf '%p %T@\\n' "
    "| sort"
)


def release(machine: Machine) -> str:
    return machine.run("readlink /opt/supervisor/current").stdout.strip()


def test_it_is_idempotent(machine: Machine) -> None:
    before = release(machine)
    files = machine.run(EVERYTHING).stdout
    said = machine.run(INSTALL, PIP).stdout

    assert "is there already" in said
    assert release(machine) == before
    assert machine.run(EVERYTHING).stdout == files


def test_a_dry_run_changes_nothing(machine: Machine) -> None:
    files = machine.run(EVERYTHING).stdout
    for option in ("", "--user root", "--uninstall"):
        machine.run(f"{INSTALL} --dry-run {option}", PIP)

    assert machine.run(EVERYTHING).stdout == files


PAGES = (
    "/usr/local/share/man/man1/alertmanager-supervisor.1",
    "/usr/local/share/man/man5/supervisor-service.5",
    "/usr/local/share/bash-completion/completions/alertmanager-supervisor",
    "/usr/local/share/zsh/site-functions/_alertmanager-supervisor",
    "/usr/local/share/fish/vendor_completions.d/alertmanager-supervisor.fish",
)


def test_manual_completion_and_schema_are_in_place(machine: Machine) -> None:
    heads = machine.run(f"head -n 1 --quiet {' '.join(PAGES)}").stdout.splitlines()
    schema = machine.run("cat /opt/supervisor/current/service.schema.json").stdout

    assert [line.strip('.\\"# ').split(".")[0] for line in heads] == [
        "Made by: alertmanager-supervisor manual",
        "Made by: supervisor-service manual",
        "bash completion of alertmanager-supervisor",
        "compdef alertmanager-supervisor",
        "fish completion of alertmanager-supervisor",
    ]
    assert "params_disk" in json.loads(schema)["definitions"]


def test_discover_finds_the_units_and_nothing_fires(machine: Machine) -> None:
    machine.run("systemctl reset-failed")
    program = "alertmanager-supervisor"
    machine.run(f"{program} discover --out /etc/supervisor/found.toml", timeout=120)
    text = machine.run("cat /etc/supervisor/found.toml").stdout
    machine.run(f"{program} validate --service found")
    once = machine.run(f"{program} once --json --service found", check=False, timeout=120)
    machine.run("rm /etc/supervisor/found.toml")
    found = {module["check"]: module for module in tomllib.loads(text)["modules"]}

    assert once.returncode == 0, once.stdout
    assert {"systemd_unit", "disk", "system"} <= set(found)
    assert text.startswith("#:schema file:///opt/supervisor/current/service.schema.json\n")
    assert found["systemd_unit"]["params"]["units"]


def test_nobody_but_root_can_change_what_is_run(machine: Machine) -> None:
    writable = machine.run(
        "find /opt/supervisor /etc/supervisor/Demo.toml /etc/systemd/system/supervisor@.service "
        "/usr/local/bin/alertmanager-supervisor ! -type l \\( ! -user root -o -perm /022 \\)"
    )

    assert writable.stdout == ""
    assert machine.run("stat -c '%U %G %a' /etc/supervisor").stdout == "root supervisor 750\n"


def test_an_upgrade_and_a_way_back_keep_the_state(machine: Machine) -> None:
    configure(machine, "upgrade", DISK)
    machine.run("systemctl start supervisor@upgrade")
    wait_for(machine, "upgrade", lambda: firing(machine, "upgrade"))
    first, old = status(machine, "upgrade"), release(machine)
    machine.run("cp -r /srv/project /srv/newer && rm -rf /srv/newer/.venv")
    machine.run(
        "sed -i 's/^__version__ = .*/__version__ = \"99.0\"/' /srv/newer/supervisor/__init__.py"
    )
    machine.run("/srv/newer/scripts/install", PIP, timeout=300)
    second, new = status(machine, "upgrade"), release(machine)
    machine.run("/srv/newer/scripts/install --rollback")
    third, back = status(machine, "upgrade"), release(machine)
    machine.run("systemctl stop supervisor@upgrade")

    assert (new.startswith("releases/99.0-"), back) == (True, old)
    assert [each["version"] for each in (first, second, third)] == [
        first["version"],
        "99.0",
        first["version"],
    ]
    starts = {each["alerts"][0]["starts_at"] for each in (first, second, third)}
    assert len(starts) == 1


def test_a_dependency_that_was_tampered_with_is_refused(machine: Machine) -> None:
    before = release(machine)
    machine.run("cp -r /srv/project /srv/tampered")
    machine.run("sed -i 's/sha256:..../sha256:0000/' /srv/tampered/requirements.lock")
    said = machine.run("/srv/tampered/scripts/install", PIP, check=False, timeout=300)

    assert said.returncode != 0
    assert "DO NOT MATCH THE HASHES" in said.stderr
    assert release(machine) == before


def test_a_wheel_can_be_installed(machine: Machine, project: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*pip, str(tmp_path), str(project)], check=True, stdin=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    machine.run("mkdir -p /srv/wheel")
    enter = ["nsenter", "-t", str(machine.leader), "-m", "--"]
    with wheel.open("rb") as file:
        subprocess.run(
            [*enter, "sh", "-c", f"cat >/srv/wheel/{wheel.name}"], stdin=file, check=True
        )
    machine.run(f"{INSTALL} --wheel /srv/wheel/{wheel.name}", PIP, timeout=300)
    configure(machine, "wheel", DISK)
    machine.run("systemctl start supervisor@wheel")
    wait_for(machine, "wheel", lambda: firing(machine, "wheel"))
    machine.run("systemctl stop supervisor@wheel; " + INSTALL + " --rollback")


def test_it_runs_as_the_owner_of_the_files(machine: Machine) -> None:
    machine.run("useradd --create-home eborder")
    unknown = machine.run(f"{INSTALL} --user nosuchuser", PIP, check=False)
    configure(machine, "owner", DISK)
    machine.run("systemctl start supervisor@owner")
    machine.run(f"{INSTALL} --user eborder", PIP)  # and restarts what runs
    pid = show(machine, "owner", "MainPID")
    owner = machine.run(f"stat -c %U /proc/{pid}").stdout.strip()
    machine.run("systemctl stop supervisor@owner")
    machine.run("rm -r /etc/systemd/system/supervisor@.service.d; systemctl daemon-reload")
    machine.run("chgrp supervisor /etc/supervisor; rm -rf /var/lib/supervisor/owner")

    assert owner == "eborder"
    assert "there is no user nosuchuser; make it first, or leave --user out" in unknown.stderr


def test_a_python_that_the_user_cannot_run_is_refused(machine: Machine) -> None:
    machine.run("mkdir -p /root/own; cp $(realpath /usr/bin/python3) /root/own/python3")
    machine.run("chmod 700 /root")
    before = release(machine)
    said = machine.run(f"{INSTALL} --python /root/own/python3", PIP, check=False)

    assert said.returncode == 1
    assert "the user supervisor cannot run /root/own/python3; use a Python that" in said.stderr
    assert release(machine) == before


def test_once_inside_the_unit_sees_what_it_sees_outside(machine: Machine) -> None:
    """The sandbox hides nothing that a check asks for."""
    machine.run(
        "mkdir -p /home/eborder/queue /tmp/queue; touch -d yesterday /home/eborder/queue/a "
        "/tmp/queue/b; chmod 755 /home/eborder; mountpoint -q /mnt/small "
        "|| { mkdir -p /mnt/small; mount -t tmpfs -o size=1m small /mnt/small; }"
    )
    machine.write("/etc/supervisor/same.toml", SAME)
    machine.write("/srv/ruby.rb", RUBY)
    machine.run(
        "sed 's#^ExecStart=.*#ExecStart=/bin/sh -c \"exec /opt/supervisor/current/venv/bin/python "
        "-m supervisor once --json --service same --config-dir /etc/supervisor "
        ">/var/lib/supervisor/same/inside\"#; s/^Type=.*/Type=oneshot/; /^Restart/d; /^Watchdog/d' "
        "/etc/systemd/system/supervisor@.service >/etc/systemd/system/once@.service; "
        "systemctl daemon-reload; systemctl start once@same",
        check=False,
    )
    inside = json.loads(machine.run("cat /var/lib/supervisor/same/inside").stdout)
    outside = json.loads(
        machine.run(
            "runuser -u supervisor -- alertmanager-supervisor once --json --service same "
            "--config-dir /etc/supervisor",
            check=False,
        ).stdout
    )

    assert [told(each) for each in inside] == [told(each) for each in outside]
    assert {each["module"]: len(each["conditions"]) for each in inside} == SEEN
    assert not [each for each in inside if not each["ok"]]


def test_uninstall_keeps_configuration_and_state(
    machine: Machine, request: pytest.FixtureRequest
) -> None:
    configure(machine, "last", DISK)
    machine.run("systemctl enable --now supervisor@last")
    machine.run(f"{INSTALL} --uninstall")
    left = machine.run(
        "ls -d /opt/supervisor /etc/systemd/system/supervisor@.service "
        f"/usr/local/bin/alertmanager-supervisor {' '.join(PAGES)}",
        check=False,
    )
    pinging = machine.run("cat /proc/sys/net/ipv4/ping_group_range").stdout.split()
    running = machine.run("systemctl list-units --plain --no-legend 'supervisor@*'")
    kept = machine.run("ls /etc/supervisor/last.toml /var/lib/supervisor/last/ledger")
    machine.run(INSTALL, PIP, timeout=300)

    assert (left.stdout, running.stdout, pinging) == ("", "", ["1", "0"])
    assert kept.returncode == 0


def told(outcome: dict[str, object]) -> dict[str, object]:
    """Return what a module saw, without what changes from second to second."""
    return {key: outcome[key] for key in ("module", "ok", "error", "conditions", "reports")}


SEEN = {
    "disk": 4,
    "inode": 1,
    "daemon": 1,
    "session": 0,
    "unprocessed_file": 2,
    "routing_table": 1,
    "ruby": 1,
}
SAME = """
service = "SAME"
[[modules]]
check = "disk"
every = "1m"
[modules.params]
filesystems = [
    { filesystem = "/", max_use_percent = 0 },
    { filesystem = "/mnt/small", max_use_percent = 0 },
    { filesystem = "/nonexistent", max_use_percent = 50 },
    { filesystem = "udev", max_use_percent = 50 },
    { filesystem = "/home", max_use_percent = 50 },
]
[[modules]]
check = "inode"
every = "1m"
[modules.params]
filesystems = [{ filesystem = "/", max_use_percent = 0 }]
[[modules]]
check = "daemon"
every = "1m"
[modules.params]
daemons = [{ name = "dbus-daemon" }, { name = "nosuchdaemon" }]
[[modules]]
check = "session"
every = "1m"
[modules.params]
max_total = 5
[[modules]]
check = "unprocessed_file"
every = "1m"
[modules.params]
directories = [
    { directory = "/home/eborder/queue", max_age = "1h" },
    { directory = "/tmp/queue", max_age = "1h" },
]
[[modules]]
check = "routing_table"
every = "1m"
[modules.params]
routes = [{ destination = "127.77.0.0", netmask = "255.255.0.0", interface = "lo" }]
[[modules]]
check = "command"
name = "ruby"
every = "1m"
[modules.params]
protocol = "eborder"
argv = ["ruby", "/srv/ruby.rb"]
"""
RUBY = """
require "json"
puts JSON.generate([{ "EventName" => "Ruby", "EventType" => "W",
  "EventMessage" => "uid #{Process.uid}, #{Dir.children("/home/eborder/queue").sort}" }])
"""
