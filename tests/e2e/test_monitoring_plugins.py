"""Debian's monitoring-plugins-basic, run by the `command` check: verdicts and performance data."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from checks.command import Params
from supervisor.api import CheckFailed, Condition, Measurement, Observation
from tests.e2e.plugin_servers import answering, running, swap, web_server
from tests.e2e.servers import ROOT, SmtpSink
from tests.support.bad_plugins import FAILED, FINE, observe
from tests.support.ntp_server import NtpServer
from tests.support.patience import undisturbed
from tests.support.ports import free_port

PLUGINS = Path("/usr/lib/nagios/plugins")

VERDICTS = [
    ("check_load -w 9999,9999,9999 -c 9999,9999,9999", FINE, ""),
    ("check_load -w 1,1,1 -c 0,0,0", FAILED, "Parameter inconsistency"),
    ("check_procs -w 1:99999999", FINE, ""),
    ("check_procs -w :0 -c :99999999", "W", "PROCS WARNING"),
    ("check_procs -c 1: -C nosuchprogram", "E", "PROCS CRITICAL: 0 processes with command name"),
    ("check_users -w 99999 -c 99999", FINE, ""),
    ("check_users -w 99998:99999 -c 99999", "W", "USERS WARNING"),
    ("check_users -w 99998:99999 -c 99998:99999", "E", "USERS CRITICAL"),
    ("check_disk -w 0% -c 0% -p /", FINE, ""),
    ("check_disk -w 100% -c 0% -p /", "W", "DISK WARNING"),
    ("check_disk -w 100% -c 100% -p /", "E", "DISK CRITICAL"),
    ("check_disk -w 0% -c 0% -p /nonexistent", "E", "/nonexistent is not accessible"),
    ("check_disk -p /", FAILED, ""),
    ("check_dummy 0 well", FINE, ""),
    ("check_dummy 1 so-so", "W", "WARNING: so-so"),
    ("check_dummy 2 bad", "E", "CRITICAL: bad"),
    ("check_dummy 3 what?", FAILED, "UNKNOWN: what?"),
    ("check_file_age -w 1 -c 1 -f /nonexistent", "E", "FILE_AGE CRITICAL: File not found"),
    ("check_cluster -s -d 0,2,1 -w 0:1 -c 2:", "W", "CLUSTER WARNING: Service cluster: 1 ok"),
    ("check_ping -H 127.0.0.1 -w 9999,100% -c 9999,100% -p 1", FINE, ""),
    ("check_ping -H 127.0.0.1 -w 0.000001,100% -c 9999,100% -p 1", "W", "PING WARNING"),
    ("check_tcp -H 127.0.0.1 -p 0", FAILED, "check_tcp: Port must be a positive integer"),
    ("check_no_such_plugin", FAILED, "No such file or directory"),
]
"""A command line, the verdict that is right for it, and part of its message."""

NO_SWAP = ("ok", "warning", "critical", "unknown")
"""The states that `check_swap -n` can give to a host without swap space."""


async def judged(argv: Sequence[object]) -> tuple[str, str, list[Observation]]:
    """Return the verdict on a plugin's run, its message, and all observations."""
    plugin, *arguments = map(str, argv)
    try:
        seen = await observe(Params((str(PLUGINS / plugin), *arguments), "nagios"))
    except CheckFailed as error:
        return FAILED, str(error), []
    for item in seen:
        if isinstance(item, Condition):
            return item.event_type, item.message, seen
    return FINE, "", seen


async def verdict(*argv: object) -> str:
    return (await judged(argv))[0]


async def measured(*argv: object) -> dict[str, tuple[float, str]]:
    """Return each measurement's value and unit."""
    _, _, seen = await judged(argv)
    return {item.name: (item.value, item.unit) for item in seen if isinstance(item, Measurement)}


@pytest.mark.parametrize(("line", "expected", "part"), VERDICTS, ids=[row[0] for row in VERDICTS])
async def test_each_plugin_gets_its_verdict(line: str, expected: str, part: str) -> None:
    found, message, _ = await judged(line.split())

    assert (found, message) == (expected, message)
    assert part in message


async def test_check_load_measures_the_load() -> None:
    before = os.getloadavg()
    found = await measured("check_load", "-w", "9999,9999,9999", "-c", "9999,9999,9999")
    after = os.getloadavg()

    assert [*found] == ["load1", "load5", "load15"]
    for old, (value, unit), new in zip(before, found.values(), after, strict=True):
        assert unit == ""
        assert min(old, new) - 0.1 <= value <= max(old, new) + 0.1


async def test_check_disk_measures_what_is_used(tmp_path: Path) -> None:
    found = await measured("check_disk", "-w", "0%", "-c", "0%", "-p", tmp_path)

    disk = os.statvfs(tmp_path)
    ((value, unit),) = found.values()
    assert unit == "B"
    assert value == pytest.approx((disk.f_blocks - disk.f_bfree) * disk.f_frsize, rel=0.05)


async def test_check_swap_measures_what_is_free() -> None:
    total, free = swap()
    states = [await verdict("check_swap", "-n", state, "-w", 1, "-c", 0) for state in NO_SWAP]
    found = await measured("check_swap", "-n", "ok", "-w", 1, "-c", 0)

    if total == 0:
        assert states == [FINE, "W", "E", FAILED]
    ((name, (value, unit)),) = found.items()
    assert (name, unit) == ("swap", "B")
    assert value == pytest.approx(free, rel=0.05)


