"""A real MariaDB or MySQL on loopback and a socket, and servers that misbehave.

Their files are in a temporary directory.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import trustme
from attrs import define, field
from pymysql.constants import CLIENT

from checks._database.server import Database
from supervisor.api import Secret
from tests.e2e.servers import ROOT, wait_for
from tests.support.ports import free_port

USER = "eborder"
SCHEMA = ROOT / "configs" / "sql" / "reference_schema.sql"
DATABASES = ("KOR-PNR", "JPN-PNR", "eborder")

IS_MYSQL = os.environ.get("SUPERVISOR_TEST_DATABASE") == "mysql"
"""Whether the server is MySQL instead of MariaDB: scripts/test --world mysql."""

PROGRAM = "mysqld" if IS_MYSQL else "mariadbd"
"""The server."""

STATUS_SCHEMA = "performance_schema" if IS_MYSQL else "information_schema"
"""Where the server keeps the status of a session."""

TEN = "(SELECT 0 AS n" + "".join(f" UNION ALL SELECT {n}" for n in range(1, 10)) + ")"
"""A table of the digits."""

SLOW = (
    f"SELECT COUNT(*) AS n FROM {TEN} a, {TEN} b, {TEN} c, {TEN} d "  # noqa: S608 - the test's own text
    "WHERE SLEEP(0.01) + a.n + b.n + c.n + d.n < 0"
)
"""A query of minutes. MySQL stops SLEEP, too, but takes a query that is one SLEEP for a success."""

DRIP = 0.5
"""Seconds between two bytes of a dripping server."""


@define
class MariaDbServer:
    """`mariadbd` with a user of its own, whose password lies in a file."""

    directory: Path
    port: int = field(factory=free_port)
    password: str = field(factory=lambda: secrets.token_hex(16))
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "s"

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def password_file(self) -> Path:
        return self.directory / "password"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def prepare(self) -> None:
        """Make an empty server, with a certificate for 127.0.0.1 and the reference schema."""
        self.password_file.write_text(self.password + "\n", encoding="utf-8")
        self.password_file.chmod(0o600)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(str(self.directory / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(self.directory / "cert.pem"))
        if IS_MYSQL:
            argv = [PROGRAM, *self._options(), "--initialize-insecure", "--secure-file-priv="]
        else:
            argv = ["mariadb-install-db", *self._options(), "--skip-test-db"]
            argv.append("--auth-root-authentication-method=normal")
        subprocess.run(argv, check=True, capture_output=True)
        self.start()
        self.sql(f"CREATE USER {USER} IDENTIFIED BY '{self.password}'")
        for name in DATABASES:
            self.sql(f"CREATE DATABASE `{name}`; GRANT ALL ON `{name}`.* TO {USER}")
            self.sql(SCHEMA.read_text(encoding="utf-8"), name)

    def _options(self) -> list[str]:
        user = ["--user=root"] if os.getuid() == 0 else []
        return [
            "--no-defaults",
            f"--datadir={self.directory / 'data'}",
            "--skip-name-resolve",
            *user,
        ]

    def start(self) -> None:
        self.stop()
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    *self._options(),
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    f"--socket={self.socket}",
                    f"--pid-file={self.directory / 'pid'}",
                    f"--ssl-cert={self.directory / 'cert.pem'}",
                    f"--ssl-key={self.directory / 'key.pem'}",
                    "--innodb-flush-log-at-trx-commit=0",
                    *(("--mysqlx=OFF", "--secure-file-priv=") if IS_MYSQL else ()),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_for(self._is_ready, 30, "MariaDB does not start", lambda: self.log)

    def stop(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        # PyMySQL does not close the socket of a connect that fails.
        with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
            sock.connect(str(self.socket))
            return True
        return False

    def connect(self, database: str = "") -> pymysql.Connection[Any]:
        """Return an administrator's connection, which sees all that goes on."""
        return pymysql.Connection(
            unix_socket=str(self.socket),
            user="root",
            database=database or None,
            autocommit=True,
            ssl_disabled=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )

    def sql(self, text: str, database: str = "") -> list[tuple[Any, ...]]:
        """Carry out statements as the administrator; return the rows of the last."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(text)
            rows = cursor.fetchall()
            while cursor.nextset():
                rows = cursor.fetchall()
            return list(rows)

    def empty(self) -> None:
        """Delete all rows of all databases."""
        for name in DATABASES:
            self.sql("DELETE FROM push_message; DELETE FROM flight; DELETE FROM report_row", name)
            self.sql("DELETE FROM service", name)

    def sessions(self) -> list[str]:
        """Return what each session of our user is doing, by SHOW PROCESSLIST."""
        found = self.sql("SHOW FULL PROCESSLIST")
        return [f"{row[4]}: {row[7]}" for row in found if row[1] == USER]

    def until_querying(self, part: str) -> int:
        """Wait until our user runs such a query; return its session."""

        def session() -> int:
            rows = self.sql("SHOW FULL PROCESSLIST")
            return next((row[0] for row in rows if row[1] == USER and part in str(row[7])), 0)

        return wait_for(session, 10, f"nobody runs {part}")

    def until_nobody(self) -> None:
        """Wait until our user has no session: the server tidies up a moment after we do."""
        wait_for(lambda: not self.sessions(), 2, "still there", lambda: str(self.sessions()))

    @contextmanager
    def locked(self, database: str, table: str) -> Iterator[None]:
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLES {table} WRITE")
            yield

    def database(self, name: str = "KOR-PNR", **changed: Any) -> Database:
        """Return how a check reaches it."""
        given = {"port": self.port, "user": USER, "name": name, "password": self.secret}
        return Database(**{**given, **changed})

    @property
    def secret(self) -> Secret:
        return Secret("file", str(self.password_file))

    def toml(self, name: str = "KOR-PNR", port: int = 0) -> str:
        """Return it as it is written in a service file."""
        return (
            f'{{ port = {port or self.port}, user = "{USER}", name = "{name}", '
            f'password = {{ file = "{self.password_file}" }} }}'
        )


@define
class SlowProxy:
    """Stands before a server and, from the client's word `marker` on, hardly lets it answer.

    Without a marker that is from the beginning. A server that drips gives a byte per half second,
    any other is silent.
    """

    target: int
    marker: bytes = b""
    drips: bool = False
    port: int = 0
    _over: threading.Event = field(factory=threading.Event)
    _threads: list[threading.Thread] = field(factory=list)

    @contextmanager
    def running(self) -> Iterator[SlowProxy]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self._spawn(self._serve, listener)
            try:
                yield self
            finally:
                self._over.set()
                listener.shutdown(socket.SHUT_RDWR)
                for thread in self._threads:
                    thread.join()

    def _spawn(self, function: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments))
        self._threads[-1].start()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._spawn(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        slow = threading.Event()
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            if not self.marker:
                slow.set()
            answers = threading.Thread(target=self._answer, args=(server, client, slow))
            answers.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self.marker and self.marker in data:
                        slow.set()
                    server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _answer(self, server: socket.socket, client: socket.socket, slow: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not slow.is_set():
                    client.sendall(data)
                    continue
                for byte in data if self.drips else b"":
                    client.sendall(bytes([byte]))
                    if self._over.wait(DRIP):
                        return
