"""SQL files: which values they ask for, what is sent, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pymysql
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from checks._database import sql_file
from checks._database.sql_file import QuerySpec, Statement, parse
from supervisor.api import CheckFailed

LITERALS = ("'it''s; %d'", "'a\\'b'", '"say ""no"" -- to"', "`od;d`", "/*! 5 */", "/*+ hint */")
COMMENTS = ("-- a 'quote\n", '# "one\n', "/* `; %(x)s */", "--\n")
WORDS = ("SELECT", "a%b", "5 - 3", "x/y", "(", ")", "LIKE", "#\n", "대한", "%", "%%", "%s", "%(a")


def bound(statement: Statement, values: dict[str, object]) -> str:
    """Return the text that the driver sends."""
    connection = pymysql.Connection(defer_connect=True, ssl_disabled=True)
    connection.server_status = 0  # type: ignore[attr-defined]  # a server would have told
    return connection.cursor().mogrify(statement.sql, values)


def test_values_stand_where_their_names_are_and_other_percents_are_sql() -> None:
    statement = parse("SELECT '50%', a % 2, DATE_FORMAT(t, '%Y') WHERE n IN %(names)s AND b=%(b)s")

    assert statement.names == {"names", "b"}
    assert bound(statement, {"names": ("KE", "NO"), "b": "it's"}) == (
        "SELECT '50%', a % 2, DATE_FORMAT(t, '%Y') WHERE n IN ('KE','NO') AND b='it\\'s'"
    )


def test_comments_are_not_sent_and_ask_for_nothing() -> None:
    statement = parse("-- by %(who)s\nSELECT /* %(x)s; */ 1 # it's\n;\n-- the end")

    assert statement.names == frozenset()
    assert bound(statement, {}).split() == ["SELECT", "1"]


@given(
    st.lists(
        st.one_of(
            st.sampled_from(LITERALS).map(lambda text: ("literal", text)),
            st.sampled_from(COMMENTS).map(lambda text: ("comment", text)),
            st.sampled_from(WORDS).map(lambda text: ("word", text)),
            st.sampled_from(("a", "b_1")).map(lambda text: ("name", text)),
        )
    )
)
def test_any_mixture_is_taken_apart_and_put_together(parts: list[tuple[str, str]]) -> None:
    written = {"name": "%({})s"}
    text = " ".join(written.get(kind, "{}").format(part) for kind, part in parts)
    kept = [part for kind, part in parts if kind != "comment" and part != "#\n"]
    if not kept:
        with pytest.raises(ValueError, match="holds no SQL"):
            parse(text)
        return
    statement = parse(text)

    assert statement.names == {part for kind, part in parts if kind == "name"}
    sent = bound(statement, {"a": "a", "b_1": "b_1"}).replace("'a'", "a").replace("'b_1'", "b_1")
    assert sent.split() == " ".join(kept).split()


@given(st.text(alphabet="ab '\"`\\%()s;-#/*!\n대"))
def test_any_text_is_a_statement_or_refused_with_a_remedy(text: str) -> None:
    wrong = ""
    try:
        statement = parse(text)
        bound(statement, dict.fromkeys(statement.names, 1))
    except ValueError as error:
        wrong = str(error)

    assert not wrong or "; " in wrong


@given(st.text())
def test_a_value_cannot_become_sql(value: str) -> None:
    sent = bound(parse("SELECT %(v)s AS v"), {"v": value})
    body = sent.removeprefix("SELECT '").removesuffix("' AS v")

    assert "'" not in body.replace("\\\\", "").replace("\\'", "")
    assert not body.replace("\\\\", "").endswith("\\")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "holds no SQL statement; write one"),
        (" -- nothing\n;", "holds no SQL statement; write one"),
        ("SELECT 1; SELECT 2", "holds more than one SQL statement; write one in each file"),
        ("SELECT '%(a)s'", "%(a)s stands in quotes; the value brings its own, remove them"),
        ("SELECT\n'a", "line 2 opens ', which is never closed; close it"),
        ("SELECT /* a", "line 1 opens /*, which is never closed; close it"),
        ("SELECT %(a b)s", "'a b' is not the name of a value; write for example %(since)s"),
    ],
)
def test_anything_but_one_statement_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match="; ") as caught:
        parse(text)

    assert str(caught.value) == wrong


def test_a_query_must_ask_for_what_it_is_given_and_for_nothing_else(tmp_path: Path) -> None:
    spec = QuerySpec("x.sql", {"since": 1, "until": 2})
    path = tmp_path / "query.sql"

    path.write_text("SELECT %(since)s, %(until)s", encoding="utf-8-sig")
    spec.check_file(path)
    path.write_text("SELECT %(since)s")
    with pytest.raises(ValueError, match=r"does not ask for %\(until\)s; it must, of %\(since\)s"):
        spec.check_file(path)
    path.write_text("SELECT %(since)s, %(untill)s")
    with pytest.raises(ValueError, match=r"asks for %\(untill\)s, which it is not given; given"):
        spec.check_file(path)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, "cannot be read: .*: No such file or directory; give the path"),
        (b"\xff\xfe", "is not UTF-8; save it"),
        (b" " * (1 << 20) + b"a", "it is larger than 1 MiB; give the path of a file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, wrong: str
) -> None:
    path = tmp_path / "query.sql"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ValueError, match=wrong) as caught:
        sql_file.read(path)
    assert str(path) in str(caught.value)
    with pytest.raises(CheckFailed, match=f"cannot use {path}: "):
        trio.run(sql_file.load, path, ())


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match=r"cannot be read: .*pipe: it is not a regular file"):
        sql_file.read(tmp_path / "pipe")


def test_the_shipped_queries_fit_their_checks() -> None:
    from checks import pnr_last_message_date, pnr_push_process, pnr_report

    specs = (
        pnr_push_process.QUERY,
        pnr_last_message_date.SELECT,
        pnr_last_message_date.UPDATE,
        pnr_report.QUERY,
        pnr_report.SERVICES,
    )
    for spec in specs:
        spec.check_file(sql_file.shipped(spec.file))

    directory = sql_file.shipped("")
    named = {spec.file for spec in specs} | {"reference_schema.sql"}
    assert {path.name for path in directory.glob("*.sql")} == named
    readme = (directory / "README.md").read_text(encoding="utf-8")
    for spec in specs:
        assert all(f"%({name})s" in readme for name in spec.given)
        assert all(f"`{column}`" in readme for column in spec.columns)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("UPDATE jobs SET done = 1", "UPDATE"),
        ("/* tidy */ delete from jobs", "DELETE"),
        ("WITH old AS (SELECT 1 AS id) DELETE FROM jobs USING jobs JOIN old", "DELETE"),
        ("(insert into t values (1))", "INSERT"),
        ("SELECT * FROM t INTO  OUTFILE '/tmp/x'", "INTO OUTFILE"),
        ("truncate t", "TRUNCATE"),
    ],
)
def test_a_query_that_writes_is_warned_of_where_it_is_read(
    tmp_path: Path, text: str, word: str
) -> None:
    path = tmp_path / "query.sql"
    path.write_text(text, encoding="utf-8")

    assert [*sql_file.warnings(query=path, other=None)] == [
        ("query", f"is {word}, which writes, and the server refuses that; write one SELECT")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'update', `delete` FROM t WHERE x = 'INTO OUTFILE'",
        "WITH RECURSIVE n AS (SELECT 1) SELECT replace(a, 'x', '') FROM n",
        "SHOW STATUS LIKE 'Threads%'",
        "SELECT updated, setting FROM t",
        "(SELECT 1) UNION (SELECT 2)",
    ],
)
def test_a_query_that_reads_is_not_warned_of(text: str) -> None:
    assert sql_file.writes(parse(text)) == ""
