"""Mails to a real server: TLS, login, and what it answers."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload
from supervisor.config.service import Service
from supervisor.delivery.fallback import smtp
from supervisor.delivery.fallback.message import Message, digest
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.delivery.peer import PeerStatus
from tests.delivery.fallback.mailing import MESSAGE, password, plain, send, server, settings
from tests.support.mail_server import PASSWORD, USER, MailServer, own_address
from tests.support.ports import free_port

__all__ = ["password", "plain", "server"]  # fixtures

pytestmark = pytest.mark.may_block("the mail server runs in another thread of this process")

HEADERS = {
    "auto-submitted",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
}


def digest_of(text: str) -> Message:
    """Return a digest of a service and of an alert with this text."""
    service = Service(Path("X.toml"), text, ZoneInfo("Asia/Seoul"), labels={"host": text})
    labels = {"alertname": text, "instance": text}
    alert = Alert(
        fingerprint="f",
        module="m",
        alertname=text,
        event_type="E",
        instance=text,
        state=State.FIRING,
        starts_at=0.0,
        ends_at=None,
        payload=Payload.of(labels, {"message": text}),
    )
    return digest(service, [alert], [PeerStatus("http://a:1", error=text)], since=0.0, now=60.0)


async def test_a_mail_arrives_with_tls_and_login(server: MailServer) -> None:
    result = await send(settings(server))

    assert result == Result(Fate.SENT)
    (found,) = server.mails
    assert found.is_secret
    assert found.user == USER
    assert str(found.mail["Subject"]) == MESSAGE.subject
    assert found.text() == MESSAGE.text
    assert found.text("html").strip() == MESSAGE.html
    assert found.identity == "<digest.1.abc@example.invalid>"
    assert found.mail["To"] == "oncall@example.invalid, boss@example.invalid"
    assert found.mail["Auto-Submitted"] == "auto-generated"
    assert found.raw.isascii()
    assert b"=?utf-8?" in found.raw.partition(b"\n\n")[0] + found.raw[:600]


async def test_a_mail_to_loopback_needs_neither_tls_nor_login(plain: MailServer) -> None:
    mail = settings(plain, username="", password=None, ca_file=None)

    assert await send(mail) == Result(Fate.SENT)
    assert len(plain.mails) == 1


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: thief@example.invalid", "a\nb", "x" * 5000, "\u2028Bcc: a", "=?utf-8?q?a?=\r\n b"],
)
async def test_no_text_can_add_a_header(subject: str, plain: MailServer) -> None:
    result = await send(settings(plain, username="", password=None), digest_of(subject))

    assert result == Result(Fate.SENT)
    (found,) = plain.mails
    names = [name.lower() for name in found.mail.keys()]  # noqa: SIM118 - there may be two of one
    assert len(names) == len(set(names))
    assert set(names) <= HEADERS


async def test_a_wrong_password_is_final_and_is_not_shown(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")

    result = await send(settings(server))

    assert result.fate is Fate.REFUSED
    assert "535" in result.why
    assert "hunter2" not in result.why
    assert server.mails == []


async def test_a_secret_that_cannot_be_read_is_named(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMTP_PASSWORD")

    result = await send(settings(server))

    assert result.fate is Fate.LATER
    assert "SMTP_PASSWORD is not set" in result.why


async def test_a_certificate_that_is_not_trusted_gets_no_password(server: MailServer) -> None:
    result = await send(settings(server, ca_file=None))

    assert result.fate is Fate.LATER
    assert "not trusted" in result.why
    assert server.logins == []


async def test_without_starttls_nothing_is_sent(tmp_path: Path) -> None:
    bare = MailServer(own_address(587), 587, tmp_path, with_tls=False)
    with bare.running():
        result = await send(settings(bare))

    assert result.fate is Fate.REFUSED
    assert "STARTTLS" in result.why
    assert (bare.logins, bare.mails) == ([], [])


@pytest.mark.parametrize(
    ("answer", "fate"), [("451 try later", Fate.LATER), ("554 no", Fate.REFUSED)]
)
async def test_the_answer_to_the_mail_decides(answer: str, fate: Fate, server: MailServer) -> None:
    server.data = lambda _content: answer

    assert await send(settings(server)) == Result(fate, answer)


@pytest.mark.parametrize(
    ("answer", "fate"), [("450 greylisted", Fate.LATER), ("550 unknown", Fate.REFUSED)]
)
async def test_the_answer_to_all_recipients_decides(
    answer: str, fate: Fate, plain: MailServer
) -> None:
    plain.rcpt = lambda _address: answer
    mail = settings(plain, username="", password=None)

    result = await send(mail)

    assert result.fate is fate
    assert result.why == (f"oncall@example.invalid: {answer}, boss@example.invalid: {answer}")


async def test_who_does_not_get_it_is_named(plain: MailServer) -> None:
    plain.rcpt = lambda address: "550 unknown" if address.startswith("boss") else "250 OK"

    result = await send(settings(plain, username="", password=None))

    assert result == Result(Fate.SENT, "does not reach boss@example.invalid: 550 unknown")
    assert len(plain.mails) == 1


async def test_a_port_at_which_nothing_listens_is_tried_again(plain: MailServer) -> None:
    mail = settings(plain, server=f"127.0.0.1:{free_port()}")

    assert await send(mail) == Result(Fate.LATER, "connection refused")


async def test_a_login_alone_sends_nothing(server: MailServer) -> None:
    await trio.to_thread.run_sync(smtp.log_in, settings(server))

    assert server.logins == [(USER, PASSWORD)]
    assert server.mails == []


def test_a_password_that_is_not_ascii_is_refused_in_plain_words() -> None:
    error = UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range")

    assert smtp.is_refusal(error)
    assert "ASCII" in smtp.in_plain_words(error)
