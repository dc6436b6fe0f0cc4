"""The way to a database: each address of its name is tried, and TLS is as in the other checks."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from typing import Any

import pymysql
import pytest
import trio

from checks._database import mysql, query
from checks._database.server import Database
from supervisor.api import CheckFailed
from tests.support.addresses import black_hole, resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file


async def test_an_address_that_is_silent_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with black_hole("127.0.14.31", port):
            resolve_to(monkeypatch, "127.0.14.31", "127.0.0.1")
            database = Database(host="db.example.invalid", port=port, user="me")
            with trio.fail_after(2):
                sock = await query._dial(database)
            with sock:
                reached = sock.getpeername()

    assert reached == ("127.0.0.1", port)


async def test_each_address_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole("127.0.14.32") as hole:
        port = hole.getsockname()[1]
        resolve_to(monkeypatch, "127.0.14.32", "127.0.0.1")
        database = Database(host="db.example.invalid", port=port, user="me")
        with trio.fail_after(2), pytest.raises(CheckFailed, match=r": no answer, Connection ref"):
            await query._dial(database)


def test_authorities_against_rfc_5280_are_refused_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    be_python_3_13(monkeypatch)
    ca_file = pem_file(tmp_path, issue("ours", authority=True, critical=False))
    lax, strict = (
        mysql._tls(Database(user="me", tls=True, ca_file=ca_file, strict=each))
        for each in (False, True)
    )

    assert not lax.verify_flags & ssl.VERIFY_X509_STRICT
    assert strict.verify_flags & ssl.VERIFY_X509_STRICT
    assert lax.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(ValueError, match="is given without tls; add tls = true"):
        Database(user="me", strict=True)


@pytest.mark.parametrize("is_named", [True, False])
def test_other_authorities_under_the_same_name_are_trusted_at_the_next_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_named: bool
) -> None:
    def trusted() -> set[str]:
        context = mysql._tls(Database(user="me", tls=True, ca_file=file if is_named else None))
        assert mysql._tls(database := Database(user="me", tls=True)) is mysql._tls(database)
        return {str(each["subject"]) for each in context.get_ca_certs()}

    file = pem_file(tmp_path, issue("old", authority=True))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    old, age = trusted(), file.stat()
    content = issue("new", authority=True).pem
    file.write_bytes(content)
    os.utime(file, ns=(age.st_atime_ns, age.st_mtime_ns))  # as `cp --preserve` leaves it
    new = trusted()

    assert "('commonName', 'old')" in str(old)
    assert "('commonName', 'new')" in str(new)
    assert "('commonName', 'old')" not in str(new)


def test_tls_wants_the_name_without_a_final_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    class Connection:
        def __init__(self, **settings: Any) -> None:
            given.append(settings["host"])

        def connect(self, _: socket.socket) -> None: ...

    monkeypatch.setattr(pymysql, "Connection", Connection)
    with socket.socket() as sock:
        for host in ("db.test.", "fe80::1%eth0", "127.0.0.1"):
            mysql.log_in(Database(host=host, user="me"), sock)

    assert given == ["db.test", "fe80::1", "127.0.0.1"]
