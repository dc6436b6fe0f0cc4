"""The mails of the shipped Alertmanager configuration: who gets which, how many, their words."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.mailing import EXTERNAL_URL, START, alert, subjects, text_of
from tests.e2e.shipped_mails import Post, post, server, sink, webhook

__all__ = ["post", "server", "sink", "webhook"]  # fixtures

MAILS = Path(__file__).with_name("mails")


def test_each_event_type_goes_to_its_people_in_one_mail(post: Post) -> None:
    types = ("W", "E", "I", "S", "TE", "X")
    post(
        *(alert("연결 실패", kind, check=f"check-{kind}") for kind in types),
        *(alert("점검", kind, event_id=f"report-{kind}") for kind in types),
    )

    mails = post.wait(12)

    people = {"W": "warning-error", "E": "warning-error", "I": "info", "S": "su"}
    assert sorted((str(mail["To"]), str(mail["Subject"])) for mail in mails) == sorted(
        (
            f"{people.get(kind, 'operators')}@example.invalid",
            f"KOR-PNR-TEST - {kind}, {name}, {post.host}, 2026-11-22 09:00:00",
        )
        for kind in types
        for name in ("연결 실패", "점검")
    )
    assert {str(mail["From"]) for mail in mails} == {"Monitor <monitor@example.invalid>"}


def test_a_condition(post: Post) -> None:
    firing = alert(
        "Connection failed",
        message="127.0.14.31:1112: <연결 거부> & 'more'",
        instance="USTD-DEV1",
        notes={"runbook": "https://wiki.example.invalid/a?b=1&c=2", "detail": "<i>a &lt; b</i>"},
    )
    post(firing)

    (mail,) = post.wait(1)

    assert str(mail["Subject"]) == (
        "KOR-PNR-TEST - E, Connection failed, a-condition: USTD-DEV1, 2026-11-22 09:00:00"
    )
    assert (
        text_of(mail)
        == """\
FIRING (1)

E  Connection failed: USTD-DEV1
What:    127.0.14.31:1112: <연결 거부> & 'more'
Where:   a-condition, service KOR-PNR-TEST, check connection
Since:   2026-11-22 09:00:00 (UTC 2026-11-22 00:00:00)
To do:   https://wiki.example.invalid/a?b=1&c=2
Status:  http://127.0.0.1:9477/

Silence: https://alertmanager.example.invalid/#/silences/new?filter=%7B\
alertname%3D%22Connection%20failed%22%2Ccheck%3D%22connection%22%2Cevent_type%3D%22E%22%2C\
host%3D%22a-condition%22%2Cinstance%3D%22USTD-DEV1%22%2Cservice%3D%22KOR-PNR-TEST%22%7D
or run:  amtool --alertmanager.url=https://alertmanager.example.invalid silence add \
'alertname="Connection failed"' 'check="connection"' 'event_type="E"' 'host="a-condition"' \
'instance="USTD-DEV1"' 'service="KOR-PNR-TEST"' \
--duration=2h --comment=why
"""
    )
    assert text_of(mail, "html") == (MAILS / "condition.html").read_text(encoding="utf-8")


def test_a_change_of_type_is_one_mail_and_says_since_when_it_is_wrong(post: Post) -> None:
    post(alert("Disk usage", "W", message="/ is 81 % full", instance="/"))
    post.wait(1)
    now = {"event_time": "2026-11-22 09:20:00", "since": "2026-11-22 09:00:00"}
    begun = START + timedelta(minutes=20)
    graver = alert("Disk usage", "E", message="96 %", instance="/", notes=now, begun=begun)
    post(alert("Disk usage", "W", message="/ is 81 % full", instance="/", lasted=1200), graver)

    (changed,) = post.wait(2)[1:]

    text = text_of(changed)
    assert str(changed["Subject"]).startswith("KOR-PNR-TEST - ")
    assert "FIRING (1)\n\nE  Disk usage: /\nWhat:    96 %\n" in text
    assert (
        "Since:   2026-11-22 09:00:00, E since 2026-11-22 09:20:00 (UTC 2026-11-22 00:20:00)\n"
    ) in text
    assert "RESOLVED (1)" in text

    post({**graver, "endsAt": (begun + timedelta(minutes=5)).isoformat()})
    (ended,) = post.wait(3)[2:]

    assert "FIRING" not in text_of(ended)


def test_the_command_in_a_mail_silences_its_alert(post: Post) -> None:
    post(alert("Connection failed", instance='<it\'s> \\ "결제" $(id)'))
    (mail,) = post.wait(1)
    (line,) = [each for each in text_of(mail).splitlines() if each.startswith("or run:  ")]
    command = line.removeprefix("or run:  ").replace(EXTERNAL_URL, post.server.url)

    subprocess.run(["sh", "-c", command], check=True, capture_output=True)

    found = [each for each in post.server.alerts() if each["labels"]["host"] == post.host]
    assert [each["status"]["state"] for each in found] == ["suppressed"]


def test_a_resolved_condition(post: Post) -> None:
    post(alert("Disk usage", "W", message="/ is 91 % full", instance="/"))
    post.wait(1)
    notes = {"end_time": "2026-11-22 10:23:45", "runbook": "clean up"}
    post(
        alert("Disk usage", "W", message="/ is 91 % full", instance="/", notes=notes, lasted=5025.4)
    )

    (mail,) = post.wait(2)[1:]

    assert str(mail["Subject"]) == (
        "[RESOLVED] KOR-PNR-TEST - W, Disk usage, a-resolved-condition: /, 2026-11-22 09:00:00"
    )
    assert str(mail["To"]) == "warning-error@example.invalid"
    assert (
        text_of(mail)
        == """\
