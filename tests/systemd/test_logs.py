"""`log_pattern` inside the unit as it is shipped: Debian's logrotate, and systemd's own journal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.systemd.machine import Machine
from tests.systemd.test_unit import configure, drop_in, journal, show, status, wait_for

pytestmark = pytest.mark.timeout(900)
PATIENCE = 90.0
"""Seconds: a machine that other tests keep busy is slow."""

NAME = "logs"
LOGS = """
[[modules]]
check = "log_pattern"
every = "1s"
[modules.params]
logs = [
    { path = "/srv/logs/*.log*", pattern = "ERROR", name = "all", report = true },
    { path = "/srv/logs/*.log", pattern = "ERROR", name = "live", report = true },
    { journal = { unit = "teller", priority = "err" }, name = "told", report = true },
]
"""
LOGROTATE = """\
/srv/logs/renamed.log {{
 rotate 20
 create 644 root root
 {more}
}}
/srv/logs/copied.log {{
 rotate 20
 copytruncate
 {more}
}}
/srv/logs/dated.log {{
 rotate 20
 create 644 root root
 dateext
 dateformat -%s
 {more}
}}
"""
WRITER = """\
cd /srv/logs; umask 022
# A rotated file of which nothing was read cannot be known if the pattern does not fit its name.
# The command is refused while the module runs, and that run may have looked too early.
look() { until alertmanager-supervisor run-now log_pattern --service logs; do sleep 0.1; done; }
exec 3>>copied.log
for number in $(seq 30); do
    exec 4>>renamed.log
    for name in renamed dated; do echo "ERROR $name $number $$ before" >>$name.log; done
    echo "ERROR copied $number $$ before" >&3
    [ $number != 1 ] || look
    if [ $((number % 4)) = 0 ]; then
        logrotate --force --state /srv/rotated /srv/logrotate.conf
        echo "ERROR copied $number $$ after" >&3
        echo "ERROR renamed $number $$, from a writer that opens the new file late" >&4
        look
    fi
    echo "ERROR renamed $number $$ after" >>renamed.log
    sleep 0.$((RANDOM % 5))
done
"""
LINES_WRITTEN = 30 * 4 + 30 // 4 * 2

TELLER = "[Service]\nType=oneshot\nSyslogLevel=err\nExecStart=/bin/sh /srv/tell\n"
"""A unit whose script writes into the journal."""

LARGE = """
import array, fcntl, os, socket, time

journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for size in (1_000_000, 9_000_000):
    memory = os.memfd_create("message", os.MFD_ALLOW_SEALING)
    with open(memory, "wb", closefd=False) as file:
        file.write(b"PRIORITY=3\\nMESSAGE=" + size * b"x" + b"\\n")
    fcntl.fcntl(memory, 1033, 15)  # F_ADD_SEALS: all of them
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))]
    journal.connect("/run/systemd/journal/socket")
    journal.sendmsg([], rights)
