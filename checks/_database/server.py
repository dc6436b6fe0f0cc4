"""The parameters of a MySQL or MariaDB database, and the rows that a query returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from checks._common.addresses import host_port
from checks._common.deadlines import timeout_field
from checks._common.printable import shown
from checks._common.validators import is_host, is_port, not_blank
from supervisor.api import CheckFailed, Duration, Secret


@frozen(kw_only=True)
class Database:
    """Where a server is, how to log in, and how long it may take."""

    host: str = field(
        default="127.0.0.1", validator=is_host, metadata={"help": "the server's name or IP address"}
    )
    port: int = field(default=3306, validator=is_port, metadata={"help": "its TCP port"})
    socket: Path | None = field(
        default=None, metadata={"help": "a local server's socket, instead of host and port"}
    )
    user: str = field(
        validator=not_blank("write the user to log in as"),
        metadata={"help": "the user to log in as"},
    )
    password: Secret | None = field(
        default=None, metadata={"help": "the user's password; it is read in each run"}
    )
    name: str = field(default="", metadata={"help": "the default database of the queries"})
    connect_timeout: Duration = timeout_field(5, "how long to connect and log in may take")
    read_timeout: Duration = timeout_field(
        20, "how long the queries of one run may take; the server stops them, too"
    )
    tls: bool = field(
        default=False, metadata={"help": "encrypt, and verify the server's certificate and name"}
    )
    ca_file: Path | None = field(
        default=None, metadata={"help": "with tls: who may sign the certificate, a PEM file"}
    )

    strict: bool = field(
        default=False, metadata={"help": "with tls: the authorities must fit RFC 5280"}
    )

    @user.validator
    def _is_without_nul(self, _: Attribute[str], value: str) -> None:
        if "\0" in value:
            raise ValueError("holds a NUL character; write the user to log in as")

    @ca_file.validator
    def _is_for_tls(self, _: Attribute[Path | None], value: Path | None) -> None:
        if value is not None and not self.tls:
            raise ValueError("is given without tls; add tls = true")

    @strict.validator
    def _is_for_tls_too(self, _: Attribute[bool], value: bool) -> None:
        if value and not self.tls:
            raise ValueError("is given without tls; add tls = true")

    @property
    def title(self) -> str:
        """Its name, or else its address."""
        return shown(self.name, 80) or self.place

    @property
    def place(self) -> str:
        """Its address: "127.0.0.1:3306"."""
        if self.socket is not None:
            return str(self.socket)
        return host_port(self.host, self.port)

    def __str__(self) -> str:
        name = f"{shown(self.name, 80)} at " if self.name else ""
        return f"{name}{self.place} as {shown(self.user, 80)}"


@frozen
class Rows:
    """What a query returned."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def pick(self, *columns: str) -> Iterator[list[Any]]:
        """Return the values of these columns, row by row; raises `CheckFailed` if one is absent."""
        if problem := missing_columns(self.columns, columns):
            raise CheckFailed(problem)
        places = [self.columns.index(column) for column in columns]
        return ([row[place] for place in places] for row in self.rows)


def missing_columns(found: Sequence[str], wanted: Sequence[str]) -> str:
    """Return what is wrong when a wanted column is missing, else an empty text."""
    missing = [column for column in wanted if column not in found]
    if not missing:
        return ""
    returned = ", ".join(shown(column, 80) for column in found) or "none"
    return f"the query returns no column {missing[0]}; it returns {returned}"


def text(value: object) -> str:
    """Return a value of a row as a text. NULL becomes an empty one."""
    match value:
        case None:
            return ""
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case date():
            return f"{value:%Y-%m-%d}"
    return str(value)


def number(value: object, what: str) -> float:
    """Return a value of a row as a number; raises `CheckFailed` for any other."""
    if isinstance(value, int | float | Decimal):
        return float(value)
    found = "NULL" if value is None else repr(shown(text(value), 80))
    raise CheckFailed(f"{what} is {found}, which is not a number")


def count(value: object, what: str) -> int:
    """Return a value of a row as a whole number of at least 0; raises `CheckFailed`."""
    found = number(value, what)
    if found < 0 or found != int(found):
        raise CheckFailed(f"{what} is {found:g}, which is not a count")
    return int(found)


def moment(value: object, what: str) -> datetime:
    """Return a value of a row as a naive time in the session's zone; raises `CheckFailed`."""
    if isinstance(value, datetime):
        return value
    found = "NULL" if value is None else repr(shown(text(value), 80))
    raise CheckFailed(f"{what} is {found}, which is not a date with a time")
