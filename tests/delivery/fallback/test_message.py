"""What the fallback says."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload
from supervisor.config.fallback.fallback import Fallback
from supervisor.config.service import Service
from supervisor.delivery.fallback import message
from supervisor.delivery.peer import PeerStatus

SEOUL = ZoneInfo("Asia/Seoul")
SERVICE = Service(Path("X.toml"), "KOR", SEOUL, labels={"host": "kor1"}, fallback=Fallback())
AT = 1_700_000_000.0


def alert(name: str, event_type: str = "E", text: str = "it is full", at: float = AT) -> Alert:
    return Alert(
        fingerprint=name,
        module="disk",
        alertname=name,
        event_type=event_type,
        instance="/",
        state=State.FIRING,
        starts_at=at,
        ends_at=None,
        payload=Payload.of({"alertname": name}, {"message": text}),
    )


def digest_of(*alerts: Alert) -> message.Message:
    peers = [
        PeerStatus("http://one:9093", "retrying", error="connection refused", last_success=AT - 9),
        PeerStatus("http://two:9093", "misconfigured", error="HTTP 401"),
    ]
    return message.digest(SERVICE, alerts, peers, since=AT, now=AT + 720)


def test_a_digest_says_what_waits_since_when_and_why() -> None:
    found = digest_of(alert("Disk usage", text="/ is 97 % full"))

    assert found.subject == (
        "KOR on kor1: 1 alert not told, no Alertmanager has answered for 12 min"
    )
    assert (
        found.text
        == """\
This host, kor1, cannot tell its alerts: no Alertmanager has taken any for 12 min.

About:
- service
    KOR
- host
    kor1
- since
    2023-11-15 07:13:20 KST

1 alert not told:
- E Disk usage /
    since 2023-11-15 07:13:20 KST: / is 97 % full

The Alertmanagers:
- http://one:9093
    connection refused; it took something last at 2023-11-15 07:13:11 KST
- http://two:9093
    HTTP 401

All alerts are kept. An Alertmanager gets them as soon as it answers. \
Until then, this host sends such a message at most once in 1h.
"""
    )


def test_the_worst_and_the_oldest_come_first_and_the_rest_is_counted() -> None:
    many = [alert(f"E{number}", at=AT - number) for number in range(60)]
    found = digest_of(alert("W", "W", at=AT - 1000), *many)

    names = [line for line in found.text.splitlines() if line.startswith("- E E")]
    assert names[:2] == ["- E E59 /", "- E E58 /"]
    assert len(names) == message.MAX_ALERTS
    assert "- and 11 more alerts" in found.text
    assert "61 alerts not told" in found.subject


def test_text_of_alerts_is_shown_as_it_is_in_html() -> None:
    found = digest_of(alert("<b>디스크</b>", text="<script>1</script>\n둘째\x00\u202e"))

    assert "&lt;b&gt;디스크&lt;/b&gt;" in found.html
    assert "<script>" not in found.html
    assert "<script>1</script> 둘째\N{REPLACEMENT CHARACTER}" in found.text
    assert "\u202e" not in found.text + found.html


def test_a_long_message_is_cut() -> None:
    found = digest_of(alert("A", text="x" * 5000))

    assert max(map(len, found.text.splitlines())) < 500


def test_the_test_says_that_nothing_is_wrong() -> None:
    found = message.test(SERVICE, AT)

    assert found.subject == "Test of the fallback of KOR on kor1"
    assert "nothing is wrong" in found.text
