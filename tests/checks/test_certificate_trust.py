"""Which certificates `certificate` trusts, and which of a chain count."""

from __future__ import annotations

import os
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from checks._http import tls as tls_contexts
from checks.certificate import Certificate, Params, run
from supervisor.api import tls_context
from supervisor.observations import Duration
from tests.checks.certificate_bench import (
    ca_file,
    ending,
    look,
    serve,
    speak,
    speak_tls,
    today,
    told,
)
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
from tests.support.hanging_call import Hanging, until_no_thread_hangs

__all__ = ["ca_file"]  # a fixture


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
