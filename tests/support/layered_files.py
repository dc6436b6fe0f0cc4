"""A service file with a family and fragments: written to a directory, read, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from supervisor.config.load import load_service
from supervisor.config.service import Service
from supervisor.errors import ConfigError
from supervisor.modules.loader import load_check

HOST = """\
service = "KOR-PNR-PROD1"
extends = "families/KorPnr.toml"

[vars]
site = "prod1"
gateway = "127.0.100.1"
"""

FAMILY = """\
timezone = "Asia/Seoul"

[vars]
site = { type = "text" }
gateway = { type = "address" }
max_sessions = { type = "integer", default = 800 }

[labels]
site = { var = "site" }

[alertmanager]
urls = ["http://127.0.0.1:9093"]
username = "kor"
password = { env = "KOR_PASSWORD" }

[[modules]]
check = "disk"
every = "1m"
[modules.params]
filesystems = [
    { filesystem = "/", max_use_percent = 80 },
    { filesystem = "tmpfs", max_use_percent = 90 },
]

[[modules]]
check = "session"
every = "1m"
[modules.params]
max_total = { var = "max_sessions" }

[[modules]]
check = "routing_table"
every = "5m"
[modules.params]
routes = [{ destination = "0.0.0.0/0", gateway = { var = "gateway" } }]
"""

FRAGMENT = """\
[[modules]]
check = "systemd_unit"
name = "mysql"
every = "1m"
[[modules.params.units]]
name = "mysql.service"
"""

FILES = {
    "KorPnrProd1.toml": HOST,
    "families/KorPnr.toml": FAMILY,
    "KorPnrProd1.d/50-mysql.toml": FRAGMENT,
}
"""A host of a family with one fragment, by the files' names."""


def write(directory: Path, files: Mapping[str, str]) -> Path:
    """Write files below a directory. Return the path of the first one, the service file."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
    return directory / next(iter(files))


def load(path: Path) -> Service:
    """Return the service of a file with the checks that come along."""
    return load_service(path, lambda check: load_check(check).params)


def problems(path: Path) -> list[str]:
    """Return what is wrong with a service file. Files are named from its directory on."""
    try:
        load(path)
    except ConfigError as error:
        return [str(each).replace(f"{path.parent}/", "") for each in error.problems]
    return []
