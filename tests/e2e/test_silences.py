"""The command `silence` and the ends of alerts, with real Alertmanagers and a real mail server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from tests.e2e.mailing import ShippedAlertmanager, cluster
from tests.e2e.servers import ROOT, SmtpSink, SupervisorProcess, wait_for
from tests.support.patience import undisturbed
from tests.support.ports import free_port

ROUNDS = 3
"""How often alerts fire, are silenced, and end. Before the second end the supervisor is killed."""

KEPT = {count: tuple(f"kept{count}{letter}" for letter in "abc") for count in range(ROUNDS)}
"""Modules whose alerts the test silences with `--until-resolved`, by round.

Each is used once. In a cluster, one that fires again within `--cluster.peer-timeout` after its end
may be mailed as resolved by the peer that waited.
"""

LOST = {count: tuple(f"lost{count}{letter}" for letter in "abc") for count in range(ROUNDS)}
"""Modules whose alerts the test silences with `amtool`, by round."""

LAST = tuple(f"last{count}" for count in range(ROUNDS))
"""Modules whose mails show that all earlier ones of their round have come."""


@define
class Host:
    """A supervised host with modules that fire while a file of their name exists."""

    supervisor: SupervisorProcess
    sink: SmtpSink

    def configure(self, urls: Sequence[str], *modules: str) -> None:
        tables = "".join(
            f"""
[[modules]]
check = "command"
name = "{name}"
every = "2s"
[modules.params]
protocol = "text"
argv = ["test", "!", "-e", "{self._file(name)}"]
"""
            for name in modules
        )
        self.supervisor.config.write_text(
            f"""
service = "SHOP"
timezone = "Asia/Seoul"
[labels]
host = "shop1"
[alertmanager]
urls = {json.dumps(urls)}
min_visible = "4s"
{tables}""",
            encoding="utf-8",
        )

    def break_(self, *modules: str) -> None:
        for name in modules:
            self._file(name).touch()

    def mend(self, *modules: str) -> None:
        for name in modules:
            self._file(name).unlink()

    def _file(self, name: str) -> Path:
        return self.supervisor.directory / f"{name}.broken"

    def silence(
        self, *words: str, code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", "silence", *self.supervisor.options(), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def silences(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.silence(*words, "--format=json", code=code).stdout)
        return found

    def mailed(self, module: str) -> int:
        """Return how many mails told of the beginning."""
        return sum(f" {module}," in each and "RESOLVED" not in each for each in self._subjects())

    def ended(self, module: str) -> int:
        """Return how many mails told of the end."""
        return sum(f" {module}," in each and "RESOLVED" in each for each in self._subjects())

    def _subjects(self) -> set[str]:
        """Return what was mailed, each once: a slow cluster may mail something twice.

        A subject holds the time at which the alert began.
        """
        return {" ".join(str(mail["Subject"]).split()) for mail in self.sink.mails}

    def wait_for_ends(self, *modules: str) -> None:
        wait_for(
            lambda: all(self.ended(name) for name in modules),
            60,
            f"not all ends of {modules}",
            lambda: f"{self._subjects()}\n{self.supervisor.log}",
        )

    def wait_for_mails(self, *modules: str) -> None:
        wait_for(
            lambda: all(self.mailed(name) for name in modules),
            60,
            f"not all mails of {modules}",
            lambda: f"{self._subjects()}\n{self.supervisor.log}",
        )


@pytest.fixture
def host(supervisor: SupervisorProcess, smtp_sink: SmtpSink) -> Host:
    return Host(supervisor, smtp_sink)


@pytest.fixture(params=[1, 2], ids=["alone", "cluster of two"])
def peers(
    request: pytest.FixtureRequest, tmp_path: Path, smtp_sink: SmtpSink
) -> Iterator[list[ShippedAlertmanager]]:
    smarthost = f"127.0.0.1:{smtp_sink.port}"
    if request.param == 1:
        home = tmp_path / "alone"
        home.mkdir()
        servers = [ShippedAlertmanager(home, smarthost)]
    else:
        servers = cluster(tmp_path, smarthost, request.param)
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.stop()


def amtool(url: str, *words: str) -> str:
    done = subprocess.run(
        ["amtool", f"--alertmanager.url={url}", *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_end_of_what_was_silenced_until_resolved_is_mailed_and_never_without(
    host: Host, peers: list[ShippedAlertmanager]
) -> None:
    kept = [name for names in KEPT.values() for name in names]
    lost = [name for names in LOST.values() for name in names]
    host.configure([peer.url for peer in peers], *kept, *lost, *LAST)
    host.supervisor.start()
    for count in range(ROUNDS):
        names = (*KEPT[count], *LOST[count])
        host.break_(*names)
        host.wait_for_mails(*names)
        for name in KEPT[count]:
            (silence,) = host.silences(name, "--until-resolved", "--reason=4711")["silences"]
            assert silence["peers"] == [peer.url for peer in peers]
        for name in LOST[count]:
            amtool(peers[0].url, "silence", "add", f"check={name}", "-d1h", "-cby hand")
        if count == 1:
            host.supervisor.kill()
            host.supervisor.start()
        host.mend(*names)
        host.wait_for_ends(*KEPT[count])
        host.break_(LAST[count])
        host.wait_for_mails(LAST[count])
        host.mend(LAST[count])
        host.wait_for_ends(LAST[count])

    left = amtool(peers[0].url, "silence", "query", "-q").split()
    assert len(left) == len(lost), "those that amtool made last on"
    assert [host.ended(name) for name in kept] == [1] * 9
    assert [host.ended(name) for name in lost] == [0] * 9
    assert [host.mailed(name) for name in kept + lost] == [1] * 18


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


def status(host: Host, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "supervisor", "status", *host.supervisor.options(), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


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