RESOLVED (1)

W  Disk usage: /
Was:     / is 91 % full
Where:   a-resolved-condition, service KOR-PNR-TEST, check connection
Since:   2026-11-22 09:00:00 (UTC 2026-11-22 00:00:00)
Lasted:  1h23m45s, until 2026-11-22 10:23:45 (UTC 2026-11-22 01:23:45)
Status:  http://127.0.0.1:9477/

"""
    )
    assert text_of(mail, "html") == (MAILS / "resolved.html").read_text(encoding="utf-8")


def test_a_report(post: Post) -> None:
    detail = (
        "<style>b {}</style><b>모두 정상</b><table><tr><td>a</td><td>1&nbsp;%</td></tr></table>"
    )
    said = alert("Daily check", "I", message="All well", event_id="1", notes={"detail": detail})
    post(said)

    (mail,) = post.wait(1)

    assert str(mail["Subject"]) == "KOR-PNR-TEST - I, Daily check, a-report, 2026-11-22 09:00:00"
    assert (
        text_of(mail)
        == """\
Daily check: All well

모두 정상
a  1 %

Where:   a-report, service KOR-PNR-TEST, check connection
When:    2026-11-22 09:00:00 (UTC 2026-11-22 00:00:00)
Status:  http://127.0.0.1:9477/
"""
    )
    assert text_of(mail, "html") == (MAILS / "report.html").read_text(encoding="utf-8")


def test_what_one_check_sees_on_one_host_is_one_mail(post: Post) -> None:
    now = datetime.now(UTC)
    post(
        alert("Disk usage", "W", begun=now, check="disk", instance="/"),
        alert("Filesystem not mounted", "E", begun=now, check="disk", instance="/srv"),
        alert("Zombie", "W", begun=now, check="daemon", instance="ruby"),
        alert("Zombie", "W", begun=now, check="daemon", instance="perl"),
    )

    mails = post.wait(2)

    assert subjects(mails) == [
        "KOR-PNR-TEST - E, disk (2), 2026-11-22 09:00:00",
        "KOR-PNR-TEST - W, Zombie (2), 2026-11-22 09:00:00",
    ]


def test_reports_of_one_name_are_a_mail_each_and_their_end_is_none(post: Post) -> None:
    post(
        alert("Daily check", "I", event_id="first", message="one"),
        alert("Daily check", "I", event_id="second", message="two"),
    )
    post.wait(2)
    post(
        alert("Daily check", "I", event_id="first", message="one", lasted=60),
        alert("Daily check", "I", event_id="second", message="two", lasted=60),
    )

    mails = post.wait(2)

    assert sorted(text_of(mail).splitlines()[0] for mail in mails) == [
        "Daily check: one",
        "Daily check: two",
    ]
