"""A session with MySQL or MariaDB, through PyMySQL.

Everything here blocks. `query` calls it in a thread, and cuts the socket to end it.
"""

from __future__ import annotations

import functools
import os
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymysql
from attrs import define
from pymysql.constants import CR, ER

from checks._common.printable import shown
from checks._database.server import Database, Rows
from checks._database.sql_file import Statement
from supervisor.api import CheckFailed, SecretUnreadable, server_name, tls_context

MAX_ROWS = 10_000
"""A query that returns more has failed: alerts of rows that are left out would end."""

NO_LIMIT = 2**64 - 1
"""The value of sql_select_limit that lets all rows through."""

MIN_SECONDS = 0.05
"""A server is given at least this time for a query."""

STOPPED = frozenset({1969, ER.QUERY_TIMEOUT, ER.LOCK_WAIT_TIMEOUT})
"""The errors of a statement that the server has stopped itself: MariaDB, MySQL, a lock."""

Values = Mapping[str, object]
"""The values of the placeholders of a statement."""

MAX_RSA_PASSWORD = 213
"""Bytes of a password that MySQL's RSA key of 2048 bits encrypts, with a final NUL."""

Stamps = tuple[tuple[int, int], ...]
"""The inodes of files, and when they were changed."""


def log_in(database: Database, sock: socket.socket) -> pymysql.Connection[Any]:
    """Return a connection over a connected socket; raises `CheckFailed`."""
    password, tls = "", None
    try:
        password = database.password.read() if database.password else ""
        tls = _tls(database) if database.tls else None
        connection = pymysql.Connection(
            defer_connect=True,
            host=server_name(database.host),  # only for TLS: the socket is connected already
            user=database.user,
            password=password.encode(),
            database=database.name or None,
            charset="utf8mb4",
            autocommit=None,
            ssl=tls,
            ssl_disabled=tls is None,
            program_name="supervisor",
        )
        # No other host can listen on a local socket, so that passwords may be sent as they are.
        connection._secure = database.socket is not None  # type: ignore[attr-defined]  # else set by connect, which is given a socket here
        connection.connect(sock)
    except SecretUnreadable as error:
        raise CheckFailed(f"cannot log in to {database}: {error}") from None
    except Exception as error:  # the server may answer anything
        why = reason(error)
        if (
            isinstance(error, ValueError)
            and tls is None
            and len(password.encode()) > MAX_RSA_PASSWORD
        ):
            why = f"without TLS a password has at most {MAX_RSA_PASSWORD} bytes; set tls = true"
        raise CheckFailed(f"cannot log in to {database}: {why}") from None
    return connection


@define
class DatabaseSession:
    """One session on a server, from login to logout."""

    database: Database
    connection: pymysql.Connection[Any]
    ends: float
    """When all queries must be over, in the time of `time.monotonic`."""

    def begin(self, offset: str, *, read_only: bool, max_rows: int = NO_LIMIT) -> None:
        """Start a transaction; times are in the zone of `offset`, such as "+09:00"."""
        access = "READ ONLY" if read_only else "READ WRITE"
        self._send(f"SET SESSION time_zone = '{offset}', sql_select_limit = {max_rows}")
        # For the whole session, since some statements end a transaction.
        self._send(f"SET SESSION TRANSACTION {access}")
        self._send("START TRANSACTION")

    def commit(self) -> None:
        """Commit what was written."""
        self._send("COMMIT")

    def select(self, statement: Statement, values: Values) -> Rows:
        """Return what a query returns; raises `CheckFailed`."""
        rows = self._limited(statement.sql, values)
        if len(rows.rows) > MAX_ROWS:
            raise CheckFailed(f"the query on {self.database} returns more than {MAX_ROWS:,} rows")
        return rows

    def execute(self, statement: Statement, values: Values) -> None:
        """Carry out a statement; raises `CheckFailed`."""
        self._limited(statement.sql, values)

    def explain(self, statement: Statement, values: Values) -> None:
        """Let the server plan a statement without carrying it out; raises `CheckFailed`."""
        self._limited(f"EXPLAIN {statement.sql}", values)

    def _limited(self, sql: str, values: Values) -> Rows:
        left = self.ends - time.monotonic()
        # The server should stop it before we give up, since it then says why.
        seconds = max(MIN_SECONDS, left - min(1.0, left / 10))
        version: str = self.connection.get_server_info()  # type: ignore[no-untyped-call]
        self._send(limits(version, seconds))
        return self._send(sql, dict(values), within=f"{seconds:.2g} s")

    def _send(self, sql: str, values: Values | None = None, within: str = "") -> Rows:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, values)
                columns = tuple(column[0] for column in cursor.description or ())
                return Rows(columns, cursor.fetchall())
        except Exception as error:  # the server may answer anything
            why = reason(error)
            if _code(error) in STOPPED:
                why = f"it ran, or waited for a lock, for {within} and was stopped"
            raise CheckFailed(f"cannot query {self.database}: {why}") from None


def end_session(database: Database, sock: socket.socket, session: int) -> None:
    """End another session of this user, whatever it does."""
    connection = log_in(database, sock)
    try:
        DatabaseSession(database, connection, 0.0)._send(f"KILL {session:d}")
    finally:
        connection.close()


def limits(version: str, seconds: float) -> str:
    """Return the statement that makes a server of this version stop long queries itself."""
    if "mariadb" in version.lower():
        return f"SET SESSION max_statement_time = {seconds:.3f}"
    whole = max(
        1, int(seconds)
    )  # its limit is only for SELECT; a statement that writes waits for locks
    return (
        f"SET SESSION max_execution_time = {seconds * 1000:.0f}, "
        f"lock_wait_timeout = {whole}, innodb_lock_wait_timeout = {whole}"
    )


def reason(error: BaseException) -> str:
    """Return in a few words what an error of the driver says."""
    error = getattr(error, "original_exception", error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else str(error)
    if not isinstance(error, pymysql.err.MySQLError):
        return f"its answer makes no sense ({type(error).__name__})"
    if _code(error) in (CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR):
        return "the server ended the connection"
    text = str(error.args[-1]) if error.args else type(error).__name__
    return shown(" ".join(text.split()), 500)


def _code(error: BaseException) -> object:
    return error.args[0] if isinstance(error, pymysql.err.MySQLError) and error.args else None


def _tls(database: Database) -> ssl.SSLContext:
    return _context(database.ca_file, database.strict, _stamps(database.ca_file))


@functools.lru_cache(maxsize=16)
def _context(ca_file: Path | None, strict: bool, stamps: Stamps) -> ssl.SSLContext:
    """Return one context for all that trust the same files: it takes 40 ms to make one."""
    return tls_context(ca_file, strict=strict)


def _stamps(ca_file: Path | None) -> Stamps:
    """Return what changes when a file of trusted authorities does. Raises `OSError`."""
    if ca_file is not None:
        return (_stamp(ca_file),)
    system = ssl.get_default_verify_paths()
    return tuple(_stamp(path) for path in (system.cafile, system.capath) if path)


def _stamp(path: Path | str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_ctime_ns
