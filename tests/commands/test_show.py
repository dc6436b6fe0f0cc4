"""What `show` prints is a service file that says the same, with the place of each value."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.__main__ import main
from supervisor.commands.show import as_toml
from supervisor.config.explain.report import Places
from supervisor.config.service import Service
from tests.support.layered_files import FILES, HOST, load, write

ROOT = Path(__file__).parent.parent.parent

OWN = """
[[modules]]
check = "disk"
override = true
every = "2m"
[modules.params]
filesystems = [{ filesystem = "tmpfs", max_use_percent = { W = 60, E = 70 }, override = true }]
"""

SHOWN = """\
# families/KorPnr.toml + KorPnrProd1.toml + KorPnrProd1.d/50-mysql.toml
timezone = "Asia/Seoul"  # families/KorPnr.toml:1
service = "KOR-PNR-PROD1"  # KorPnrProd1.toml:1

[labels]
site = "prod1"  # KorPnrProd1.toml:5 for families/KorPnr.toml:9

[alertmanager]
urls = ["http://127.0.0.1:9093"]  # families/KorPnr.toml:12
username = "kor"  # families/KorPnr.toml:13
password = { env = "KOR_PASSWORD" }  # families/KorPnr.toml:14

[[modules]]
check = "disk"  # families/KorPnr.toml:17
every = "2m"  # KorPnrProd1.toml:11
[[modules.params.filesystems]]
filesystem = "/"  # families/KorPnr.toml:21
max_use_percent = 80  # families/KorPnr.toml:21
[[modules.params.filesystems]]
filesystem = "tmpfs"  # families/KorPnr.toml:22
max_use_percent = { W = 60, E = 70 }  # KorPnrProd1.toml:13

[[modules]]
check = "session"  # families/KorPnr.toml:26
every = "1m"  # families/KorPnr.toml:27
[modules.params]
max_total = 800  # families/KorPnr.toml:6 for families/KorPnr.toml:29

[[modules]]
check = "routing_table"  # families/KorPnr.toml:32
every = "5m"  # families/KorPnr.toml:33
[[modules.params.routes]]
destination = "0.0.0.0/0"  # families/KorPnr.toml:35
gateway = "127.0.100.1"  # KorPnrProd1.toml:6 for families/KorPnr.toml:35

[[modules]]
check = "systemd_unit"  # KorPnrProd1.d/50-mysql.toml:2
name = "mysql"  # KorPnrProd1.d/50-mysql.toml:3
every = "1m"  # KorPnrProd1.d/50-mysql.toml:4
[modules.params]
units = [{ name = "mysql.service" }]  # KorPnrProd1.d/50-mysql.toml:6
"""


def shown(path: Path, *, with_origins: bool = False) -> str:
    """Return what `show` prints of a file."""
    places = Places.in_use(load(path))
    assert places.effective is not None
    return as_toml(places.effective, places, with_origins=with_origins) + "\n"


def read_again(text: str, path: Path) -> Service:
    """Return the service of a text, as if it were in this file."""
    other = path.with_name("ReadAgain.toml")
    other.write_text(text, encoding="utf-8")
    try:
        return evolve(load(other), path=path)
    finally:
        other.unlink()


def test_each_value_is_shown_with_its_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + OWN})
    code = main(["show", "--origin", "--service", "KorPnrProd1", "--config-dir", str(tmp_path)])

    assert (code, capsys.readouterr().out) == (0, SHOWN)


@pytest.mark.parametrize("with_origins", [False, True])
@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda p: p.stem)
def test_what_is_shown_of_a_file_is_the_same_service(
    path: Path, tmp_path: Path, with_origins: bool
) -> None:
    shutil.copytree(ROOT / "configs", tmp_path, dirs_exist_ok=True)
    copy = tmp_path / path.name

    assert read_again(shown(copy, with_origins=with_origins), copy) == load(copy)


def test_what_is_shown_of_several_files_is_the_same_service(tmp_path: Path) -> None:
    path = write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + OWN})

    assert read_again(shown(path), path) == load(path)
    assert read_again(shown(path, with_origins=True), path) == load(path)


def test_a_wrong_file_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + "[alertmanager]\nurls = []\n"})
    code = main(["show", "--service", "KorPnrProd1", "--config-dir", str(tmp_path)])

    out, err = capsys.readouterr()
    assert (code, out) == (78, "")
    assert err.startswith(
        f"{tmp_path}/KorPnrProd1.toml:8: alertmanager.urls: is given twice, first in "
        f"{tmp_path}/families/KorPnr.toml:12; remove one, or write override = true in the table "
    )
