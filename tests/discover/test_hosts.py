"""`discover` on real hosts: this one, and one in a network namespace with a few services.

What it writes validates, and nothing in it fires.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import ROOT, wait_for
from tests.support.certificates import Issued, issue
from tests.support.network_namespace import needs_root

pytestmark = pytest.mark.timeout(300)

NOTHING_WRONG = 0


def modules(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the modules of a service file by their names."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["modules"]
    return {table.get("name", table["check"]): table for table in tables}


def test_the_file_of_this_host_validates_and_nothing_fires(tmp_path: Path) -> None:
    path = tmp_path / "Here.toml"
    found = run_supervisor("discover", "--out", str(path), "--logs", seconds=120)
    where = ("--service", "Here", "--config-dir", str(tmp_path))
    validated = run_supervisor("validate", *where)
    once = {name: run_supervisor("once", name, *where, seconds=120) for name in modules(path)}

    assert (found.returncode, found.stdout) == (0, "")
    assert (validated.returncode, validated.stderr) == (0, "")
    # Other tests start and stop daemons at this time, whose ports may be in the file.
    stable = ("system", "disk", "inode", "routing_table")
    assert {once[name].returncode for name in once if name in stable} == {NOTHING_WRONG}
    assert {"system", "disk"} <= set(once)
    assert modules(path)["disk"]["params"]["filesystems"]


def test_it_prints_the_file_if_none_is_named() -> None:
    found = run_supervisor("discover", "--service", "My Shop", seconds=120)

    assert tomllib.loads(found.stdout)["service"] == "My-Shop"
    assert found.stdout.startswith("#:schema ")


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "Shop.toml"
    path.write_text("mine", encoding="utf-8")
    found = run_supervisor("discover", "--out", str(path))
    missing = run_supervisor("discover", "--out", str(tmp_path / "no" / "Shop.toml"))

    assert (found.returncode, path.read_text(encoding="utf-8")) == (1, "mine")
    assert "add --force" in found.stderr
    assert (missing.returncode, "make it first" in missing.stderr) == (1, True)


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "Shop.toml"
    path.mkdir()

    found = run_supervisor("discover", "--out", str(path), "--force", seconds=120)

    said = f"cannot write {path}: Is a directory; name another file, or leave --out out"
    assert (found.returncode, found.stderr.splitlines()[-1]) == (1, said)
    assert "Traceback" not in found.stderr
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


AUDIT = """
import json, socket, sys
seen = []
def hear(event, args):
    if event == "open" and isinstance(args[0], str):
        seen.append(["open", args[0]])
    elif event == "socket.connect" and isinstance(args[1], tuple):
        seen.append(["connect", args[1][0]])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        seen.append(["resolve", str(args[0])])
import supervisor.discover.survey as survey
sys.addaudithook(hear)
survey.survey("X", "X", with_logs=True)
print(json.dumps(seen))
"""


def test_it_reads_no_secret_and_asks_no_other_host(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AUDIT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = json.loads(done.stdout)
    opened = {what for event, what in seen if event == "open"}
    connected = {what for event, what in seen if event == "connect"}
    secretive = ("environ", "cmdline", "/private/", "shadow", "my.cnf", ".ssh", "secret")

    assert "/proc/net/tcp" in opened
    assert [path for path in opened if any(word in path for word in secretive)] == []
    assert connected <= {"127.0.0.1", "::1"} | own_addresses()
    assert {what for event, what in seen if event == "resolve"} <= connected


def own_addresses() -> set[str]:
    shown = subprocess.run(["ip", "-json", "address"], capture_output=True, check=True)
    return {
        address["local"]
        for interface in json.loads(shown.stdout)
        for address in interface.get("addr_info", [])
    }


# A host in a namespace

DATABASE = """
set -e
mariadb-install-db --no-defaults --datadir=$1/data --user=root \\
    --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1
