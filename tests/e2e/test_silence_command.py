"""The command `silence` with a real supervisor and a real Alertmanager."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mailing import ShippedAlertmanager
from tests.e2e.servers import ROOT, SmtpSink, wait_for
from tests.e2e.silenced_host import Host, amtool, host, status
from tests.support.patience import undisturbed
from tests.support.ports import free_port

__all__ = ["host"]  # a fixture

DISK = "disk"
ITEM = "/"


@pytest.fixture
def lone(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[ShippedAlertmanager]:
    home = tmp_path / "alertmanager"
    home.mkdir()
    server = ShippedAlertmanager(home, f"127.0.0.1:{smtp_sink.port}")
    server.start()
    yield server
    server.stop()


def configure_disk(host: Host, url: str) -> None:
    host.configure([url])
    with host.supervisor.config.open("a", encoding="utf-8") as file:
        file.write(f"""
[[modules]]
check = "{DISK}"
every = "1s"
[modules.params]
filesystems = [{{ filesystem = "{ITEM}", max_use_percent = 0 }}]
""")


def test_status_is_right_within_a_minute_after_amtool_has_silenced(
    host: Host, lone: ShippedAlertmanager
) -> None:
    configure_disk(host, lone.url)
    host.supervisor.start()
    wait_for(lambda: "delivered" in status(host, "--json"), 30, "not delivered")
    wait_for(lambda: '"state": "active"' in status(host, "--json"), 60, "not known as active")
    begun = undisturbed()
    words = ("--duration=2h", "--author=kim", "--comment=RAID rebuild")
    identity = amtool(lone.url, "silence", "add", "instance=/", "host=shop1", *words)
    wait_for(lambda: "silenced until" in status(host), 60, "not shown as silenced")
    took = undisturbed() - begun

    text = status(host)
    assert took < 60
    assert "by kim: RAID rebuild" in text
    (alert,) = json.loads(status(host, "--json"))["alerts"]
    (peer,) = alert["at_peers"]
    assert (peer["url"], peer["state"]) == (lone.url, "silenced")
    assert [each["id"] for each in peer["silences"]] == [identity]


def test_the_command_makes_lists_and_ends_silences_that_amtool_shows(
    host: Host, lone: ShippedAlertmanager
) -> None:
    configure_disk(host, lone.url)
    host.supervisor.start()
    wait_for(lambda: "FIRING" in host.supervisor.log, 30, "not fired")
    made = host.silence(DISK, ITEM, "--for=2h", "--reason=RAID rebuild", SUDO_USER="kim").stdout
    whole = host.silences("--host", "--for=30m", "--reason=kernel update")
    (identity,) = [each["id"] for each in whole["silences"]]
    shown = amtool(lone.url, "silence", "query", "-o", "extended")
    listed = host.silences("--list")["silences"]
    ended = host.silence("--end", identity).stdout
    left = amtool(lone.url, "silence", "query", "-q").split()

    matchers = ['check="disk"', 'host="shop1"', 'instance="/"', 'service="SHOP"']
    assert all(each in made and each in shown for each in matchers)
    assert "silences now: Disk usage /" in made
    assert "kim" in shown
    assert [each["matchers"] for each in listed] == [
        ['alertname!="Heartbeat"', 'host="shop1"'],
        matchers,
    ]
    assert f"{identity}  ended" in ended
    assert left == [each["id"] for each in listed if each["id"] != identity]


def test_without_a_supervisor_the_command_asks_alertmanager_itself(
    host: Host, lone: ShippedAlertmanager
) -> None:
    configure_disk(host, lone.url)
    (silence,) = host.silences(DISK, "--for=2h", "--reason=x")["silences"]
    refused = host.silence(DISK, "--until-resolved", "--reason=x", code=1)

    assert amtool(lone.url, "silence", "query", "-q") == silence["id"]
    assert silence["alerts"] is None
    assert "the supervisor does not run" in refused.stderr


def test_when_neither_a_supervisor_nor_an_alertmanager_answers_nothing_is_silenced(
    host: Host,
) -> None:
    configure_disk(host, f"http://127.0.0.1:{free_port()}")
    done = host.silence(DISK, "--for=2h", "--reason=x", code=1)

    assert "no Alertmanager answered: not silenced" in done.stderr
    assert done.stdout == ""


def test_another_user_is_refused_while_a_supervisor_runs(
    host: Host, lone: ShippedAlertmanager
) -> None:
    configure_disk(host, lone.url)
    host.supervisor.start()
    done = subprocess.run(
        [
            *(sys.executable, "-c", AS_NOBODY, *host.supervisor.options()),
            *(DISK, "--for=2h", "--reason=x"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "not under this user" in done.stderr
    assert "Permission denied" in done.stderr
    assert amtool(lone.url, "silence", "query", "-q") == ""


AS_NOBODY = """
import contextlib, io, os, sys
from supervisor.__main__ import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["silence", "--help"])  # imports all that is needed
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(main(["silence", *sys.argv[1:]]))
"""
"""Runs the command as another user, who need not be able to read the files of Python."""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "silence what?"),
        (("disk", "--list"), "silence what?"),
        (("--list", "--for=2h"), "are for a new silence"),
        (("disk", "--reason=x"), "for how long?"),
        (("disk", "--reason=x", "--for=2h", "--until-resolved"), "for how long?"),
        (("disk", "--reason=x", "--for=soon"), "is not a duration"),
        (("disk", "--reason=x", "--for=0s"), "write more than 0s"),
        (("disk", "--for=2h"), "why?"),
        (("disk", "--for=2h", "--reason= "), "why?"),
        (("--host", "--until-resolved", "--reason=x"), "is for a MODULE"),
        (("disc", "--for=2h", "--reason=x"), "did you mean 'disk'?"),
    ],
)
def test_a_wrong_command_line_says_what_to_write(
    host: Host, words: tuple[str, ...], said: str
) -> None:
    configure_disk(host, "http://127.0.0.1:9")

    assert said in host.silence(*words, code=2).stderr
