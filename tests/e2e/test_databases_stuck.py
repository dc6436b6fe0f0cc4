"""Queries that are slow, stuck, killed or stopped: a run ends in time, and nothing is left."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from supervisor.api import Duration
from tests.e2e.mariadb import SLOW, MariaDbServer, SlowProxy
from tests.e2e.queries import SLEEP, failure, nothing_is_left, run_query
from tests.support.patience import undisturbed

__all__ = ["nothing_is_left"]  # a fixture


async def test_a_query_of_30_s_is_stopped_by_the_server(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    error = await failure(tmp_path, mariadb.database(), SLOW)

    assert error.startswith("cannot query KOR-PNR at ")
    assert re.search(r"it ran, or waited for a lock, for [12](\.\d)? s and was stopped$", error)


async def test_the_databases_own_timeout_counts_too(tmp_path: Path, mariadb: MariaDbServer) -> None:
    done = await run_query(tmp_path, mariadb.database(read_timeout=Duration(10)), SLOW)

    assert done.error.endswith("for 9 s and was stopped")
    assert done.seconds < 20


async def test_a_locked_table_does_not_hold_up_a_run(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    with mariadb.locked("KOR-PNR", "flight"):
        error = await failure(tmp_path, mariadb.database(), "SELECT COUNT(*) AS n FROM flight")

    assert "waited for a lock" in error


@pytest.mark.parametrize("kill", ["KILL", "KILL QUERY"])
async def test_a_query_killed_in_the_middle_is_a_failure(
    tmp_path: Path, mariadb: MariaDbServer, kill: str
) -> None:
    errors = []

    async def ask() -> None:
        errors.append(
            await failure(tmp_path, mariadb.database(), "SELECT SLEEP(30) + id FROM flight", 20)
        )

    mariadb.sql("INSERT INTO flight VALUES (1, 'KE', '1', 'ICN', 'NRT', NOW())", "KOR-PNR")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        session = await trio.to_thread.run_sync(mariadb.until_querying, "SLEEP")
        mariadb.sql(f"{kill} {session}")

    assert errors[0].startswith(f"cannot query KOR-PNR at 127.0.0.1:{mariadb.port} as eborder: ")


async def test_a_server_killed_in_the_middle_is_a_failure(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    errors = []

    async def ask() -> None:
        errors.append(await failure(tmp_path, mariadb.database(), SLEEP, 20))

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.to_thread.run_sync(mariadb.until_querying, "SLEEP")
            mariadb.stop()
    finally:
        mariadb.start()

    assert errors[0].endswith("the server ended the connection")
    assert (await run_query(tmp_path, mariadb.database(), "SELECT 1 AS n")).result == "ok"


async def failures_through(directory: Path, mariadb: MariaDbServer, marker: bytes) -> list[str]:
    """Return how a run fails at a server that falls silent, and at one that drips."""
    query = "SELECT COUNT(*) AS n FROM seq_1_to_50"
    errors = {}

    async def ask(name: str, port: int) -> None:
        (directory / name).mkdir()
        error = await failure(directory / name, mariadb.database(port=port), query)
        errors[name] = error.replace(f":{port} ", ":PORT ")

    with (
        SlowProxy(mariadb.port, marker).running() as silent,
        SlowProxy(mariadb.port, marker, drips=True).running() as dripping,
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "silent", silent.port)
            nursery.start_soon(ask, "dripping", dripping.port)
    return sorted(errors.values())


async def test_a_server_that_never_finishes_its_greeting_is_given_up_on(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    errors = await failures_through(tmp_path, mariadb, b"")

    where = "KOR-PNR at 127.0.0.1:PORT as eborder"
    assert [re.sub(r"[12]\.\d s$", "TIME", error) for error in errors] == [
        f"cannot log in to {where}: no answer within TIME"
    ] * 2


async def test_a_server_that_never_finishes_its_answer_is_given_up_on(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    errors = await failures_through(tmp_path, mariadb, b"seq_1_to_50")

    where = "KOR-PNR at 127.0.0.1:PORT as eborder"
    assert [error.rpartition(" within ")[0] for error in errors] == [
        f"cannot query {where}: no answer"
    ] * 2


async def test_a_server_that_speaks_something_else_is_a_failure(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    async def greet(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"\x00" * 5_000_000)

    async with trio.open_nursery() as nursery:
        listeners: Sequence[trio.SocketListener] = await nursery.start(trio.serve_tcp, greet, 0)
        port = listeners[0].socket.getsockname()[1]
        error = await failure(tmp_path, mariadb.database(port=port))
        nursery.cancel_scope.cancel()

    assert error.startswith(f"cannot log in to KOR-PNR at 127.0.0.1:{port} as eborder: ")


@pytest.mark.parametrize("query", [SLEEP, "SELECT BENCHMARK(2000000000, SHA2('a', 256)) AS n"])
async def test_a_run_that_is_stopped_leaves_no_query_on_the_server(
    tmp_path: Path, mariadb: MariaDbServer, query: str
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_query, tmp_path, mariadb.database(), query, 60)
        await trio.to_thread.run_sync(mariadb.until_querying, query[:12])
        begun = undisturbed()
        nursery.cancel_scope.cancel()

    assert undisturbed() - begun < 1
    mariadb.until_nobody()


async def test_a_run_that_is_stopped_does_not_disturb_others_of_the_same_database(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    results = set()
    (tmp_path / "slow").mkdir()

    async def ask_again_and_again() -> None:
        while True:
            results.add((await run_query(tmp_path, mariadb.database(), "SELECT 1 AS n")).result)

    async with trio.open_nursery() as asking:
        asking.start_soon(ask_again_and_again)
        for _ in range(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_query, tmp_path / "slow", mariadb.database(), SLEEP, 60)
                await trio.to_thread.run_sync(mariadb.until_querying, "SLEEP")
                nursery.cancel_scope.cancel()
        asking.cancel_scope.cancel()

    assert results == {"ok"}


async def test_many_runs_at_once_leave_nothing_behind(
    tmp_path: Path, mariadb: MariaDbServer
) -> None:
    before = threading.active_count()
    with SlowProxy(mariadb.port).running() as proxy, trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(
                    run_query, tmp_path, mariadb.database(port=proxy.port), SLEEP, 60
                )

    assert threading.active_count() - before <= 100 + 2  # idle threads of trio, which end in 10 s
