"""Debian's BIND on loopback: one that is responsible for zones, and one that asks it and validates.

The files are in a temporary directory.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.talking import started
from tests.support.ports import free_port

HEAD = """
options {{
    directory "{directory}/{name}";
    pid-file "{directory}/{name}/pid";
    session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    empty-zones-enable no;
    max-cache-size 16M;
    {options}
    forward only;
    forwarders {{ 127.0.0.1 port {other}; }};
}};
controls {{ }};
"""
"""The beginning of a named.conf. All that it does not know it asks the other server."""

ZONE = """
$TTL 60
@ SOA ns.example.invalid. admin.example.invalid. {serial} 60 60 60 60
@ NS ns.example.invalid.
"""
"""The beginning of each zone."""

RECORDS = """
@ MX 10 mail
@ MX 20 spare
@ TXT "v=spf1 mx " "-all"
ns A 127.0.0.1
mail A 127.0.0.9
mail AAAA ::1
www CNAME mail
_sip._udp SRV 0 5 5060 mail
child NS ns.elsewhere.invalid.
"""
"""Of example.invalid. It hands its child to a server that does not know of it."""

ZONES = {
    "example.invalid": RECORDS + "".join(f"big AAAA ::{n}\n" for n in range(1, 96)),
    "broken.invalid": "@ A this is not an address\n",
    "old.invalid": "",
    "signed.invalid": "www A 127.0.0.9\n",
    "bogus.invalid": "www A 127.0.0.9\n",
    "0.0.127.in-addr.arpa": "9 PTR mail.example.invalid.\n",
}
"""What the first server is responsible for. It cannot load one of them."""


@contextmanager
def running(directory: Path) -> Iterator[tuple[int, int]]:
    """Yield the ports of the responsible server and of the one that validates."""
    ports = free_port(), free_port()
    for name, records in ZONES.items():
        text = ZONE.format(serial=7) + records
        (directory / name).write_text(text, encoding="ascii")
    (directory / "older").write_text(ZONE.format(serial=6), encoding="ascii")
    key = signed(directory, "signed.invalid")
    (directory / "signed.invalid.signed").rename(directory / "signed.invalid")
    first = [primary(name, directory / name) for name in ZONES]
    second = [primary("old.invalid", directory / "older")]
    # The zone bogus.invalid is not signed, though it should be.
    for name in ("signed.invalid", "bogus.invalid"):
        second.append(f'trust-anchors {{ "{name}" static-key {key}; }};')
    validates = "dnssec-validation yes;"
    with (
        named(directory, "first", ports, "recursion no;", first),
        named(directory, "second", ports[::-1], validates, second),
    ):
        yield ports


def primary(zone: str, file: Path) -> str:
    return f'zone "{zone}" {{ type primary; file "{file}"; }};'


@contextmanager
def named(
    directory: Path, name: str, ports: tuple[int, int], options: str, statements: list[str]
) -> Iterator[None]:
    """Run a server on the first of these ports; the other server has the second."""
    (directory / name).mkdir()
    port, other = ports
    head = HEAD.format(directory=directory, name=name, port=port, other=other, options=options)
    path = directory / name / "named.conf"
    path.write_text("\n".join((head, *statements)), encoding="ascii")
    with started(["named", "-g", "-n", "1", "-c", str(path)], [port], directory / name / "log"):
        yield


def signed(directory: Path, name: str) -> str:
    """Sign a zone; return its key as `trust-anchors` has it."""
    keygen = ["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", name]
    made = subprocess.run(keygen, cwd=directory, check=True, capture_output=True, text=True)
    sign = ["dnssec-signzone", "-S", "-z", "-o", name, name]
    subprocess.run(sign, cwd=directory, check=True, capture_output=True)
    key = (directory / f"{made.stdout.strip()}.key").read_text(encoding="ascii")
    *numbers, data = key.split(" DNSKEY ")[1].split(maxsplit=3)
    return f'{" ".join(numbers)} "{"".join(data.split())}"'
