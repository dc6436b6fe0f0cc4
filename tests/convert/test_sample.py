"""The sample of the legacy agent: each key becomes a typed parameter, and nothing is lost."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from supervisor.convert.conversion import Conversion
from supervisor.convert.service_file.secrets import Secrets
from tests.support.conversions import SAMPLE, loaded, made, warnings

ROOT = Path(__file__).parent.parent.parent
"""The checkout."""

SECRETS = Path("/run/secrets")
"""Where the secrets are to be."""


@pytest.fixture(scope="module")
def sample() -> Conversion:
    return made(SAMPLE, Secrets(SECRETS))


def tables(conversion: Conversion) -> dict[str, dict[str, Any]]:
    return {each["check"]: each for each in tomllib.loads(conversion.text)["modules"]}


def database(secret: str, host: str = "127.0.0.1", **others: str) -> dict[str, Any]:
    password = {"file": f"{SECRETS}/KorPnrTest-eborder-{secret}"}
    return {
        "host": host, "port": 3306, "user": "eborder", "password": password, **others,
        "read_timeout": "1m",
    }  # fmt: skip


ROUTE = ("destination", "gateway", "netmask", "interface")
"""The keys of a route."""

LOCAL = "127_0_0_1"
"""The PNR database, as the names of secrets have it."""

REMOTE = "127_0_100_151"
"""The monitoring database, as the names of secrets have it."""

PARAMS: dict[str, dict[str, Any]] = {
    "connection": {"servers": [{"name": "USTD-DEV1", "host": "127.0.14.31", "port": 1112}]},
    "daemon": {
        "exclude_pid_check": ["edifactParser_v2"],
        "daemons": [
            {"name": "xaAMR", "processes": ["com.arinc.amr.control.nix.Main"]},
            {"name": "httConnector", "hosts": ["1E", "BX"]},
            {"name": "sabreConnector_1S"},
            {
                "name": "flightCollectingScheduler",
                "processes": ["flightCollectingScheduler_v3_kor"],
                "monitor": True,
            },
            {
                "name": "pnrCollectingScheduler",
                "processes": ["pnrCollectingScheduler_v3_kor"],
                "monitor": True,
            },
            {"name": "pushPnrManager_v3_kor", "monitor": True},
            {"name": "edifactMessageParser", "monitor": True},
            {"name": "archiveManager", "processes": ["archiveManager_PnrTest"], "monitor": True},
            {"name": "mysqld", "processes": ["/usr/sbin/mysqld"]},
            {"name": "serviceMonitor", "processes": ["serviceMonitor_KorPnrTest"], "monitor": True},
        ],
    },
    "daily": {"timezone": "Asia/Seoul"},
    "session": {
        "max_total": 800,
        "sessions": [
            {"name": "xaAMR", "port": 1617, "limit": 80, "when": "over", "alert": False},
            {"name": "DB", "port": 3306, "limit": 50, "when": "over", "alert": False},
        ],
    },
    "unprocessed_file": {
        "directories": [
            {"directory": "/home/eborder/xaAMR/kor/inbound/push", "max_age": "10m"},
            {"directory": "/home/eborder/xaAMR/kor/outbound/CIQ", "max_age": "10m"},
        ]
    },
    "pnr_push_process": {
        "airports_file": "/home/eborder/pnr/config/localAirportCodes_kor.json",
        "poll_interval": "10s",
        "process_within": "10m",
        "database": database(LOCAL, name="KOR-PNR"),
    },
    "pnr_last_message_date": {
        "server_name": "TEST",
        "pnr_database": database(LOCAL),
        "monitoring_database": database(REMOTE, "127.0.100.151", name="eborder"),
    },
    "pnr_report": {
        "timezone": "Asia/Seoul",
        "process_names": {"U": "Job Updater"},
        "exclude_services": ["4V", "TW", "JQ", "VJ", "ZE"],
        "databases": [database(LOCAL, name="KOR-PNR"), database(LOCAL, name="JPN-PNR")],
        "monitoring_database": database(REMOTE, "127.0.100.151", name="eborder"),
    },
}
"""The parameters of each check as the legacy module had them."""


@pytest.mark.parametrize("check", PARAMS)
def test_parameters_are_those_of_the_legacy_module(sample: Conversion, check: str) -> None:
    assert PARAMS[check] == tables(sample)[check]["params"]


def test_filesystems_and_routes_keep_their_order(sample: Conversion) -> None:
    disk, inode, routes = (
        tables(sample)[each]["params"] for each in ("disk", "inode", "routing_table")
    )

    assert {"filesystem": "/dev/sda3", "max_use_percent": 10, "backup": True} == disk[
        "filesystems"
    ][0]
    assert [10, 5, 15, 5, 100, 100, 100] == [e["max_use_percent"] for e in disk["filesystems"]]
    assert [5, 5, 5, 5, 100, 100, 100] == [e["max_use_percent"] for e in inode["filesystems"]]
    assert [
        ["0.0.0.0", "127.0.100.1", "0.0.0.0", "bond1"],  # noqa: S104  # the default route
        ["127.0.100.0", "0.0.0.0", "255.255.255.0", "bond1"],  # noqa: S104  # no gateway
    ] == [[each[key] for key in ROUTE] for each in routes["routes"]]


def test_timeouts_leave_room_for_the_databases(sample: Conversion) -> None:
    timeouts = {name: table["timeout"] for name, table in tables(sample).items()}

    assert "6m" == timeouts.pop("pnr_report")
    assert {"5m"} == set(timeouts.values())


def test_every_key_is_mapped(sample: Conversion) -> None:
    written = re.findall(r"(?m)^[ -]*([A-Za-z]+):", SAMPLE.read_text(encoding="utf-8"))
    mapped = [each.legacy.rpartition(".")[2] for each in sample.journal.mapped]

    assert sample.journal.unmapped == []
    assert sorted(set(written) - {"U"}) == sorted(set(mapped))


def test_the_agent_itself_is_commented_out(sample: Conversion) -> None:
    line = (
        '    # { name = "alertmanager", processes = ["alertmanager_KorPnrTest"], monitor = true },'
    )

    assert line in sample.text.splitlines()
    assert "is the legacy agent itself: commented out" in warnings(sample)


def test_comments_stand_before_what_they_comment(sample: Conversion) -> None:
    assert "\n\n# Alertmanager 설정\n[alertmanager]\n" in sample.text
    assert '\n\n# 모니터링 모듈 설정\n[[modules]]\ncheck = "connection"\n' in sample.text


def test_passwords_are_nowhere_but_in_the_secrets(tmp_path: Path) -> None:
    secrets = Secrets()
    conversion = made(SAMPLE, secrets)

    assert ["dummy-pnr-password", "dummy-monitor-password"] == list(secrets.values.values())
    assert "dummy-" not in conversion.text
    assert "dummy-" not in repr(conversion.journal)
    assert 'password = { credential = "KorPnrTest-eborder-127_0_0_1" }' in conversion.text
    assert loaded(conversion, tmp_path).modules


def test_the_sample_gives_the_golden_file() -> None:
    text = made(SAMPLE).text.replace(
        'service = "KOR-PNR-TEST"\n', 'service = "KOR-PNR-TEST"\ntimezone = "Asia/Seoul"\n'
    )

    assert text == (ROOT / "tests/convert/converted/KorPnrTest.toml").read_text(encoding="utf-8")


def test_a_database_without_a_name_is_pointed_out(sample: Conversion) -> None:
    assert "PNRDatabaseServer has no DatabaseName: write name = …" in warnings(sample)
