"""TLS, as the `talk` check judges it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.checks.talk_bench import PING, answering, at, failure, failures, look, saying, serving

CA = trustme.CA()


def certified(host: str = "127.0.0.1") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(host).configure_cert(made)
    return made


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def test_whom_tls_trusts_is_told_as_for_certificates(ca_file: Path) -> None:
    settings: list[dict[str, Any]] = [
        {"ca_file": ca_file},
        {"verify": False},
        {},
        {"ca_file": ca_file, "server_name": "other.invalid"},
        {"ca_file": Path("/nonexistent")},
    ]
    async with serving(answering(b"+PONG\r\n"), certified()) as port:
        servers = [
            at(port, name=str(n), transport="tls", **PING, **each)
            for n, each in enumerate(settings)
        ]
        seen = {item.instance: item.message for item in failures(await look(*servers))}

    assert seen.keys() == {"2", "3", "4"}
    assert "its certificate is not trusted: " in seen["2"]
    assert "Hostname mismatch" in seen["3"]
    assert "cannot load /nonexistent: " in seen["4"]


async def test_a_server_that_does_not_speak_tls_is_said(ca_file: Path) -> None:
    settings = {"transport": "tls", "ca_file": ca_file, **PING}
    why, _ = await failure(saying(b"220 mail.example.invalid\r\n"), **settings)
    silence, _ = await failure(saying(), **settings)

    assert why.startswith("TLS failed: ")
    assert silence == "no connection within 0.5 s"
