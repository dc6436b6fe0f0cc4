"""Mails to a real server: TLS, login, what it answers, and servers that behave badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload
from supervisor.config.fallback.fallback import FallbackMail
from supervisor.config.secret import Secret
from supervisor.config.service import Service
from supervisor.delivery.fallback import channels, smtp
from supervisor.delivery.fallback.message import Message, digest
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.delivery.peer import PeerStatus
from tests.support.mail_server import PASSWORD, USER, MailServer, own_address
from tests.support.ports import free_port

MESSAGE = Message(
    "디스크가 찼습니다 on kor1", "이 호스트, kor1\n.\nFrom here\n", "<p>이 호스트</p>"
)


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

pytestmark = pytest.mark.may_block("the mail server runs in another thread of this process")


def settings(of: MailServer, /, **changes: object) -> FallbackMail:
    values: dict[str, object] = {
        "server": of.address,
        "from_": "monitor@example.invalid",
        "to": ("oncall@example.invalid", "boss@example.invalid"),
        "username": USER,
        "password": Secret("env", "SMTP_PASSWORD"),
        "ca_file": of.ca_file,
    }
    return FallbackMail(**{**values, **changes})  # type: ignore[arg-type]  # the tests' own


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


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)


@pytest.fixture(params=[465, 587])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(own_address(request.param), request.param, tmp_path).running() as found:
        yield found


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer("127.0.0.1", free_port(), tmp_path).running() as found:
        yield found


async def send(mail: FallbackMail, message: Message = MESSAGE) -> Result:
    return await channels.send_mail(mail, message, "digest.1.abc")


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


@contextmanager
def bad_server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield the address of a server that treats its one client so."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            with closing(listener.accept()[0]) as client:
                try:
                    behave(client)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


OVER = threading.Event()


def hang(_client: socket.socket) -> None:
    OVER.wait(20)


def drip(client: socket.socket) -> None:
    while not OVER.wait(0.05):
        client.sendall(b"2")


def talk(client: socket.socket, *, then: Callable[[socket.socket], None]) -> None:
    """Take a whole mail, and then do something instead of the answer to it."""
    client.sendall(b"220 hello\r\n")
    file = client.makefile("rb")
    while line := file.readline():
        if line.lower().startswith(b"data"):
            client.sendall(b"354 go on\r\n")
            while file.readline() not in (b".\r\n", b""):
                pass
            then(client)
            return
        client.sendall(b"250 OK\r\n")


@pytest.mark.parametrize("behave", [hang, drip], ids=["hangs", "drips"])
async def test_a_server_that_is_too_slow_is_given_up(
    behave: Callable[[socket.socket], None], plain: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAIL_TIMEOUT", 0.3)
    OVER.clear()
    try:
        with bad_server(behave) as address, trio.fail_after(10):
            mail = settings(plain, server=address, username="", password=None)
            assert await send(mail) == Result(Fate.LATER, "the mail server is too slow")
            again = await send(mail)
            assert again.fate is Fate.LATER
            assert "still hangs" in again.why
    finally:
        OVER.set()


@pytest.mark.parametrize("then", [hang, socket.socket.close], ids=["hangs", "hangs up"])
async def test_it_is_not_known_whether_a_mail_without_an_answer_was_taken(
    then: Callable[[socket.socket], None], plain: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAIL_TIMEOUT", 1.0)
    OVER.clear()
    try:
        with bad_server(lambda client: talk(client, then=then)) as address, trio.fail_after(10):
            mail = settings(plain, server=address, username="", password=None)
            result = await send(mail)
    finally:
        OVER.set()

    assert result.fate is Fate.UNKNOWN


async def test_a_mail_that_was_given_up_is_not_sent_later(plain: MailServer) -> None:
    mail = settings(plain, username="", password=None)
    sending = smtp.Sending(mail, smtp.content_of(mail, MESSAGE, "a"))
    given_up = sending.give_up()
    await trio.to_thread.run_sync(sending.send)

    assert given_up.fate is Fate.LATER
    assert plain.mails == []


async def test_a_login_alone_sends_nothing(server: MailServer) -> None:
    await trio.to_thread.run_sync(smtp.log_in, settings(server))

    assert server.logins == [(USER, PASSWORD)]
    assert server.mails == []


def test_a_password_that_is_not_ascii_is_refused_in_plain_words() -> None:
    error = UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range")

    assert smtp.is_refusal(error)
    assert "ASCII" in smtp.in_plain_words(error)