time.sleep(2)  # journald asks of which unit this process is
"""
"""Writes messages of a megabyte and of nine, as sd_journal_send(3) does."""

UNLIMITED = "LogRateLimitIntervalSec=1s\nLogRateLimitBurst=1000000\n"
"""What lets the unit write more than journald takes by default."""


def count(machine: Machine, name: str) -> int:
    """Return how many lines the reports of an entry have told.

    A supervisor that was killed logs its last reports again.
    """
    said = "\n".join(dict.fromkeys(journal(machine, NAME).splitlines()))
    found = re.findall(
        rf"^REPORT +\w+ +Log lines \({name}\): ([0-9,]+) (?:line|message)", said, re.M
    )
    return sum(int(each.replace(",", "")) for each in found)


def wait_for_runs(machine: Machine, more: int = 3) -> None:
    """Wait until so many more runs are over."""

    def runs() -> int:
        return int(status(machine, NAME)["modules"][0]["runs"])

    until = runs() + more
    wait_for(machine, NAME, lambda: runs() >= until, PATIENCE)


def firing(machine: Machine) -> dict[str, str]:
    alerts: list[dict[str, Any]] = status(machine, NAME)["alerts"]
    return {each["alertname"]: each["message"] for each in alerts if each["state"] == "firing"}


def tell(machine: Machine, script: str) -> None:
    """Let the unit run a script whose output goes into the journal, as errors."""
    machine.write("/srv/tell", f"{script}\n")
    machine.run("systemctl start teller; journalctl --sync")


@pytest.fixture(scope="module")
def logs(machine: Machine) -> Machine:
    machine.run("mkdir -m 755 /srv/logs; umask 022; touch /srv/logs/dated.log")
    machine.run("umask 022; touch /srv/logs/renamed.log /srv/logs/copied.log")
    machine.write("/etc/systemd/system/teller.service", TELLER)
    machine.run("systemctl daemon-reload")
    tell(machine, "echo ERROR before all")
    configure(machine, NAME, LOGS)
    machine.run(f"systemctl start supervisor@{NAME}")
    wait_for_runs(machine)
    return machine


@pytest.mark.parametrize("more", ["nocompress", "compress\n delaycompress"])
def test_logrotate_loses_and_repeats_no_line(logs: Machine, more: str) -> None:
    before = {name: count(logs, name) for name in ("all", "live")}
    logs.write("/srv/logrotate.conf", LOGROTATE.format(more=more))
    logs.write("/srv/write", WRITER)
    logs.run("bash /srv/write", timeout=120)
    wait_for_runs(logs)

    rotated = logs.run("ls /srv/logs | wc -l").stdout
    assert int(rotated) >= 3 * 6
    for name in before:
        assert count(logs, name) - before[name] == LINES_WRITTEN, journal(logs, NAME)


def test_a_supervisor_that_is_killed_loses_and_repeats_no_line(logs: Machine) -> None:
    before = {name: count(logs, name) for name in ("all", "live")}
    logs.write("/srv/logrotate.conf", LOGROTATE.format(more="nocompress"))
    logs.run(
        f"bash /srv/write & sleep 2; systemctl kill -s KILL supervisor@{NAME}; wait", timeout=120
    )
    wait_for(logs, NAME, lambda: show(logs, NAME, "ActiveState") == "active", PATIENCE)
    wait_for_runs(logs)

    for name in before:
        assert count(logs, name) - before[name] == LINES_WRITTEN, journal(logs, NAME)


def test_without_the_group_it_says_that_the_journal_cannot_be_read(logs: Machine) -> None:
    asked = "runuser -u supervisor -- alertmanager-supervisor"
    validated = logs.run(f"{asked} validate {NAME} 2>&1", check=False).stdout
    examined = logs.run(f"{asked} doctor --service {NAME} 2>&1", check=False).stdout

    assert "add it to the group systemd-journal" in firing(logs)["Log file unreadable"]
    for said in (validated, examined):
        assert "logs[2].journal: " in said
        assert "cannot read the journal: it is not permitted" in said


def test_with_the_group_it_reads_what_comes(logs: Machine) -> None:
    drop_in(logs, NAME, "SupplementaryGroups=systemd-journal")
    logs.run(f"systemctl restart supervisor@{NAME}")
    wait_for(logs, NAME, lambda: "Log file unreadable" not in firing(logs), PATIENCE)
    wait_for_runs(logs)
    tell(logs, "echo ERROR 1; echo ERROR 2")
    wait_for(logs, NAME, lambda: count(logs, "told") == 2, PATIENCE)
    logs.run(f"systemctl kill -s KILL supervisor@{NAME}")
    tell(logs, r"printf '\377\376 ERROR 3\n'")
    wait_for(logs, NAME, lambda: count(logs, "told") == 3, PATIENCE)
    wait_for_runs(logs)

    assert count(logs, "told") == 3
    assert "ERROR before all" not in journal(logs, NAME)
    assert "Journal cursor lost" not in firing(logs)


def test_a_flood_is_read_bit_by_bit(logs: Machine) -> None:
    logs.write("/etc/systemd/system/teller.service", TELLER + UNLIMITED)
    logs.run("systemctl daemon-reload")
    before = count(logs, "told")
    tell(logs, "seq 50000")
    wait_for(logs, NAME, lambda: count(logs, "told") - before >= 50_000, 300)
    wait_for_runs(logs)

    assert count(logs, "told") - before == 50_000


def test_a_message_of_megabytes_stops_nothing(logs: Machine) -> None:
    before = count(logs, "told")
    logs.write("/srv/large.py", LARGE)
    tell(logs, "python3 /srv/large.py; echo ERROR after it")
    wait_for(logs, NAME, lambda: count(logs, "told") - before >= 2, PATIENCE)
    wait_for_runs(logs)

    assert count(logs, "told") - before == 2
    assert "1 messages of teller.service that are too long" in journal(logs, NAME)


@pytest.mark.parametrize(
    "how",
    [
        "journalctl --rotate --vacuum-time=1us",
        "systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald "
        "2>/dev/null; rm -rf /var/log/journal/*/*; systemctl start systemd-journald",
    ],
    ids=["vacuumed", "removed"],
)
def test_a_lost_cursor_is_told_and_reading_goes_on(logs: Machine, how: str) -> None:
    logs.run(f"systemctl stop supervisor@{NAME}; {how}")
    before = count(logs, "told")
    tell(logs, "echo ERROR after the loss")
    logs.run(f"systemctl start supervisor@{NAME}")
    wait_for(logs, NAME, lambda: count(logs, "told") - before >= 1, PATIENCE)
    wait_for_runs(logs)

    assert count(logs, "told") - before == 1
    assert re.search(r"^FIRING +W +Journal cursor lost", journal(logs, NAME), re.MULTILINE)
