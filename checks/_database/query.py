"""Sends queries to a database and leaves nothing behind, neither here nor on the server.

PyMySQL blocks in a thread. The event loop keeps a duplicate of its socket. When time is up or the
run is cancelled, the loop cuts the socket, which ends the thread. It then ends the session on the
server, which does not notice by itself that the client has gone.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import pymysql
import trio
from attrs import frozen

from checks._common.addresses import SocketAddress, resolve
from checks._database import mysql
from checks._database.mysql import MAX_ROWS, DatabaseSession, Values
from checks._database.server import Database, Rows, missing_columns
from checks._database.sql_file import QuerySpec, Statement
from supervisor.api import CheckFailed, probe

T = TypeVar("T")

MAX_RESERVE = 2.0
"""Seconds that are kept back at most from the run's deadline, to clean up and to report."""

UTC_OFFSET = "+00:00"
"""The zone of a query whose times do not matter."""


async def read(
    now: datetime, database: Database, *questions: tuple[Statement, Values]
) -> list[Rows]:
    """Return what the queries return, all in one transaction. Times are in the zone of `now`.

    Raises `CheckFailed` when one cannot be answered within the module's deadline.
    """

    def ask(session: DatabaseSession) -> list[Rows]:
        session.begin(utc_offset(now), read_only=True, max_rows=MAX_ROWS + 1)
        return [session.select(statement, values) for statement, values in questions]

    return await converse(database, ask)


async def write(
    now: datetime, database: Database, statement: Statement, rows: Sequence[Values]
) -> None:
    """Carry out the statement for each row, either for all or for none; raises `CheckFailed`."""

    def tell(session: DatabaseSession) -> None:
        session.begin(utc_offset(now), read_only=False)
        for values in rows:
            session.execute(statement, values)
        session.commit()

    await converse(database, tell)


async def examine_query(database: Database, spec: QuerySpec, path: Path | None) -> list[str]:
    """Return what a live server finds wrong with a query. One that writes is only planned."""

    def ask(session: DatabaseSession) -> str:
        session.begin(UTC_OFFSET, read_only=False)
        session.explain(statement, spec.given)
        if not spec.columns:
            return ""
        session.begin(UTC_OFFSET, read_only=True, max_rows=0)
        found = session.select(statement, spec.given)
        return missing_columns(found.columns, spec.columns)

    try:
        statement = await spec.statement(path)
        problem = await converse(database, ask)
    except CheckFailed as error:
        return [str(error)]
    return [f"{database}: {problem}"] if problem else []


def utc_offset(now: datetime) -> str:
    """Return the UTC offset of a time in the syntax of SQL: "+09:00"."""
    text = f"{now:%z}"
    return f"{text[:3]}:{text[3:5]}"


async def converse(database: Database, work: Callable[[DatabaseSession], T]) -> T:
    """Log in, let `work` use the session in a thread, log out; return what it returns.

    Raises `CheckFailed` when the server does not answer within the timeouts of the database, or
    a little before the run's deadline.
    """
    left = trio.current_effective_deadline() - trio.current_time()
    reserve = min(MAX_RESERVE, left / 10)
    latest = trio.current_time() + left - reserve
    login = await _connected(database, latest, reserve / 3)
    with login:
        seconds = _seconds(latest, database.read_timeout)
        with trio.move_on_after(seconds):
            return await _answered(database, login, work, seconds)
        raise CheckFailed(f"cannot query {database}: no answer within {seconds:.2g} s")


