"""The `certificate` check on real TLS servers, a real mail server and real files."""

from __future__ import annotations

import os
import ssl
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from checks._http.certificates import of_chain, of_pem
from checks.certificate import Certificate, Params, run
from supervisor.api import Condition, Limit, Measurement
from supervisor.observations import Duration
from tests.checks.certificate_bench import (
    ca_file,
    ending,
    look,
    serve,
    silent,
    speak_tls,
    today,
    told,
)
from tests.support.ports import free_port

__all__ = ["ca_file"]  # a fixture


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (100, []),
        (29.5, [("Certificate expires", "W", "days, on ")]),
        (6.5, [("Certificate expires", "E", "ends in 6 days")]),
        (0.52, [("Certificate expires", "E", "ends in 12 hours")]),
        (-1, [("Certificate invalid", "E", "certificate has expired")]),
    ],
)
async def test_a_port_is_judged_by_the_days_that_are_left(
    nursery: trio.Nursery, ca_file: Path, days: float, expected: list[tuple[str, str, str]]
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(days)))
    seen = await look(host="127.0.0.1", port=port, ca_file=ca_file)

    assert [(name, kind) for name, kind, _ in told(seen)] == [each[:2] for each in expected]
    assert all(
        part in message for (*_, message), (*_, part) in zip(told(seen), expected, strict=True)
    )
    left = [item.value for item in seen if isinstance(item, Measurement)]
    assert left == ([] if days < 0 else [pytest.approx(days, abs=0.01)])


async def test_all_days_in_one_table_have_a_band(nursery: trio.Nursery, ca_file: Path) -> None:
    limit = Limit((("W", 30.0), ("E", 7.0)), clear=35.0)
    found = []
    for days in (36, 33, 29, 6):
        port = await nursery.start(serve, partial(speak_tls, ending(days)))
        seen = await look(host="127.0.0.1", port=port, ca_file=ca_file, min_days=limit)
        found.append(
            [(item.event_type, item.sustain) for item in seen if isinstance(item, Condition)]
        )

    assert found == [[], [("W", True)], [("W", False)], [("E", False)]]


def test_days_are_given_in_one_way() -> None:
    with pytest.raises(ValueError, match="min_days is of no use beside warn_days and error_days"):
        Certificate("x", host="h", warn_days=20.0, min_days=Limit.of(14.0))


async def test_authorities_are_read_once_for_all_who_trust_them(
    nursery: trio.Nursery, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(100)))
    read = []
    create = ssl.create_default_context

    def create_and_count(*args: Any, cafile: Any = None, **more: Any) -> ssl.SSLContext:
        if cafile:
            read.append(threading.current_thread() is threading.main_thread())
        return create(*args, cafile=cafile, **more)

    monkeypatch.setattr(ssl, "create_default_context", create_and_count)
    given: dict[str, Any] = {"host": "127.0.0.1", "port": port, "ca_file": ca_file}
    certificates = tuple(Certificate(name, **given) for name in ("a", "b", "c"))
    seen = told(list(await run(today(), Params(certificates))))

    assert seen == []
    assert read == [False]


async def test_a_silent_server_does_not_hide_others_when_the_modules_timeout_comes_first(
    nursery: trio.Nursery,
) -> None:
    port = await nursery.start(serve, silent)
    certificates = (
        Certificate("silent", host="127.0.0.1", port=port),
        Certificate("closed", host="127.0.0.1", port=1),
    )
    with trio.fail_after(1):
        seen = told(list(await run(today(), Params(certificates, Duration(60)))))

    assert [message for *_, message in seen] == [
        f"silent (127.0.0.1:{port}): no answer within 0.9 s",
        "closed (127.0.0.1:1): connection refused",
    ]


def test_a_real_mail_server_is_asked_for_tls(ca_file: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ending(5).configure_cert(server)
    port = free_port()
    controller = Controller(object(), hostname="127.0.0.1", port=port, tls_context=server)
    controller.start()
    try:
        ask = partial(look, host="127.0.0.1", port=port, ca_file=ca_file, starttls="smtp")
        seen = trio.run(ask)
    finally:
        controller.stop()

    assert [(name, kind) for name, kind, _ in told(seen)] == [("Certificate expires", "E")]


async def test_the_certificate_of_a_file_that_ends_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    for days in (100, 20):
        ending(days).cert_chain_pems[0].write_to_path(str(path), append=True)
    seen = await look(file=path)

    assert [(name, kind) for name, kind, _ in told(seen)] == [("Certificate expires", "W")]
    assert "ends in 20 days" in told(seen)[0][2]


async def test_a_file_that_holds_none_or_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no PEM", encoding="utf-8")
    broken = told(await look(file=tmp_path / "text"))
    missing = told(await look(file=tmp_path / "none"))

    assert broken[0][0] == "Certificate invalid"
    assert missing[0][0] == "Certificate not available"
    assert "no such file or directory" in missing[0][2]


async def test_a_file_that_is_a_pipe_or_huge_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 1 << 40)

    for name, wrong in (("pipe", "it is not a regular file"), ("huge", "it is larger than 4 MiB")):
        ((alertname, _, said),) = told(await look(file=tmp_path / name))
        assert (alertname, said) == (
            "Certificate not available",
            f"x ({tmp_path}/{name}): {wrong}",
        )


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the library's own words
        of_chain([text])
    with pytest.raises(ValueError):  # noqa: PT011  # the library's own words
        of_pem(text)


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="needs either host or file; write one of them"):
        Certificate("x")
    with pytest.raises(ValueError, match="0 is not a port"):
        Certificate("x", host="h", port=0)
    with pytest.raises(ValueError, match="starttls, ca_file: of no use beside file"):
        Certificate("x", file=Path("/x"), starttls="smtp", ca_file=Path("/y"))
    with pytest.raises(ValueError, match="is not a host"):
        Certificate("x", host="a b")
    with pytest.raises(ValueError, match="is empty"):
        Params(())
    with pytest.raises(ValueError, match="is 0 or less"):
        Params((Certificate("x", host="h"),), Duration(0))
    with pytest.raises(ValueError, match="has x more than once"):
        Params((Certificate("x", host="h"), Certificate("x", host="i")))