exec mariadbd --no-defaults --datadir=$1/data --user=root --port=3306 --bind-address=127.0.0.1 \\
    --socket=$1/mysqld.sock --pid-file=$1/pid >$1/log 2>&1
"""


def pem(directory: Path, name: str, issued: Issued) -> Path:
    """Write a certificate with its key."""
    from cryptography.hazmat.primitives import serialization

    path = directory / f"{name}.pem"
    key = issued.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(issued.pem + key)
    return path


def tls_server(port: int, certificate: Path) -> list[str]:
    return [
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-www"),
        *("-cert", str(certificate), "-key", str(certificate)),
    ]


@contextmanager
def host(directory: Path) -> Iterator[list[str]]:
    """Make a network namespace with services; give the words that run a command in it."""
    good = pem(directory, "good", issue("shop.example.invalid", hosts=["shop.example.invalid"]))
    old = pem(directory, "old", issue("old.example.invalid", days=3))
    database = directory / "database"
    database.mkdir()
    with ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        namespace = start("unshare", "--net", "sleep", "infinity")
        entry = f"/proc/{namespace.pid}/ns/net"
        ours = Path("/proc/self/ns/net").readlink()
        wait_for(lambda: Path(entry).readlink() != ours, 10, "no namespace is made")
        inside = ["nsenter", f"--net={entry}"]
        for line in (
            "link set lo up",
            "link add eth9 type veth peer eth9p",
            "link set eth9p up",
            "link set eth9 up",
            "address add 127.0.14.5/24 dev eth9",
            "address add 198.51.100.5/24 dev eth9",
            "route add default via 198.51.100.1 dev eth9",
        ):
            subprocess.run([*inside, "ip", *line.split()], check=True)
        start(*inside, *tls_server(8443, good))
        start(*inside, *tls_server(9443, old))
        start(*inside, sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "8080")
        start(*inside, "sh", "-c", DATABASE, "sh", str(database))
        wait_for((database / "mysqld.sock").exists, 60, "MariaDB does not start")
        for port in (8443, 9443, 8080, 3306):
            wait_for(partial(listens, inside, port), 30, f"nothing listens on {port}")
        yield inside


def listens(inside: list[str], port: int) -> bool:
    table = subprocess.run([*inside, "cat", "/proc/net/tcp"], capture_output=True, check=True)
    return f":{port:04X} 00000000:0000 0A".encode() in table.stdout


@needs_root
def test_the_services_of_a_host_are_found_and_nothing_fires(tmp_path: Path) -> None:
    path = tmp_path / "Shop.toml"
    where = ("--service", "Shop", "--config-dir", str(tmp_path))
    with host(tmp_path) as inside:

        def supervisor(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*inside, sys.executable, "-m", "supervisor", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )

        found = supervisor("discover", "--out", str(path))
        validated = supervisor("validate", *where)
        once = supervisor("once", "--json", *where)
    text = path.read_text(encoding="utf-8")
    seen = modules(path)

    assert (found.returncode, validated.returncode, validated.stderr) == (0, 0, "")
    assert (once.returncode, once.stderr) == (NOTHING_WRONG, ""), once.stdout
    assert {run["result"] for run in json.loads(once.stdout)} == {"ok"}
    assert {each["port"] for each in seen["connection"]["params"]["servers"]} == {
        3306,
        8080,
        8443,
        9443,
    }
    assert [each["name"] for each in seen["daemon"]["params"]["daemons"]] == ["mariadbd", "openssl"]
    assert [each["port"] for each in seen["certificate"]["params"]["certificates"]] == [8443]
    assert "# left out: it fires now: the certificate of openssl-9443 ends in" in text
    assert seen["routing_table"]["params"]["routes"] == [
        {"destination": "0.0.0.0/0", "gateway": "198.51.100.1", "interface": "eth9"}
    ]
    assert "ping" in seen["mysql"]["params"]["argv"]
    assert "python" in text.partition("# What is left out")[2]
    assert "# - systemd's units: " in text or "systemd_unit" in seen
