"""One real Alertmanager with the shipped configuration, and the mails of each host.

It serves all tests of a file. Each has a host of its own, so a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from attrs import define

from tests.e2e.mailing import ShippedAlertmanager, alert, subjects, text_of
from tests.e2e.servers import SmtpSink, wait_for
from tests.e2e.webhook import Webhook


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
