"""A service file with every key, the checks that it names, and the problems of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from attrs import field, frozen, validators

from supervisor.config.load import load_service
from supervisor.config.secret import Secret
from supervisor.config.service import Service
from supervisor.errors import ConfigError
from supervisor.observations import Duration

FORMS = '{ credential = "name" }, { file = "path" } or { env = "NAME" }'
NO_SECRET = f"a secret is never written here, write {FORMS}"


@frozen
class Server:
    name: str
    host: str
    port: int = field(default=80, validator=validators.ge(1))


@frozen
class Ports:
    servers: tuple[Server, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    ratio: float = 0.5
    wait: Duration | None = None
    key: Secret | None = None
    targets: str | tuple[str, ...] = ""
    limits: Mapping[str, float] = field(factory=dict)
    anything: Mapping[str, object] = field(factory=dict)
    zone: ZoneInfo | None = None
    file: Path | None = None

    def __attrs_post_init__(self) -> None:
        if self.mode == "slow" and self.ratio > 1:
            raise ValueError("ratio is over 1 in slow mode; write at most 1")


@frozen
class Nothing:
    pass


def params_of(name: str) -> type:
    checks = {"ports": Ports, "plain": Nothing}
    if name not in checks:
        raise ValueError(f"there is no check '{name}'; known checks are plain, ports")
    return checks[name]


SERVICE = """
service = "KOR-PNR-TEST"
"""
MODULE = """
[[modules]]
check = "plain"
every = "5m"
"""
FULL = """
service = "KOR-PNR-TEST"
timezone = "Asia/Seoul"
report_lifetime = "30m"
resend_interval = 60
stop_grace = "10s"
heartbeat = true
max_ledger = "1GiB"

[labels]
site = "test"
host = "alpha"

[alertmanager]
urls = ["http://127.0.0.1:9093/am/", "https://am.example.invalid"]
timeout = "5s"
max_batch = 10
min_visible = "6m"
username = "watch"
password = { file = "/run/secret" }

[status]
listen = "[::1]:9477"
hosts = ["status.example.invalid"]
external_url = "https://am.example.invalid/status?from=alert"

[[modules]]
check = "ports"
name = "peers"
every = "5m"
at = ["00:00-23:55"]
timeout = 12.5
catch_up = 0
fire_after = 2
clear_after = 3
max_conditions = 4
enabled = false
labels = { team = "red" }
annotations = { runbook = "https://example.invalid/runbook" }
[modules.params]
servers = [{ name = "USTD-DEV1", host = "127.0.14.31", port = 1112 }]
mode = "slow"
ratio = 1
wait = "1m"
key = { env = "KEY" }
targets = ["a", "b"]
limits = { a = 1, b = 2.5 }
anything = { a = [1, "two", { three = true }] }
zone = "UTC"
file = "/etc/hosts"

[[modules]]
check = "plain"
at = ["09:00"]
"""


def load(tmp_path: Path, text: str | bytes) -> Service:
    path = tmp_path / "KorPnrTest.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_service(path, params_of)


def problems(tmp_path: Path, text: str | bytes) -> list[str]:
    """Return the problems of the file, each with its whole key, without file and line."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    shown = f"{tmp_path / 'KorPnrTest.toml'}"
    assert all(str(problem).startswith(shown) for problem in caught.value.problems)
    return [
        ": ".join(filter(None, (each.key, f"{each.wrong}; {each.remedy}")))
        for each in caught.value.problems
    ]
