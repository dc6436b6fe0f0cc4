"""Queries to a real database, run as the supervisor runs them. None leaves anything behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks import sql
from checks._database.server import Database
from supervisor.api import Duration
from supervisor.config.service import Module
from supervisor.host import threads
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check
from supervisor.observations import Run
from tests.e2e.mariadb import MariaDbServer
from tests.support.check_context import context
from tests.support.sockets import open_sockets

TIMEOUT = 3.0
"""Of runs that fail at their limit of time."""

PATIENT = 60.0
"""Of runs that end sooner. A busy machine may take long for 10,000 rows."""

SLEEP = "SELECT SLEEP(30) AS slept"


@pytest.fixture(autouse=True)
def nothing_is_left(mariadb_server: MariaDbServer) -> Iterator[None]:
    before = open_sockets()
    yield
    mariadb_server.until_nobody()

    assert threads.abandoned_threads() == 0
    assert open_sockets() <= before


async def run_query(
    directory: Path, database: Database, query: str, seconds: float = PATIENT, **params: Any
) -> Run:
    """Run the check as the supervisor does."""
    file = directory / "query.sql"
    file.write_text(query, encoding="utf-8")
    module = Module(
        "sql",
        "m",
        Duration(60),
        timeout=Duration(seconds),
        params=sql.Params(database, file, **params),
    )
    return await execute(module, Check("sql", sql.Params, sql.run), context(), 0.0)


async def failure(
    directory: Path, database: Database, query: str = "SELECT 1 AS n", seconds: float = TIMEOUT
) -> str:
    """Return how a run failed. It must have ended by itself and in time."""
    done = await run_query(directory, database, query, seconds)

    assert done.result == "failed"
    assert not done.timed_out
    return done.error
