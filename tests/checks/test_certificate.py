"""The `certificate` check on real TLS servers, a real mail server and real files."""

from __future__ import annotations

import os
import re
import ssl
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from aiosmtpd.controller import Controller
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks._http import tls as tls_contexts
from checks._http.certificates import of_chain, of_pem
from checks.certificate import Certificate, Params, run
from supervisor.api import Condition, Context, Limit, Measurement, Observation, tls_context
from supervisor.observations import Duration
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
from tests.support.check_context import context
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.ports import free_port

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CA = trustme.CA()


def ending(days: float) -> trustme.LeafCert:
    """Return a certificate for 127.0.0.1 that ends in that many days."""
    return CA.issue_cert("127.0.0.1", "localhost", not_after=datetime.now(UTC) + timedelta(days))


def today() -> Context:
    return evolve(context(), clock=lambda: datetime.now(UTC).timestamp())


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def serve(
    handler: Callable[[trio.SocketStream], Awaitable[None]],
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    task_status.started(port)
    await trio.serve_listeners(handler, [listener])


async def speak_tls(leaf: trustme.LeafCert, plain: trio.SocketStream) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(tls)
    await speak(tls, plain)


async def speak(tls: ssl.SSLContext, plain: trio.SocketStream, *, starttls: bool = False) -> None:
    if starttls:
        for reply in (b"220 hello\r\n", b"250 fine\r\n", b"220 go on\r\n"):
            await plain.send_all(reply)
            if not reply.endswith(b"on\r\n"):
                await plain.receive_some(1000)
    try:
        await trio.SSLStream(plain, tls, server_side=True).do_handshake()
        await plain.receive_some(1)
    except trio.BrokenResourceError:
        pass  # the client does not trust the server


async def look(within: float = 5.0, **given: Any) -> list[Observation]:
    params = Params((Certificate("x", **given),), Duration(within))
    return list(await run(today(), params))


def told(seen: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


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


async def test_what_is_not_trusted_is_invalid_unless_that_is_allowed(
    nursery: trio.Nursery, ca_file: Path
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(100)))
    unknown = await look(host="127.0.0.1", port=port)
    other_name = await look(host="127.0.0.1", port=port, ca_file=ca_file, server_name="x.invalid")
    allowed = await look(host="127.0.0.1", port=port, verify=False)
    soon = await look(host="127.0.0.1", port=port, verify=False, warn_days=200)

    assert [name for name, *_ in told(unknown)] == ["Certificate invalid"]
    assert "is not trusted: " in told(unknown)[0][2]
    assert "Hostname mismatch" in told(other_name)[0][2]
    assert told(allowed) == []
    assert [name for name, *_ in told(soon)] == ["Certificate expires"]


async def silent(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)


async def drip(stream: trio.SocketStream) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.05)


async def no_tls(stream: trio.SocketStream) -> None:
    await stream.send_all(b"220 hello, I speak no TLS\r\n")
    await stream.receive_some(1000)


@pytest.mark.parametrize(
    ("handler", "starttls", "alertname", "said"),
    [
        (silent, "", "Certificate not available", "no answer within 0.5 s"),
        (silent, "smtp", "Certificate not available", "no answer within 0.5 s"),
        (drip, "", "Certificate not available", "no answer within 0.5 s"),
        (hang_up, "", "Certificate not available", "closed during the handshake"),
        (hang_up, "smtp", "Certificate not available", "no answer within 0.5 s"),
        (no_tls, "", "Certificate invalid", "TLS failed: "),
        (no_tls, "smtp", "Certificate not available", "closed the connection before TLS"),
    ],
)
async def test_a_server_that_does_not_come_to_tls_is_named_in_time(
    nursery: trio.Nursery, handler: Any, starttls: Any, alertname: str, said: str
) -> None:
    port = await nursery.start(serve, handler)
    ((name, kind, message),) = told(await look(0.5, host="127.0.0.1", port=port, starttls=starttls))

    assert (name, kind) == (alertname, "E")
    assert said in message


async def test_a_closed_port_is_named() -> None:
    ((name, _, message),) = told(await look(host="127.0.0.1", port=1))

    assert name == "Certificate not available"
    assert message == "x (127.0.0.1:1): connection refused"


