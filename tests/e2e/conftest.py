"""Fixtures that start real programs in temporary directories on free loopback ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mariadb import MariaDbServer
from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    with SmtpSink().running() as sink:
        yield sink


@pytest.fixture
def alertmanager(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[AlertmanagerServer]:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    server = AlertmanagerServer(directory, f"127.0.0.1:{smtp_sink.port}")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[SupervisorProcess]:
    directory = tmp_path / "supervisor"
    directory.mkdir()
    process = SupervisorProcess(directory)
    yield process
    process.kill()


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDbServer]:
    server = MariaDbServer(tmp_path_factory.mktemp("mariadb"))
    try:
        server.prepare()
        yield server
    finally:
        server.stop()


@pytest.fixture
def mariadb(mariadb_server: MariaDbServer) -> MariaDbServer:
    """The one MariaDB of all tests, without any rows."""
    mariadb_server.empty()
    return mariadb_server


@pytest.fixture(autouse=True)
def no_step_blocks() -> None:
    """Let steps block: the supervisor is another process here, and the loop is the test's own."""
