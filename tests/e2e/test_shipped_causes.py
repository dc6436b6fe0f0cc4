"""What the shipped Alertmanager configuration holds back because of its cause; its heartbeat."""

from __future__ import annotations

from functools import partial

from tests.e2e.mailing import alert, subjects, text_of
from tests.e2e.servers import wait_for
from tests.e2e.shipped_mails import Post, post, server, sink, webhook
from tests.e2e.webhook import Webhook

__all__ = ["post", "server", "sink", "webhook"]  # fixtures


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
