"""The check `dns` with Debian's BIND: right zones, a broken one, signed ones, and a lame server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import name_servers
from tests.e2e.servers import ROOT

NAME = "example.invalid"

RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("MX", {"expect": [f"20 spare.{NAME}", f"10 MAIL.{NAME}."]}),
    ("TXT", {"expect": ["v=spf1 mx -all"], "authoritative": True}),
    ("A", {"ask": f"www.{NAME}", "expect": ["127.0.0.9"]}),
    ("AAAA", {"ask": f"mail.{NAME}", "expect_any": ["::1", "::2"]}),
    ("CNAME", {"ask": f"www.{NAME}", "pattern": r"^mail\."}),
    ("SRV", {"ask": f"_sip._udp.{NAME}", "expect": [f"0 5 5060 mail.{NAME}"]}),
    ("NS", {"expect": [f"ns.{NAME}"]}),
    ("PTR", {"ask": "127.0.0.9", "expect": [f"mail.{NAME}"]}),
    ("SOA", {"servers": "@both@"}),
    ("AAAA", {"ask": f"big.{NAME}", "expect_any": ["::95"]}),
    ("A", {"ask": "www.signed.invalid", "servers": "@second@", "dnssec": True}),
]
"""The type of a query, and its other parameters: all are answered as they must be."""

WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "nxdomain": ("A", {"ask": f"no.{NAME}"}, "the name does not exist (NXDOMAIN)"),
    "nodata": ("AAAA", {}, "the name has no record of the type AAAA"),
    "servfail": ("A", {"ask": "broken.invalid"}, "it could not find the answer (SERVFAIL)"),
    "bogus": (
        "A",
        {"ask": "www.bogus.invalid", "servers": "@second@"},
        "it could not find the answer (SERVFAIL)",
    ),
    "refused": ("A", {"ask": "elsewhere.invalid"}, "it refuses to answer (REFUSED)"),
    "lame": (
        "A",
        {"ask": f"www.child.{NAME}"},
        f"it is lame: it does not have the zone, and refers to the servers of child.{NAME}.",
    ),
    "wrong": (
        "MX",
        {"expect": [f"10 mail.{NAME}", f"30 more.{NAME}"]},
        f"the answer is wrong; missing: 30 more.{NAME}.; not expected: 20 spare.{NAME}.",
    ),
    "unsigned": (
        "MX",
        {"servers": "@second@", "dnssec": True},
        "it did not validate the answer by DNSSEC (no AD flag)",
    ),
    "cached": (
        "MX",
        {"servers": "@second@", "authoritative": True},
        "it is not responsible for the zone (no AA flag)",
    ),
}
"""By name: the type of a query, its other parameters, and what is wrong with the answer."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `once` sees of two servers."""
    directory = tmp_path_factory.mktemp("dns")
    with name_servers.running(directory) as (first, second):
        servers = [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]
        texts = []
        for number, (kind, settings) in enumerate(RIGHT):
            texts.append(query(f"right {number}", kind, settings, servers))
        for name, (kind, settings, _) in WRONG.items():
            texts.append(query(name, kind, settings, servers))
        texts.append(query("serials", "SOA", {"ask": "old.invalid", "servers": "@both@"}, servers))
        texts.append(query("slow", "MX", {"max_seconds": 1e-6}, servers))
        text = 'service = "DNS"\n[[modules]]\ncheck = "dns"\nevery = "1m"\n' + "\n".join(texts)
        (directory / "Dns.toml").write_text(text, encoding="ascii")
        yield once(directory)


def query(name: str, kind: str, settings: dict[str, Any], servers: list[str]) -> str:
    """Return a query as a table of a service file."""
    places = {"@both@": servers, "@second@": servers[1:]}
    given = {"name": name, "ask": NAME, "type": kind, "servers": servers[:1], **settings}
    given["servers"] = places.get(str(settings.get("servers")), servers[:1])
    lines = (f"{key} = {json.dumps(value)}" for key, value in given.items())
    return "\n".join(("[[modules.params.queries]]", *lines))


def once(directory: Path) -> dict[str, Any]:
    argv = ["once", "--json", "--service=Dns", f"--config-dir={directory}"]
    done = subprocess.run(
        [sys.executable, "-m", "supervisor", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout, done.stderr
    (found,) = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def failed(run: dict[str, Any]) -> dict[str, str]:
    return {item["instance"]: item["message"] for item in run["conditions"]}


def test_right_answers_of_each_type_are_right(run: dict[str, Any]) -> None:
    assert {name: why for name, why in failed(run).items() if name.startswith("right")} == {}
    measured = {item["labels"]["query"] for item in run["measurements"]}
    assert {f"right {number}" for number in range(len(RIGHT))} <= measured


@pytest.mark.parametrize("name", WRONG)
def test_each_fault_is_said_as_itself(name: str, run: dict[str, Any]) -> None:
    said = failed(run)[name].partition(": at ")[2].partition(": ")[2]

    # Newer servers of names also say why.
    assert said.partition("; it says: ")[0] == WRONG[name][2]


def test_different_serial_numbers_and_slow_answers_are_alerts_of_their_own(
    run: dict[str, Any],
) -> None:
    names = {item["instance"]: item["alertname"] for item in run["conditions"]}

    assert (names["serials"], names["slow"]) == ("DNS serials differ", "DNS slow")
    assert "7 at 127.0.0.1:" in failed(run)["serials"]
    assert set(names) == {*WRONG, "serials", "slow"}