@frozen
class Login:
    """A connection after login."""

    connection: pymysql.Connection[Any]
    """Used by one thread at a time."""

    duplicate: socket.socket
    """The event loop's own duplicate of its socket."""

    grace: float
    """Seconds that a thread has to end after its socket is cut."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        cut(self.duplicate)


def _seconds(latest: float, most: float) -> float:
    return max(0.0, min(latest - trio.current_time(), most))


async def _connected(database: Database, latest: float, grace: float) -> Login:
    seconds = _seconds(latest, database.connect_timeout)
    with trio.move_on_after(seconds):
        sock = await _dial(database)
        duplicate = sock.dup()
        try:
            call = partial(mysql.log_in, database, sock)
            return Login(
                await _in_thread(f"login to {database}", call, duplicate, grace), duplicate, grace
            )
        except BaseException:
            cut(duplicate)
            sock.close()  # the thread may not have begun
            raise
    raise CheckFailed(f"cannot log in to {database}: no answer within {seconds:.2g} s")


async def _answered(
    database: Database, login: Login, work: Callable[[DatabaseSession], T], seconds: float
) -> T:
    def talk() -> T:
        with closing(login.connection):
            return work(DatabaseSession(database, login.connection, time.monotonic() + seconds))

    try:
        return await _in_thread(f"query of {database}", talk, login.duplicate, login.grace)
    except* trio.Cancelled:  # in the group of a nursery
        with trio.move_on_after(login.grace, shield=True), suppress(CheckFailed):
            await _end(database, login)
        raise


async def _end(database: Database, login: Login) -> None:
    """Log in again and end what our session has left running on the server."""
    session: int = login.connection.thread_id()  # type: ignore[no-untyped-call]
    with await _dial(database) as sock, sock.dup() as duplicate:
        call = partial(mysql.end_session, database, sock, session)
        await _in_thread(f"end of a query of {database}", call, duplicate, login.grace)


async def _in_thread(
    key: str, function: Callable[[], T], duplicate: socket.socket, grace: float
) -> T:
    """Return what the function returns. When cancelled, cut the socket that it waits for.

    The thread then ends at once, or else is given up after `grace` seconds.
    """
    found: T
    failed: Exception | None = None
    waiting = trio.CancelScope(shield=True)

    async def cut_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            if not nursery.cancel_scope.cancel_called:
                cut(duplicate)
                waiting.deadline = trio.current_time() + grace
            raise

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cut_when_cancelled)
        with waiting:
            try:
                found = await probe(key, function)
            except Exception as error:  # raised below, since the nursery would raise a group
                failed = error
        nursery.cancel_scope.cancel()
    if failed is not None:
        raise failed
    return found


def cut(duplicate: socket.socket) -> None:
    """End a connection, also for a thread that waits on another duplicate of its socket."""
    with suppress(OSError):  # it may have ended already
        duplicate.shutdown(socket.SHUT_RDWR)
    duplicate.close()


async def _dial(database: Database) -> socket.socket:
    """Return a connected socket; raises `CheckFailed` when no address can be reached."""
    errors: dict[str, None] = {}
    addresses = await _addresses(database)
    for others, (family, address) in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        sock = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            with _share(others) as scope:
                await sock.connect(address)
                return _blocking(sock)
            if scope.cancelled_caught:
                errors["no answer"] = None
        except OSError as error:
            errors[mysql.reason(error)] = None
        finally:
            sock.close()  # does nothing when the socket was handed on
    why = ", ".join(errors) or "its name has no address"
    raise CheckFailed(f"cannot connect to {database}: {why}")


def _share(others: int) -> trio.CancelScope:
    """Return a scope that leaves the same time to so many others. The last one has no limit."""
    now = trio.current_time()
    left = trio.current_effective_deadline() - now
    return trio.CancelScope(deadline=now + left / (others + 1) if others else math.inf)


def _blocking(sock: trio.socket.SocketType) -> socket.socket:
    plain = socket.socket(fileno=sock.detach())
    plain.setblocking(True)
    return plain


async def _addresses(database: Database) -> list[tuple[socket.AddressFamily, str | SocketAddress]]:
    if database.socket is not None:
        return [(socket.AF_UNIX, str(database.socket))]
    try:
        return [*await resolve(database.host, database.port, socket.SOCK_STREAM)]
    except OSError as error:
        raise CheckFailed(f"cannot resolve {database.host}: {error.strerror}") from None