async def test_check_procs_sees_a_process_come_and_go(tmp_path: Path) -> None:
    program = tmp_path / "anoddname"
    shutil.copy("/bin/sleep", program)
    line = ("check_procs", "-c", "1:1", "-C", "anoddname")
    before = await verdict(*line)
    with running(program, "60"):
        during = await verdict(*line)
        count = await measured(*line)
    after = await verdict(*line)

    assert (before, during, after) == ("E", FINE, "E")
    assert count == {"procs": (1.0, "")}


async def test_check_file_age_sees_a_file_grow_old_and_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "job.done"
    line = ("check_file_age", "-w", 600, "-c", 3600, "-W", 0, "-C", 0, "-f", path)
    verdicts = []
    for age in (0, 1200, 7200, 0):
        path.write_bytes(b"twelve bytes")
        os.utime(path, (time.time() - age,) * 2)
        verdicts.append(await verdict(*line))
    found = await measured(*line)

    assert verdicts == [FINE, "W", "E", FINE]
    assert found["size"] == (12.0, "B")
    assert found["age"][0] < 60


async def test_check_tcp_sees_a_server_come_and_go() -> None:
    port = free_port()
    line = ("check_tcp", "-H", "127.0.0.1", "-p", port)
    before = await verdict(*line)
    with socket.create_server(("127.0.0.1", port)):
        during, _, seen = await judged(line)
    after, message, _ = await judged(line)

    assert (before, during, after) == ("E", FINE, "E")
    assert message == f"connect to address 127.0.0.1 and port {port}: Connection refused"
    (time_taken,) = seen
    assert isinstance(time_taken, Measurement)
    assert (time_taken.name, time_taken.unit) == ("time", "s")
    assert 0 <= time_taken.value < 10


async def test_check_http_judges_status_and_body() -> None:
    with web_server() as port:
        line = ("check_http", "-H", "127.0.0.1", "-p", port)
        fine = await verdict(*line, "-u", "/200")
        without = await judged((*line, "-u", "/200", "-s", "farewell"))
        verdicts = [await verdict(*line, "-u", f"/{status}") for status in (404, 503)]
        found = await measured(*line, "-u", "/200", "-s", "greetings")
    gone = await verdict(*line, "-u", "/200")

    assert (fine, verdicts, gone) == (FINE, ["W", "E"], "E")
    assert (without[0], "string 'farewell' not found" in without[1]) == ("E", True)
    assert found.keys() == {"time", "size"}
    assert found["size"][1] == "B"
    assert found["size"][0] > len("greetings")


async def test_check_ssh_and_check_smtp_speak_their_protocols(smtp_sink: SmtpSink) -> None:
    with answering(b"SSH-2.0-OpenSSH_9.2p1\r\n") as port:
        ssh = await verdict("check_ssh", "-t", 5, "-p", port, "127.0.0.1")
        wrong = await verdict("check_smtp", "-t", 1, "-H", "127.0.0.1", "-p", port)
    smtp, _, seen = await judged(("check_smtp", "-H", "127.0.0.1", "-p", smtp_sink.port))

    assert (ssh, smtp, wrong) == (FINE, FINE, "E")
    assert [item.name for item in seen if isinstance(item, Measurement)] == ["time"]


async def test_a_silent_server_takes_no_longer_than_the_time_limit_of_the_plugin() -> None:
    with answering(b"") as port:
        begun = undisturbed()
        found = await verdict("check_tcp", "-H", "127.0.0.1", "-p", port, "-e", "hello", "-t", 1)
        taken = undisturbed() - begun

    assert found == "E"
    assert taken < 10


async def test_check_ntp_time_sees_a_clock_that_is_wrong() -> None:
    verdicts = []
    async with NtpServer(clock=time.time).running() as server:
        for server.ahead in (0, 60, 3600):
            line = ("check_ntp_time", "-H", "127.0.0.1", "-p", server.port, "-w", 30, "-c", 900)
            verdicts.append(await verdict(*line))
        found = await measured(*line)

    assert verdicts == [FINE, "W", "E"]
    value, unit = found["offset"]
    assert unit == "s"
    assert value == pytest.approx(3600, abs=30)


def test_once_shows_the_results_of_several_plugins(tmp_path: Path) -> None:
    lines = {
        "load": "check_load -w 9999,9999,9999 -c 9999,9999,9999",
        "root": "check_disk -w 100% -c 0% -p /",
        "gone": "check_procs -c 1: -C nosuchprogram",
        "unknown": "check_dummy 3",
    }
    modules = [
        f'[[modules]]\ncheck = "command"\nname = "{name}"\nevery = "1m"\n'
        f'[modules.params]\nprotocol = "nagios"\nargv = {[str(PLUGINS / line), *rest]}\n'
        for name, (line, *rest) in ((name, text.split()) for name, text in lines.items())
    ]
    (tmp_path / "Test.toml").write_text('service = "T"\n' + "".join(modules), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "supervisor", "once", "--json", "--service=Test"],
        cwd=ROOT,
        env=os.environ | {"SUPERVISOR_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    load, root, gone, unknown = json.loads(done.stdout)

    assert done.returncode == 3
    assert [item["name"] for item in load["measurements"]] == ["load1", "load5", "load15"]
    assert (load["ok"], load["conditions"]) == (True, [])
    assert [(item["alertname"], item["event_type"]) for item in root["conditions"]] == [
        ("root", "W")
    ]
    assert [item["event_type"] for item in gone["conditions"]] == ["E"]
    assert (unknown["ok"], "ended with exit status 3: UNKNOWN" in unknown["error"]) == (False, True)


def test_the_plugins_that_the_documents_name_are_there() -> None:
    page = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(check_[a-z_]+)`|plugins/(check_[a-z_]+)", page))
    plugins = {name for pair in named for name in pair if name}

    assert len(plugins) > 6
    assert {name for name in plugins if not (PLUGINS / name).exists()} == set()
