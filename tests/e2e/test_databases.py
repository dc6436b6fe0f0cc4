"""Databases that refuse, are down or are asked nonsense: a run says why, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest
import trio

from checks._database.query import read, write
from checks._database.sql_file import Statement, parse
from supervisor.api import Limit, Measurement, Secret
from tests.e2e.mariadb import IS_MYSQL, STATUS_SCHEMA, TEN, MariaDbServer
from tests.e2e.queries import PATIENT, failure, nothing_is_left, run_query
from tests.support.ports import free_port

__all__ = ["nothing_is_left"]  # a fixture

NUMBERS = f"SELECT (@n := @n + 1) AS n FROM (SELECT @n := 0) a0, {', '.join(f'{TEN} a{each}' for each in range(1, 6))} LIMIT "  # noqa: S608, E501 - the test's own text
"""A query for different numbers; how many follows."""

NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Asia/Seoul"))


async def test_a_query_is_answered(tmp_path: Path, mariadb: MariaDbServer) -> None:
    done = await run_query(tmp_path, mariadb.database(), "SELECT 41 + 1 AS n")

    assert done.observations == (Measurement("value", 42.0),)


async def test_a_local_socket_can_be_used(tmp_path: Path, mariadb: MariaDbServer) -> None:
    database = mariadb.database(socket=mariadb.socket, port=1)
    done = await run_query(tmp_path, database, "SELECT 41 + 1 AS n")

    assert done.observations == (Measurement("value", 42.0),)


async def test_tls_is_verified(tmp_path: Path, mariadb: MariaDbServer) -> None:
    query = (
        f"SELECT LENGTH(variable_value) AS n FROM {STATUS_SCHEMA}.session_status "  # noqa: S608 - the test's own text
        "WHERE variable_name = 'Ssl_cipher'"
    )
    trusted = mariadb.database(tls=True, ca_file=mariadb.ca_file)
    done = await run_query(tmp_path, trusted, query, min=Limit.of(1.0))
    plain = await run_query(tmp_path, mariadb.database(), query, min=Limit.of(1.0))

    assert (done.result, plain.result) == ("ok", "conditions")
    assert await failure(tmp_path, mariadb.database(tls=True)) == (
        f"cannot log in to KOR-PNR at 127.0.0.1:{mariadb.port} as eborder: its certificate is not "
        "to be trusted: unable to get local issuer certificate"
    )
    misnamed = attrs.evolve(trusted, host="localhost")
    assert "Hostname mismatch" in await failure(tmp_path, misnamed)


@pytest.mark.skipif(not IS_MYSQL, reason="MariaDB does not encrypt passwords with RSA")
async def test_a_password_too_long_for_rsa_needs_tls(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    file = tmp_path / "password"
    file.write_text("x" * 250, encoding="utf-8")
    file.chmod(0o600)
    mariadb.sql(f"CREATE USER long_one IDENTIFIED BY '{'x' * 250}'")
    mariadb.sql("GRANT ALL ON `KOR-PNR`.* TO long_one")
    database = mariadb.database(user="long_one", password=Secret("file", str(file)))
    plain = await failure(tmp_path, database)
    encrypted = attrs.evolve(database, tls=True, ca_file=mariadb.ca_file)

    assert plain.endswith(": without TLS a password has at most 213 bytes; set tls = true")
    assert (await run_query(tmp_path, encrypted, "SELECT 1 AS n")).result == "ok"


async def test_a_server_that_is_down_is_named(tmp_path: Path, mariadb: MariaDbServer) -> None:
    port = free_port()
    error = await failure(tmp_path, mariadb.database(port=port))
    by_socket = await failure(tmp_path, mariadb.database(socket=tmp_path / "none"))

    assert error == f"cannot connect to KOR-PNR at 127.0.0.1:{port} as eborder: Connection refused"
    assert by_socket == (
        f"cannot connect to KOR-PNR at {tmp_path / 'none'} as eborder: No such file or directory"
    )


async def test_a_host_without_address_is_named(tmp_path: Path, mariadb: MariaDbServer) -> None:
    error = await failure(tmp_path, mariadb.database(host="db.example.invalid"), seconds=10)

    assert error.startswith("cannot resolve db.example.invalid: ")


async def test_a_refused_login_names_the_user_and_no_password(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("dummy-비밀-wrong")
    wrong.chmod(0o600)
    error = await failure(tmp_path, mariadb.database(password=Secret("file", str(wrong))))

    assert error == (
        f"cannot log in to KOR-PNR at 127.0.0.1:{mariadb.port} as eborder: "
        "Access denied for user 'eborder'@'127.0.0.1' (using password: YES)"
    )


async def test_a_missing_or_open_secret_is_named(tmp_path: Path, mariadb: MariaDbServer) -> None:
    where = f"cannot log in to KOR-PNR at 127.0.0.1:{mariadb.port} as eborder: "
    missing = mariadb.database(password=Secret("file", str(tmp_path / "none")))
    (tmp_path / "open").write_text("dummy-open")
    (tmp_path / "open").chmod(0o644)
    readable = mariadb.database(password=Secret("file", str(tmp_path / "open")))

    assert await failure(tmp_path, missing) == (
        f"{where}cannot read the secret {tmp_path / 'none'}: "
        f"[Errno 2] No such file or directory: '{tmp_path / 'none'}'"
    )
    assert "others may read it" in await failure(tmp_path, readable)


async def test_a_password_is_read_again_in_each_run(tmp_path: Path, mariadb: MariaDbServer) -> None:
    file = tmp_path / "password"
    file.write_text("dummy-old")
    file.chmod(0o600)
    database = mariadb.database(password=Secret("file", str(file)))
    await failure(tmp_path, database)

    file.write_text(mariadb.password + "\n")

    assert (await run_query(tmp_path, database, "SELECT 1 AS n")).result == "ok"


@pytest.mark.parametrize(
    ("name", "query", "reason"),
    [
        ("KOR-PNR", "SELECT 1 FROM absent", "Table 'KOR-PNR.absent' doesn't exist"),
        ("KOR-PNR", "SELECT absent FROM flight", "Unknown column 'absent' in "),
        ("KOR-PNR", "SELEC 1", "You have an error in your SQL syntax"),
        ("", "SELECT 1 FROM flight", "No database selected"),
        ("KOR-PNR", "DELETE FROM flight", "Cannot execute statement in a READ ONLY transaction"),
        ("KOR-PNR", "CREATE TABLE x (a INT)", "Cannot execute statement in a READ ONLY"),
    ],
)
async def test_a_query_that_does_not_fit_is_explained(
    tmp_path: Path, mariadb: MariaDbServer, name: str, query: str, reason: str
) -> None:
    error = await failure(tmp_path, mariadb.database(name), query)

    assert error.startswith("cannot query ")
    assert reason.lower() in error.lower()


async def test_a_database_that_does_not_exist_is_named(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    error = await failure(tmp_path, mariadb.database("absent"))

    assert error.startswith(f"cannot log in to absent at 127.0.0.1:{mariadb.port} as eborder: ")


async def test_too_many_rows_are_an_error(tmp_path: Path, mariadb: MariaDbServer) -> None:
    fitting = await run_query(tmp_path, mariadb.database(), f"{NUMBERS}10000", instance_column="n")
    error = await failure(tmp_path, mariadb.database(), f"{NUMBERS}10001", PATIENT)

    assert len(fitting.observations) == 10_000
    assert error.endswith("returns more than 10,000 rows")


def insert(code: str) -> Statement:
    return parse(f"INSERT INTO service (server_name, service) VALUES ('T', {code})")  # noqa: S608  # the test's own text


async def test_of_several_writes_all_or_none_are_kept(mariadb: MariaDbServer) -> None:
    database, statement = mariadb.database("eborder"), insert("%(code)s")
    with pytest.raises(Exception, match="Duplicate entry"):
        await write(NOW, database, statement, [{"code": "KE"}, {"code": "OZ"}, {"code": "KE"}])
    assert mariadb.sql("SELECT service FROM service", "eborder") == []

    await write(NOW, database, statement, [{"code": "KE"}, {"code": "OZ"}])

    assert mariadb.sql("SELECT service FROM service", "eborder") == [("KE",), ("OZ",)]


async def test_a_write_that_is_stopped_is_rolled_back(mariadb: MariaDbServer) -> None:
    values = [{"code": "KE"}, {"code": "OZ"}]
    statement = insert("IF(%(code)s = 'OZ', SLEEP(30), %(code)s)")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write, NOW, mariadb.database("eborder"), statement, values)
        await trio.to_thread.run_sync(mariadb.until_querying, "'OZ' = 'OZ'")
        nursery.cancel_scope.cancel()
    mariadb.until_nobody()

    assert mariadb.sql("SELECT service FROM service", "eborder") == []


@contextmanager
def offset(mariadb: MariaDbServer) -> Iterator[None]:
    mariadb.sql("SET GLOBAL time_zone = '-05:00'")
    yield
    mariadb.sql("SET GLOBAL time_zone = 'SYSTEM'")


async def test_a_session_lives_in_the_zone_of_the_service_and_in_utf8(
    mariadb: MariaDbServer,
) -> None:
    query = parse(
        "SELECT FROM_UNIXTIME(%(stamp)s) AS at, '대한항공 ✈ 😀' AS name, %(name)s AS same"
    )
    with offset(mariadb):
        (rows,) = await read(
            NOW,
            mariadb.database(),
            (query, {"stamp": NOW.timestamp(), "name": "대한항공 😀 % ' \\"}),
        )

    assert rows.rows[0][0] == NOW.replace(tzinfo=None)
    assert rows.rows[0][1:] == ("대한항공 ✈ 😀", "대한항공 😀 % ' \\")
