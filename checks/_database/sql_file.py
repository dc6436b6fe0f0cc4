"""SQL files with named placeholders: reads and checks them, and prepares them for the driver.

In a file only `%(name)s` is a placeholder. Every other % belongs to the SQL. Comments are not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import Attribute, field, frozen

from supervisor.api import CheckFailed, probe, read_regular_file

_HERE = Path(__file__).parent
QUERY_FOLDERS = (_HERE / "queries", _HERE.parent.parent / "configs" / "sql")
"""Where the shipped queries are, in an installed package and in the source tree."""

MAX_FILE_BYTES = 1 << 20
"""The size of a file that is read."""

_TOKEN = re.compile(
    r"""
      (?P<comment> --(?=\s|$)[^\n]* | \#[^\n]* | /\*(?![!+M]).*?\*/ )
    | (?P<literal> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `[^`]*` | /\*.*?\*/ )
    | (?P<unclosed> ['"`] | /\* )
    | %\((?P<name>[^()]*)\)s
    | (?P<text> [^-\#/'"`%]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Takes a statement apart: comments, what stands in quotes, placeholders, and all else."""

_WRITING = re.compile(
    r"""
      [\s(]*
      (?:
        (?P<word> insert|update|delete|replace|merge|truncate|drop|alter|create|rename|grant|revoke
          |load|lock|optimize|repair|flush|reset|kill|set )
      | with\b .* \) \s* (?P<then> insert|update|delete|replace )
      ) \b
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
"""The beginning of a statement that writes."""

_INTO_FILE = re.compile(r"\b(?P<word>into\s+(?:out|dump)file)\b(?P<then>)", re.IGNORECASE)
"""The part of a SELECT that writes a file on the server."""

_PLACEHOLDER = re.compile(r"%\([^()]*\)s")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@frozen
class Statement:
    """One SQL statement, and the placeholders in it."""

    sql: str
    """In the syntax of the driver, where %% stands for %."""

    names: frozenset[str] = frozenset()


@frozen
class QuerySpec:
    """What a query must ask for and return."""

    file: str
    """The name of the shipped query."""

    given: Mapping[str, object] = field(factory=dict)
    """An example of each value that the query must ask for, by placeholder."""

    columns: tuple[str, ...] = ()
    """The columns that it must return. Empty: it writes."""

    def check_file(self, path: Path | None) -> None:
        """Raise `ValueError` for a file that is missing or does not fit. None: the shipped one."""
        if path is not None:
            fitting(read(path), self.given)

    async def statement(self, path: Path | None) -> Statement:
        """Return the present statement of the file; raises `CheckFailed` when it does not fit."""
        return await load(path or shipped(self.file), self.given)


async def load(path: Path, given: Iterable[str]) -> Statement:
    """Return the present statement of a file; raises `CheckFailed` when it does not fit."""
    try:
        return fitting(await probe(f"read of {path}", lambda: read(path)), given)
    except ValueError as error:
        raise CheckFailed(f"cannot use {path}: {error}") from None


def query_field(spec: QuerySpec) -> Path | None:
    """Return the field of a parameter for a query that may take the place of the shipped one."""

    def fits(_params: object, _: Attribute[Path | None], path: Path | None) -> None:
        spec.check_file(path)

    return field(
        default=None,
        validator=fits,
        metadata={"help": f"an SQL file; default: configs/sql/{spec.file}"},
    )


def shipped(name: str) -> Path:
    """Return the path of a shipped query."""
    return next((place for place in QUERY_FOLDERS if place.is_dir()), QUERY_FOLDERS[0]) / name


def read(path: Path) -> Statement:
    """Return the one statement of a file; raises `ValueError`."""
    try:
        raw = read_regular_file(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ValueError(
            f"cannot be read: {path}: {error.strerror or error}; give the path of a file with one "
            "SQL statement, as it is seen from the service file"
        ) from None
    try:
        return parse(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; save it as UTF-8") from None


def parse(text: str) -> Statement:
    """Return the one statement of a text; raises `ValueError` with the remedy."""
    parts: list[str] = []
    names: set[str] = set()
    for token in _TOKEN.finditer(text):
        found = token[0]
        if token.lastgroup == "unclosed":
            line = text.count("\n", 0, token.start()) + 1
            raise ValueError(f"line {line} opens {found}, which is never closed; close it")
        if token.lastgroup == "literal" and (inner := _PLACEHOLDER.search(found)):
            raise ValueError(f"{inner[0]} stands in quotes; the value brings its own, remove them")
        if token.lastgroup == "comment":
            parts.append(" ")
        elif token.lastgroup == "name":
            names.add(_checked(token["name"]))
            parts.append(found)
        else:
            parts.append(found.replace("%", "%%"))
            if token.lastgroup == "text" and ";" in found:
                _refuse_a_second(text[token.end() - len(found.partition(";")[2]) :])
    sql = "".join(parts).strip().rstrip(";").rstrip()
    if not sql:
        raise ValueError("holds no SQL statement; write one")
    return Statement(sql, frozenset(names))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a value; write for example %(since)s")
    return name


def _refuse_a_second(rest: str) -> None:
    for token in _TOKEN.finditer(rest):
        if token.lastgroup != "comment" and token[0].strip(" \t\r\n;"):
            raise ValueError("holds more than one SQL statement; write one in each file")


def warnings(**queries: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the parameter of each query that writes, though it is only read, and why."""
    for key, path in queries.items():
        if path is not None and (word := writes(read(path))):
            yield key, f"is {word}, which writes, and the server refuses that; write one SELECT"


def writes(statement: Statement) -> str:
    """Return the word by which a statement writes, or "" if it only reads."""
    bare = "".join(
        " '' " if token.lastgroup == "literal" else token[0]
        for token in _TOKEN.finditer(statement.sql)
    )
    if found := _WRITING.match(bare) or _INTO_FILE.search(bare):
        return " ".join((found["word"] or found["then"]).upper().split())
    return ""


def fitting(statement: Statement, given: Iterable[str]) -> Statement:
    """Return the statement if it asks for exactly what is given, else raise `ValueError`."""
    known = ", ".join(f"%({name})s" for name in given) or "no values"
    if unknown := sorted(statement.names - set(given)):
        raise ValueError(f"asks for %({unknown[0]})s, which it is not given; given are {known}")
    if missing := [name for name in given if name not in statement.names]:
        raise ValueError(f"does not ask for %({missing[0]})s; it must, of {known}")
    return statement
