"""Reports and conditions become their mails, whatever is killed on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from attrs import define

from tests.e2e.mailing import (
    LegacyAlertmanager,
    MailboxSink,
    ShippedAlertmanager,
    cluster,
    flushed,
    subjects,
    text_of,
)
from tests.e2e.servers import SupervisorProcess, wait_for

MAINTENANCE = ("--cluster.listen-address=", "--data.maintenance-interval=1s")


@define
class Host:
    """A supervised host, whose events are those that the test puts down for it."""

    supervisor: SupervisorProcess

    def configure(self, *urls: str) -> None:
        report, condition = self._file("report"), self._file("condition")
        self.supervisor.config.write_text(
            f"""
service = "KOR-TEST"
timezone = "Asia/Seoul"
resend_interval = "3s"
report_lifetime = "5m"
[labels]
host = "test-host"
[alertmanager]
urls = {json.dumps(urls)}
min_visible = "4s"
[[modules]]
check = "command"
name = "reports"
every = "1s"
[modules.params]
protocol = "eborder"
argv = ["sh", "-c", "mv {report} {report}.said 2>&- && cat {report}.said || echo '[]'"]
[[modules]]
check = "command"
name = "broken"
every = "1s"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "! cat {condition} 2>&-"]
""",
            encoding="utf-8",
        )

    def report(self, *messages: str, name: str = "Daily check") -> None:
        """Let the next run say a report for each message, and wait until it is in the ledger."""
        events = [
            {
                "ServiceName": "KOR-TEST",
                "EventType": "I",
                "EventName": name,
                "EventMessage": message,
                "EventTime": "2026-11-22 09:00:00",
            }
            for message in messages
        ]
        put_down = self._file("put-down")
        put_down.write_text(json.dumps(events), encoding="utf-8")
        put_down.rename(self._file("report"))
        wait_for(lambda: all(message in self.log() for message in messages), 15, "no report")

    def fail(self) -> None:
        """Let a condition be true, and wait until it fires."""
        self._file("condition").write_text("it is broken", encoding="utf-8")
        wait_for(lambda: "FIRING   E  broken" in self.log(), 15, "nothing fires", self.log)

    def mend(self) -> None:
        """Let the condition be over, and wait until it is."""
        self._file("condition").unlink()
        wait_for(lambda: "RESOLVED E  broken" in self.log(), 15, "nothing ends", self.log)

    def log(self) -> str:
        return self.supervisor.log

    def _file(self, name: str) -> Path:
        return self.supervisor.directory / name


@pytest.fixture
def host(supervisor: SupervisorProcess) -> Host:
    return Host(supervisor)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[MailboxSink]:
    sink = MailboxSink(tmp_path / "mails")
    sink.start()
    yield sink
    sink.kill()


@pytest.fixture
def server(tmp_path: Path, mailbox: MailboxSink) -> Iterator[ShippedAlertmanager]:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    server = ShippedAlertmanager(directory, f"127.0.0.1:{mailbox.port}", flags=MAINTENANCE)
    yield server
    server.stop()


def messages(mails: list[EmailMessage]) -> list[str]:
    return sorted(text_of(mail).splitlines()[0] for mail in mails)


def told(mailbox: MailboxSink) -> list[str]:
    return [text_of(mail, "html") for mail in mailbox.mails]


def wait_for_mails(mailbox: MailboxSink, count: int, log: Callable[[], str]) -> None:
    wait_for(lambda: len(mailbox.mails) >= count, 30, f"no {count} mails", log)


def test_a_report_is_one_mail_though_alertmanager_is_killed_before_and_after_it(
    host: Host, server: ShippedAlertmanager, mailbox: MailboxSink
) -> None:
    server.intervals = {"group_wait": "4s", "group_interval": "1s"}
    host.configure(server.url)
    server.start()
    host.supervisor.start()
    host.report("the report")
    wait_for(server.names, 15, "it is not posted")
    server.stop()
    before = mailbox.mails

    server.start()
    wait_for_mails(mailbox, 1, host.log)
    written = server.directory / "storage" / "nflog"
    wait_for(
        lambda: written.exists() and b"info-reports" in written.read_bytes(),
        15,
        "it is not on disk",
    )
    server.stop()
    server.start()
    wait_for(server.names, 30, "it is not posted again")
    flushed(server)

    assert before == []
    assert messages(mailbox.mails) == ["Daily check: the report"]


def test_a_report_is_one_mail_though_the_supervisor_is_killed_at_once(
    host: Host, server: ShippedAlertmanager, mailbox: MailboxSink
) -> None:
    host.configure(server.url)
    host.supervisor.start()
    host.report("the report")
    host.supervisor.kill()

    server.start()
    host.supervisor.start()
    wait_for_mails(mailbox, 1, host.log)
    host.supervisor.kill()
    host.supervisor.start()
    flushed(server)

    assert messages(mailbox.mails) == ["Daily check: the report"]


def test_a_report_is_one_mail_though_the_mail_server_is_killed(
    host: Host, server: ShippedAlertmanager, mailbox: MailboxSink
) -> None:
    host.configure(server.url)
    server.start()
    host.supervisor.start()
    mailbox.kill()
    host.report("the report")
    wait_for(
        lambda: server.metric("alertmanager_notification_requests_failed_total"), 30, "no attempt"
    )

    mailbox.start()
    wait_for_mails(mailbox, 1, host.log)
    mailbox.kill()
    mailbox.start()
    flushed(server)

    assert messages(mailbox.mails) == ["Daily check: the report"]


@pytest.fixture
def peers(tmp_path: Path, mailbox: MailboxSink) -> Iterator[list[ShippedAlertmanager]]:
    peers = cluster(tmp_path, f"127.0.0.1:{mailbox.port}", 3)
    for peer in peers:
        peer.start()
    yield peers
    for peer in peers:
        peer.stop()


def by_position(peers: list[ShippedAlertmanager]) -> list[ShippedAlertmanager]:
    """Wait until the peers know each other; return them in the order in which they mail."""
    wait_for(
        lambda: (
            sorted(peer.metric("alertmanager_peer_position") for peer in peers) == [0, 1, 2]
            and all(peer.metric("alertmanager_cluster_members") == 3 for peer in peers)
        ),
        30,
        "no cluster",
    )
    return sorted(peers, key=lambda peer: peer.metric("alertmanager_peer_position"))


def test_a_cluster_of_three_mails_each_event_once(
    host: Host, peers: list[ShippedAlertmanager], mailbox: MailboxSink
) -> None:
    by_position(peers)
    host.configure(*(peer.url for peer in peers))
    host.supervisor.start()
    host.report("the report")
    host.fail()

    wait_for_mails(mailbox, 2, host.log)
    for peer in peers:
        flushed(peer)

    assert messages(mailbox.mails) == ["Daily check: the report", "FIRING (1)"]


def test_a_cluster_mails_though_the_peer_whose_turn_it_is_is_killed(
    host: Host, peers: list[ShippedAlertmanager], mailbox: MailboxSink
) -> None:
    first, *others = by_position(peers)
    host.configure(*(peer.url for peer in peers))
    host.supervisor.start()
    host.report("the report")
    wait_for(lambda: all(peer.names() for peer in others), 15, "it is not posted")
    first.stop()

    wait_for_mails(mailbox, 1, host.log)
    for peer in others:
        flushed(peer)

    # The second may be that of the killed peer, or of two that changed places meanwhile.
    assert messages(mailbox.mails)[:2] in (
        ["Daily check: the report"],
        ["Daily check: the report"] * 2,
    )
    assert len(mailbox.mails) <= 2


def test_the_legacy_configuration_mails_what_this_supervisor_sends(
    host: Host, tmp_path: Path, mailbox: MailboxSink
) -> None:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    server = LegacyAlertmanager(directory, f"127.0.0.1:{mailbox.port}")
    server.start()
    try:
        host.configure(server.url)
        host.supervisor.start()
        host.fail()
        host.report("alone", name="Single")
        host.report("at once", "with it", name="Overlapping")
        wait_for_mails(mailbox, 3, host.log)
        host.report("soon after", name="Overlapping")
        wait_for(lambda: any("soon after" in text for text in told(mailbox)), 30, "no mail")
        host.supervisor.stop()
    finally:
        server.stop()

    single = [subject for subject in subjects(mailbox.mails) if "Overlapping" not in subject]
    assert [subject.split(", ")[:2] for subject in single] == [
        ["KOR-TEST - E", "broken"],
        ["KOR-TEST - I", "Single"],
    ]
    for message in ("at once", "with it", "soon after"):
        assert any(message in text for text in told(mailbox)), message