async def test_a_host_that_is_not_a_name_is_named() -> None:
    ((name, _, message),) = told(await look(host="a..b"))

    assert name == "Certificate not available"
    assert message == "x (a..b:443): it is not a host name"


async def test_authorities_that_cannot_be_read_do_not_hide_other_certificates(
    nursery: trio.Nursery, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(5)))
    hanging_call = Hanging(ssl.create_default_context())

    def on_a_dead_mount(path: Path | None, **settings: bool) -> ssl.SSLContext:
        if path == tmp_path / "dead":
            context: ssl.SSLContext = hanging_call()
            return context
        return tls_context(path, **settings)

    monkeypatch.setattr(tls_contexts, "tls_context", on_a_dead_mount)
    os.mkfifo(tmp_path / "pipe")
    certificates = (
        Certificate("missing", host="127.0.0.1", port=port, ca_file=tmp_path / "none"),
        Certificate("pipe", host="127.0.0.1", port=port, ca_file=tmp_path / "pipe"),
        Certificate("hanging", host="127.0.0.1", port=port, ca_file=tmp_path / "dead"),
        Certificate("good", host="127.0.0.1", port=port, ca_file=ca_file),
    )
    with trio.fail_after(4):
        seen = told(list(await run(today(), Params(certificates, Duration(1)))))
    hanging_call.released.set()
    await until_no_thread_hangs()
    missing, pipe, hanging, good = seen

    assert missing[0] == pipe[0] == hanging[0] == "Certificate not available"
    assert f": cannot load {tmp_path}/none: " in missing[2]
    assert pipe[2].endswith(f": cannot load {tmp_path}/pipe: it is not a regular file")
    assert hanging[2].endswith(f": reading {tmp_path}/dead takes too long")
    assert good[:2] == ("Certificate expires", "E")


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


@pytest.mark.parametrize("where", ["file", "port", "port that need not be trusted"])
async def test_a_certificate_that_is_not_valid_yet_is_invalid(
    nursery: trio.Nursery, tmp_path: Path, where: str
) -> None:
    authority = issue("ours", authority=True)
    leaf = issue("leaf", authority, begins_in=2, hosts=["127.0.0.1"])
    if where == "file":
        given: dict[str, Any] = {"file": pem_file(tmp_path, leaf)}
    else:
        tls = server(leaf, directory=tmp_path)
        port = await nursery.start(serve, partial(speak, tls))
        trusted = where == "port"
        given = {"host": "127.0.0.1", "port": port, "verify": trusted}
        given |= {"ca_file": pem_file(tmp_path, authority)} if trusted else {}
    ((name, kind, said),) = told(await look(**given))

    assert (name, kind) == ("Certificate invalid", "E")
    assert ("not yet valid" if where == "port" else "of x is not valid before ") in said


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("starttls", ["", "smtp"])
async def test_a_port_is_judged_by_its_whole_chain_as_a_file_is(
    nursery: trio.Nursery, tmp_path: Path, verify: bool, starttls: Any
) -> None:
    root = issue("root", authority=True)
    between = issue("between", root, days=5, authority=True)
    leaf = issue("leaf", between, days=90, hosts=["127.0.0.1"])
    tls = server(leaf, between, directory=tmp_path)
    port = await nursery.start(serve, partial(speak, tls, starttls=bool(starttls)))
    authorities: dict[str, Any] = {"ca_file": pem_file(tmp_path, root)} if verify else {}
    of_port = await look(
        host="127.0.0.1", port=port, verify=verify, starttls=starttls, **authorities
    )
    of_file = await look(file=pem_file(tmp_path, leaf, between))

    assert told(of_port) == told(of_file)
    ((name, kind, said),) = told(of_port)
    assert (name, kind) == ("Certificate expires", "E")
    assert said.startswith("a certificate in the chain of x ends in 5 days, on ")
    assert said.endswith("(CN=between)")


