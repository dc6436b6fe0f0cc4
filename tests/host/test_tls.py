"""Whom a TLS context trusts, and what a server is called in TLS."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from supervisor.host.tls import server_name, tls_context, url_to_dial, without_zone
from tests.support.certificates import Issued, be_python_3_13, issue, pem_file, server


@pytest.fixture(params=["Python 3.11", "Python 3.13"])
def _any_python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python 3.13":
        be_python_3_13(monkeypatch)


def fault(client: ssl.SSLContext, other: ssl.SSLContext, name: str = "am.test") -> str:
    """Return what is wrong after a handshake in memory; empty when it has been made."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(down, up, server_hostname=name),
        other.wrap_bio(up, down, server_side=True),
    )
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                return getattr(error, "verify_message", str(error))
    return ""


def signed_by(authority: Issued, directory: Path, *others: Issued) -> ssl.SSLContext:
    return server(issue("am", authority, hosts=["am.test"]), *others, directory=directory)


@pytest.mark.usefixtures("_any_python")
def test_an_authority_against_rfc_5280_is_trusted_unless_that_is_asked_for(tmp_path: Path) -> None:
    lax = issue("ours", authority=True, critical=False)
    sound = issue("sound", authority=True)
    at_lax, at_sound = (signed_by(each, tmp_path) for each in (lax, sound))

    assert fault(tls_context(pem_file(tmp_path, lax)), at_lax) == ""
    assert fault(tls_context(pem_file(tmp_path, lax), strict=True), at_lax) != ""
    assert fault(tls_context(pem_file(tmp_path, sound), strict=True), at_sound) == ""


@pytest.mark.usefixtures("_any_python")
def test_an_intermediate_authority_is_trusted_by_itself(tmp_path: Path) -> None:
    between = issue("between", issue("root", authority=True), authority=True)

    assert fault(tls_context(pem_file(tmp_path, between)), signed_by(between, tmp_path)) == ""


@pytest.mark.usefixtures("_any_python")
def test_a_strange_authority_and_another_name_are_refused(tmp_path: Path) -> None:
    ours, strange = (issue(name, authority=True) for name in ("ours", "strange"))
    file, other = pem_file(tmp_path, ours), signed_by(strange, tmp_path)

    assert "issuer certificate" in fault(tls_context(file), other)
    assert "Hostname mismatch" in fault(tls_context(file), signed_by(ours, tmp_path), "other.test")
    assert fault(tls_context(file, verify=False), other, "other.test") == ""


def test_authorities_that_cannot_be_read_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 1 << 40)

    for path, wrong in (
        (tmp_path / "pipe", "it is not a regular file"),
        (Path("/dev/zero"), "it is not a regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "absent", "No such file"),
        (tmp_path / "huge", "it is larger than 16 MiB"),
        (Path(__file__), "NO_CERTIFICATE_OR_CRL_FOUND|no certificate"),
    ):
        with pytest.raises(OSError, match=wrong):
            tls_context(path)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("am.test", "am.test"),
        ("am.test.", "am.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
        (".", "."),
    ],
)
def test_no_certificate_has_a_final_dot_or_a_zone(host: str, name: str) -> None:
    assert server_name(host) == name


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("https://[fe80::1%25eth0]:9093/x%25y", "https://[fe80::1%eth0]:9093/x%25y"),
        ("https://[fe80::1%eth0]/", "https://[fe80::1%eth0]/"),
        ("http://[::1]:80/%25", "http://[::1]:80/%25"),
        ("http://h/[::1%25x]", "http://h/[::1%25x]"),
    ],
)
def test_a_zone_is_written_for_the_resolver(url: str, dialled: str) -> None:
    assert url_to_dial(url) == dialled


def test_another_host_is_not_told_our_zone() -> None:
    assert without_zone("[fe80::1%eth0]:9093") == "[fe80::1]:9093"
    assert without_zone("am.test:80") == "am.test:80"
