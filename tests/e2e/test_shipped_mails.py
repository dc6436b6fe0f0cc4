"""The mails of the shipped Alertmanager configuration: who gets which, how many, and their words.

One real Alertmanager serves all tests here; each has a host of its own, so a group of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from attrs import define

from tests.e2e.mailing import EXTERNAL_URL, START, ShippedAlertmanager, alert, subjects, text_of
from tests.e2e.servers import SmtpSink, wait_for
from tests.e2e.webhook import Webhook

MAILS = Path(__file__).with_name("mails")


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook.running() as hook:
        yield hook


@pytest.fixture(scope="module")
def sink() -> Iterator[SmtpSink]:
    with SmtpSink().running() as sink:
        yield sink


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, sink: SmtpSink, webhook: Webhook
) -> Iterator[ShippedAlertmanager]:
    directory = tmp_path_factory.mktemp("alertmanager")
    server = ShippedAlertmanager(directory, f"127.0.0.1:{sink.port}", heartbeat_url=webhook.url)
    server.start()
    yield server
    server.stop()


@define
class Post:
    """What one host sends, and the mails that come of it."""

    server: ShippedAlertmanager
    sink: SmtpSink
    host: str

    def __call__(self, *alerts: dict[str, object]) -> None:
        for each in alerts:
            labels = each["labels"]
            assert isinstance(labels, dict)
            labels["host"] = self.host
        self.server.post(*alerts)

    def mails(self, *, beginning: str = "") -> list[EmailMessage]:
        found = [mail for mail in self.sink.mails if f"   {self.host}, service" in text_of(mail)]
        return [mail for mail in found if str(mail["Subject"]).startswith(beginning)]

    def wait(self, count: int) -> list[EmailMessage]:
        """Wait for the mails, and then as long as any more would take; return them."""
        wait_for(lambda: len(self.mails()) >= count, 15, f"no {count} mails", self._log)
        self.pass_a_flush()
        mails = self.mails()
        assert len(mails) == count, subjects(mails)
        return mails

    def pass_a_flush(self) -> None:
        """Wait for the mail of an alert that begins now: whatever was due before has gone out."""
        before = len(self.sink.mails)
        mark = f"mark-{before}"
        begun = datetime.now(UTC)
        self.server.post(alert(mark, begun=begun, host=f"{self.host}-{mark}"))
        wait_for(lambda: any(mark in subject for subject in self.sink.subjects()), 15, "no mark")

    def _log(self) -> str:
        return (self.server.directory / "alertmanager.log").read_text(encoding="utf-8")


@pytest.fixture
def post(server: ShippedAlertmanager, sink: SmtpSink, request: pytest.FixtureRequest) -> Post:
    return Post(server, sink, str(request.node.name).removeprefix("test_").replace("_", "-"))


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


def test_what_a_missing_route_causes_is_told_when_the_route_is_back(post: Post) -> None:
    route = partial(alert, "Route missing", check="routing_table", instance="0.0.0.0/0")
    post(route())
    post.wait(1)
    post(
        alert("Connection failed", instance="USTD-DEV1"),
        alert("Zombie", "W", check="daemon", instance="ruby"),
        alert("Connection failed", "E", event_id="report"),
    )
    during = subjects(post.wait(3))

    post(route(lasted=60))
    mails = post.wait(5)

    time = "2026-11-22 09:00:00"
    assert during == [
        f"KOR-PNR-TEST - E, Connection failed, {post.host}, {time}",  # the report
        f"KOR-PNR-TEST - E, Route missing, {post.host}: 0.0.0.0/0, {time}",
        f"KOR-PNR-TEST - W, Zombie, {post.host}: ruby, {time}",
    ]
    assert subjects(mails[3:]) == [
        f"KOR-PNR-TEST - E, Connection failed, {post.host}: USTD-DEV1, {time}",
        f"[RESOLVED] KOR-PNR-TEST - E, Route missing, {post.host}: 0.0.0.0/0, {time}",
    ]
    assert [text_of(mail).splitlines()[2] for mail in mails[3:]].count(
        "E  Connection failed: USTD-DEV1"
    ) == 1


def test_what_fired_on_a_host_that_is_down_is_not_called_resolved(post: Post) -> None:
    post(alert("Disk usage", "W", check="disk", instance="/"))
    post.wait(1)
    post(alert("Host down", check="ping"))
    post.wait(2)
    post(
        alert("Disk usage", "W", check="disk", instance="/", lasted=240),
        alert("Daily check", "I", event_id="its last word"),
    )

    mails = post.wait(3)

    time = "2026-11-22 09:00:00"
    assert subjects(mails) == [
        f"KOR-PNR-TEST - E, Host down, {post.host}, {time}",
        f"KOR-PNR-TEST - I, Daily check, {post.host}, {time}",
        f"KOR-PNR-TEST - W, Disk usage, {post.host}: /, {time}",
    ]


def test_a_network_that_is_down_holds_back_its_own_site_alone(post: Post) -> None:
    post(
        alert("Network down", check="ping", site="seoul"),
        alert("Network down", check="ping-from-no-site"),
    )
    post.wait(2)
    post(
        alert("Connection failed", check="near", site="seoul"),
        alert("Connection failed", check="far", site="busan"),
        alert("Connection failed", check="anywhere"),
    )

    mails = post.wait(4)

    checks = [text_of(mail).partition(", check ")[2].split()[0] for mail in mails[2:]]
    assert sorted(checks) == ["anywhere", "far"]


def test_a_heartbeat_calls_the_dead_mans_switch_and_mails_nobody(
    post: Post, webhook: Webhook
) -> None:
    post(alert("Heartbeat", "I", check="supervisor"))

    wait_for(lambda: len(webhook.received) >= 2, 15, "the switch is not called again")

    post.pass_a_flush()
    assert post.mails() == []
    assert all(b'"alertname":"Heartbeat"' in body for _, body in webhook.received)
