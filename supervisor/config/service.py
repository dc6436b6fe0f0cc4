"""What a service file says, as frozen values; `config` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import field, frozen

from supervisor.config.secret import Secret
from supervisor.observations import Duration


@frozen
class Module:
    """One `[[modules]]` table: a check, when it runs, and what becomes of what it sees."""

    check: str
    name: str
    every: Duration | None = None
    at: tuple[str, ...] = ()
    timeout: Duration = Duration(30)
    catch_up: Duration = Duration(600)
    fire_after: int = 1
    clear_after: int = 1
    max_conditions: int = 1000
    enabled: bool = True
    labels: Mapping[str, str] = field(factory=dict)
    annotations: Mapping[str, str] = field(factory=dict)
    params: object = None


@frozen
class Alertmanager:
    """The `[alertmanager]` table: every peer of the cluster, and how to talk to it."""

    urls: tuple[str, ...] = ()
    timeout: Duration = Duration(5)
    max_batch: int = 256
    min_visible: Duration = Duration(360)
    username: str = ""
    password: Secret | None = None
    bearer_token: Secret | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@frozen
class StatusListener:
    """The `[status]` table."""

    listen: str = ""
    hosts: tuple[str, ...] = ()
    token: Secret | None = None
    external_url: str = ""


@frozen
class Service:
    """One service file. `max_ledger` is in bytes; `labels` holds `host`."""

    path: Path = field(metadata={"key": False})
    service: str
    timezone: ZoneInfo
    report_lifetime: Duration = Duration(1800)
    resend_interval: Duration = Duration(60)
    stop_grace: Duration = Duration(10)
    heartbeat: bool = False
    max_ledger: int = 64 * 1024 * 1024
    labels: Mapping[str, str] = field(factory=dict)
    alertmanager: Alertmanager = field(factory=Alertmanager)
    status: StatusListener = field(factory=StatusListener)
    modules: tuple[Module, ...] = ()
