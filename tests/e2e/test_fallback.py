"""The last resort: real Alertmanagers are killed, and a real mail server is told.

SUPERVISOR_LONG_TESTS=1 kills the supervisor a hundred times.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from itertools import pairwise
from pathlib import Path

from supervisor.config.fallback.fallback import Fallback
from supervisor.delivery.fallback.timetable import Timetable
from supervisor.observations import Duration
from tests.e2e.command_line import run_supervisor
from tests.e2e.fallback_lab import AFTER, EVERY, Lab, lab
from tests.e2e.servers import wait_for
from tests.support.mail_server import PASSWORD, USER

__all__ = ["lab"]  # a fixture

KILLS = 100 if os.environ.get("SUPERVISOR_LONG_TESTS") else 6
"""How often the supervisor is killed while no Alertmanager answers."""
BACKOFF = 60.0
"""Seconds until a sender tries again, at most. A digest waits for that."""

SLACK = 20.0
"""Seconds that starts and a busy machine may take."""


def spread() -> float:
    settings = Fallback(after=Duration(AFTER), every=Duration(EVERY))
    return Timetable.of(settings, "KOR", "kor1").spread


QUIET = AFTER + EVERY / 6 + 4
"""Seconds after which a digest would have come."""


def test_two_alertmanagers_are_killed_and_the_mail_server_is_told(lab: Lab) -> None:
    lab.configure()
    lab.start_alertmanagers()
    lab.supervisor.start()

    # What an Alertmanager has told is not owed when all are gone, and a warning is not worth it.
    lab.fire("error-a")
    wait_for(lambda: lab.mailed("error-a") == 2, 30, "not mailed", lambda: lab.supervisor.log)
    time.sleep(4)  # min_visible
    lab.kill_alertmanagers()
    lab.fire("warning")
    time.sleep(QUIET)
    assert lab.mail.mails == []

    # Nothing is told while any peer lives.
    lab.alertmanagers[0].start()
    lab.fire("error-b")
    wait_for(lambda: lab.mailed("error-b") == 1, 90, "not mailed", lambda: lab.supervisor.log)
    time.sleep(QUIET)
    assert lab.mail.mails == []
    lab.kill_alertmanagers()

    # The first digest comes after its time, and one in each period, however often it is killed.
    fired = lab.fire("error-c")
    wait_for(lambda: lab.digests, BACKOFF + EVERY + SLACK, "no digest", lambda: lab.supervisor.log)
    first = lab.digests[0]
    assert AFTER + spread() <= first.made_at - fired <= AFTER + spread() + BACKOFF + SLACK
    assert first.mail.user == USER
    assert first.mail.is_secret
    assert "error-c" in first.mail.text()
    for name in ("error-a", "error-b", "warning"):
        assert name not in first.mail.text()
    dice = random.Random(1)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.2, 2.5))
        assert lab.supervisor.process is not None
        os.kill(lab.supervisor.pid, signal.SIGKILL)
        lab.supervisor.kill()
        lab.supervisor.start()
    known = len(lab.digests)
    wait_for(lambda: len(lab.digests) > known, EVERY + BACKOFF + SLACK, "no more digests")
    made = [digest.made_at for digest in lab.digests]
    gaps = [later - earlier for earlier, later in pairwise(made)]
    repeated = len(lab.of_kind("digest")) - len(made)
    print(f"{KILLS} kills, {len(made)} digests, {repeated} repeated, gaps {sorted(gaps)}")
    assert min(gaps) >= EVERY - 0.01  # the ID has milliseconds
    assert max(gaps) <= EVERY + BACKOFF + SLACK
    assert lab.of_kind("end") == []

    # It says once that a peer answers again, and then each alert is told as usual.
    lab.start_alertmanagers()
    wait_for(lambda: lab.of_kind("end"), BACKOFF + SLACK, "no end", lambda: lab.supervisor.log)
    wait_for(lambda: lab.mailed("error-c") == 2, 90, "not mailed", lambda: lab.supervisor.log)
    expected = ["error-a", "error-b", "error-c", "warning"]
    wait_for(
        lambda: all(each.names() == expected for each in lab.alertmanagers),
        30,
        "not delivered",
        lambda: str([each.names() for each in lab.alertmanagers]),
    )
    told = len(lab.digests)
    time.sleep(QUIET)
    assert len({each.identity for each in lab.of_kind("end")}) == 1
    assert len(lab.digests) == told
    assert lab.mailed("error-c") == 2


def test_a_reload_adds_and_removes_the_fallback(lab: Lab) -> None:
    lab.configure(fallback=False)
    lab.supervisor.start()
    lab.fire("error-a")
    time.sleep(QUIET)
    assert lab.mail.mails == []
    lab.configure()
    options = lab.supervisor.options()
    reloaded = run_supervisor("reload", *options)
    assert reloaded.returncode == 0
    assert "changed the fallback" in reloaded.stdout
    wait_for(lambda: lab.digests, BACKOFF + SLACK, "no digest", lambda: lab.supervisor.log)
    status = run_supervisor("status", *options).stdout
    assert "Fallback: has told that no Alertmanager answers" in status
    tree = run_supervisor("tree", *options).stdout
    assert "fallback" in tree
    lab.configure(fallback=False)
    assert run_supervisor("reload", *options).returncode == 0
    assert "fallback" not in run_supervisor("tree", *options).stdout
    told = len(lab.mail.mails)
    time.sleep(EVERY + 4)

    assert len(lab.mail.mails) == told


def test_a_mail_server_that_hangs_holds_up_neither_alerts_nor_the_stop(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lab.configure()
        text = lab.supervisor.config.read_text(encoding="utf-8")
        text = text.replace(lab.mail.address, f"127.0.0.1:{listener.getsockname()[1]}")
        lab.supervisor.config.write_text(text, encoding="utf-8")
        lab.supervisor.start()
        lab.fire("error-a")
        listener.settimeout(BACKOFF + SLACK)
        client, _ = listener.accept()  # and never a word
        with client:
            lab.alertmanagers[0].start()
            lab.fire("error-b")
            expected = ["error-a", "error-b"]
            wait_for(lambda: lab.alertmanagers[0].names() == expected, BACKOFF + SLACK, "not sent")
            begun = time.monotonic()
            assert lab.supervisor.stop() == 0
            assert time.monotonic() - begun < 8  # stop_grace is 10 s
    assert "Traceback" not in lab.supervisor.log


def test_a_test_can_be_sent_and_doctor_logs_in(lab: Lab) -> None:
    lab.configure()
    with lab.supervisor.config.open("a", encoding="utf-8") as config:
        config.write(f'[fallback.command]\nargv = ["tee", "{lab.flags}/told"]\n')
    lab.alertmanagers[0].start()
    options = lab.supervisor.options()
    sent = run_supervisor("test-alert", "--fallback", *options[:2])
    doctor = run_supervisor("doctor", *options)

    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.splitlines() == [
        f"mail: sent: oncall@example.invalid by {lab.mail.address}",
        "command: sent: tee",
    ]
    (mail,) = lab.mail.mails
    assert mail.mail["Subject"] == "Test of the fallback of KOR on kor1"
    assert mail.text() in (lab.flags / "told").read_text()
    assert f"ok       mail: {lab.mail.address} logged in as monitor" in doctor.stdout
    assert "ok       command: tee is there" in doctor.stdout
    assert "fallback.mail.password: can be read" in doctor.stdout
    assert len(lab.mail.mails) == 1
    assert PASSWORD not in doctor.stdout + doctor.stderr + sent.stdout


def test_doctor_warns_of_a_mail_server_that_alertmanager_depends_on(
    lab: Lab, tmp_path: Path
) -> None:
    lab.configure()
    lab.alertmanagers[0].start()
    text = lab.supervisor.config.read_text(encoding="utf-8")
    text = text.replace(lab.mail.address, f"127.0.0.1:{lab.sink.port}")
    text = text.replace(f'username = "{USER}"\npassword = {{ file = "smtp" }}\n', "")
    lab.supervisor.config.write_text(text, encoding="utf-8")
    found = run_supervisor("doctor", *lab.supervisor.options()).stdout

    where = f"warning  mail: 127.0.0.1:{lab.sink.port} is"
    for each in lab.alertmanagers:
        assert f"{where} the host of the Alertmanager {each.url}" in found
    assert f"{where} the smarthost of {lab.alertmanagers[0].url}" in found
    (lab.flags / "smtp").unlink()
    lab.configure()
    (lab.flags / "smtp").write_text("hunter2")
    found = run_supervisor("doctor", *lab.supervisor.options()).stdout
    assert "FAILED   mail:" in found
    assert "535" in found
    assert "hunter2" not in found
