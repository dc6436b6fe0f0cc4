"""Mail servers that are too slow, hang, drip, or never answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import trio

from supervisor.delivery.fallback import channels, smtp
from supervisor.delivery.fallback.result import Fate, Result
from tests.delivery.fallback.mailing import MESSAGE, password, plain, send, settings
from tests.support.mail_server import MailServer

__all__ = ["password", "plain"]  # fixtures

pytestmark = pytest.mark.may_block("the mail server runs in another thread of this process")


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
