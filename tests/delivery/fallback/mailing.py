"""Mails of the fallback, and a real server for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.config.fallback.fallback import FallbackMail
from supervisor.config.secret import Secret
from supervisor.delivery.fallback import channels
from supervisor.delivery.fallback.message import Message
from supervisor.delivery.fallback.result import Result
from tests.support.mail_server import PASSWORD, USER, MailServer, own_address
from tests.support.ports import free_port

MESSAGE = Message(
    "디스크가 찼습니다 on kor1", "이 호스트, kor1\n.\nFrom here\n", "<p>이 호스트</p>"
)


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