async def test_the_authority_that_is_trusted_counts_and_one_that_is_not_needed_does_not(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    old_root, root = issue("old", authority=True, days=3), issue("root", authority=True, days=20)
    between = issue("between", root, authority=True)
    leaf = issue("leaf", between, hosts=["127.0.0.1"])
    tls = server(leaf, between, old_root, directory=tmp_path)
    port = await nursery.start(serve, partial(speak, tls))
    seen = told(await look(host="127.0.0.1", port=port, ca_file=pem_file(tmp_path, root)))

    assert [(name, kind) for name, kind, _ in seen] == [("Certificate expires", "W")]
    assert seen[0][2].endswith("(CN=root)")
    shown = told(await look(host="127.0.0.1", port=port, verify=False))
    assert [message.rpartition(" ")[2] for *_, message in shown] == ["(CN=old)"]


async def test_authorities_against_rfc_5280_are_refused_only_on_demand(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_python_3_13(monkeypatch)
    authority = issue("ours", authority=True, critical=False)
    tls = server(issue("x", authority, hosts=["127.0.0.1"]), directory=tmp_path)
    port = await nursery.start(serve, partial(speak, tls))
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "ca_file": pem_file(tmp_path, authority),
    }

    assert told(await look(**given)) == []
    assert told(await look(**given, strict=True))[0][0] == "Certificate invalid"


async def test_a_name_with_a_final_dot_has_the_certificate_of_the_name(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = resolve_to(monkeypatch, "127.0.0.1")
    authority = issue("ours", authority=True)
    tls = server(issue("x", authority, hosts=["shop.test"]), directory=tmp_path)
    port = await nursery.start(serve, partial(speak, tls))
    given: dict[str, Any] = {"port": port, "ca_file": pem_file(tmp_path, authority)}

    assert told(await look(host="shop.test.", **given)) == []
    assert told(await look(host="127.0.0.1", server_name="shop.test.", **given)) == []
    assert names == ["shop.test."]


async def both_addresses(
    nursery: trio.Nursery,
    first: Callable[[trio.SocketStream], Awaitable[None]],
    second: Callable[[trio.SocketStream], Awaitable[None]],
) -> int:
    """Serve one port at 127.0.0.1 and at 127.0.0.2; return it."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    (other,) = await trio.open_tcp_listeners(port, host="127.0.0.2")
    nursery.start_soon(trio.serve_listeners, first, [listener])
    nursery.start_soon(trio.serve_listeners, second, [other])
    return port


async def test_the_certificates_of_all_addresses_of_a_name_are_looked_at(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    authority = issue("ours", authority=True)

    def showing(days: float) -> Callable[[trio.SocketStream], Awaitable[None]]:
        leaf = issue("leaf", authority, days=days, hosts=["shop.test"])
        return partial(speak, server(leaf, directory=tmp_path))

    given: dict[str, Any] = {"host": "shop.test", "ca_file": pem_file(tmp_path, authority)}
    soon = await both_addresses(nursery, showing(90), showing(5))
    ended = await both_addresses(nursery, showing(90), showing(-0.5))
    silent_one = await both_addresses(nursery, silent, showing(90))
    same = await both_addresses(nursery, showing(90), showing(90))

    ((name, _, said),) = told(await look(port=soon, **given))
    assert name == "Certificate expires"
    assert said.startswith("the certificate of x at 127.0.0.2 ends in 5 days, on ")
    ((name, _, said),) = told(await look(port=ended, **given))
    assert name == "Certificate invalid"
    assert said == ("x: at 127.0.0.2: its certificate is not trusted: certificate has expired")
    ((name, _, said),) = told(await look(1.0, port=silent_one, **given))
    assert name == "Certificate not available"
    late = rf"x \(shop\.test:{silent_one}\): at 127\.0\.0\.1: no answer within [\d.]+ s"
    assert re.fullmatch(late, said)  # what is left for one address depends on when its turn comes
    assert told(await look(port=same, **given)) == []


async def test_an_address_that_cannot_be_reached_counts_only_when_none_can(
    nursery: trio.Nursery, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(100)))
    resolve_to(monkeypatch, "127.0.0.3", "127.0.0.1", "::1")
    given: dict[str, Any] = {"host": "localhost", "ca_file": ca_file}
    reached = told(await look(port=port, **given))
    refused = told(await look(port=1, **given))

    assert reached == []
    assert refused == [
        ("Certificate not available", "E", "x (localhost:1): connection refused"),
    ]


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
