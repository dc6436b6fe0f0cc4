"""`scripts/convert_yaml.py --family` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supervisor import __main__ as supervisor
from supervisor.convert.command import main
from tests.support.conversions import HEAD
from tests.support.legacy_hosts import CHANGES, legacy_hosts

DAYS = ("2026-03-29", "2026-11-29")
"""Days of which the plan is compared."""


@pytest.fixture
def out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """Return a directory with a family and its hosts, converted."""
    assert 0 == main(
        [*map(str, legacy_hosts(tmp_path)), f"--out={tmp_path / 'out'}", "--family=Kor"]
    )
    capfd.readouterr()
    return tmp_path / "out"


def printed(capfd: pytest.CaptureFixture[str], directory: Path, *command: str) -> str:
    assert 0 == supervisor.main([*command, f"--config-dir={directory}"])
    return capfd.readouterr().out


def test_each_host_has_the_plan_of_its_file_alone(
    out: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone"
    assert 0 == main([*map(str, tmp_path.glob("*.conf")), f"--out={alone}"])
    capfd.readouterr()
    for host in CHANGES:
        for day in DAYS:
            for form in ("text", "json"):
                plan = ("plan", "--service", host, "--date", day, "--format", form)
                assert printed(capfd, alone, *plan) == printed(capfd, out, *plan)


def test_a_host_says_what_is_its_own(out: Path) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in out.glob("*.toml")}

    assert {*CHANGES} == {*texts}
    assert """\
service = "KOR-PNR-PROD2"
extends = "families/Kor.toml"

[vars]
archive_manager_processes = ["archiveManager_PnrProd2"]
service_monitor_processes = ["serviceMonitor_KorPnrProd2"]
max_total = 900
database_password = { credential = "KorPnrProd2-eborder-127_0_0_1" }
server_name = "PROD2"
monitoring_database_password = { credential = "KorPnrProd2-eborder-127_0_100_151" }
""" == texts["KorPnrProd2"]


def test_a_family_declares_what_differs_and_keeps_the_comments_of_all(out: Path) -> None:
    text = (out / "families/Kor.toml").read_text(encoding="utf-8")

    assert """\
# What KorPnrProd1, KorPnrProd2, KorPnrTest share. Converted by scripts/convert_yaml.py --family.
[vars]
alertmanager_urls = { type = "list of text", default = ["http://127.0.14.31:9093"] }
ustd_dev1_host = { type = "address", default = "127.0.14.31" }
archive_manager_processes = { type = "list of text" }
service_monitor_processes = { type = "list of text" }
dev_sda3_max_use_percent = { type = "integer", default = 10 }
max_total = { type = "integer", default = 800 }
database_password = { type = "secret" }
server_name = { type = "text" }
monitoring_database_password = { type = "secret" }

# Alertmanager 설정
[alertmanager]
urls = { var = "alertmanager_urls" }

# 모니터링 모듈 설정
[[modules]]
check = "connection"
""" == text[: text.index("at =")]
    assert "dummy-" not in text


def test_the_report_tells_what_became_of_the_family(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs, option = [*map(str, legacy_hosts(tmp_path))], f"--out={tmp_path / 'out'}"
    assert 0 == main([*inputs, option, "--family=Kor", "--json"])
    family = json.loads(capfd.readouterr().out)["family"]
    assert 0 == main([*inputs, option, "--family=Kor", "--check"])
    said = capfd.readouterr().out

    assert (str(tmp_path / "out/families/Kor.toml"), "written") == (
        family["output"],
        family["state"],
    )
    assert family["lines"] < family["lines_alone"]
    assert "server_name" in family["variables"]
    assert f"3 hosts -> {tmp_path}/out/families/Kor.toml: unchanged" in said
    assert "proven: each host with its family says the same as its file alone" in said
    assert "3 comments left out, since not all inputs have them" in said


def test_a_family_that_saves_nothing_is_not_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = []
    for name in ("One", "Two"):
        path = tmp_path / f"alertmanager_{name}.conf"
        module = f"- ModuleFileName: {name}.rb\n  Interval: 60\n"
        path.write_text(HEAD.replace("KOR", name) + module, encoding="utf-8")
        inputs.append(str(path))

    assert 0 == main([*inputs, f"--out={tmp_path / 'out'}", "--family=Both"])
    assert "Both.toml: not written, since it saves nothing: " in capfd.readouterr().out
    assert ["One.toml", "Two.toml"] == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "extends" not in (tmp_path / "out/One.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\nb"])
def test_a_wrong_name_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    inputs = map(str, legacy_hosts(tmp_path))

    assert 2 == main([*inputs, f"--out={tmp_path / 'out'}", f"--family={name}"])
    assert "is not a name of a family; write for example KorPnr" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_forgotten_name_is_noticed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    inputs = [*map(str, legacy_hosts(tmp_path))]

    assert 2 == main([f"--out={tmp_path / 'out'}", "--family", *inputs])
    said = f"--family took the file {inputs[0]} as its name; write --family NAME FILE…"
    assert said in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_host_makes_no_family(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, *_ = map(str, legacy_hosts(tmp_path))

    assert 2 == main([first, f"--out={tmp_path / 'out'}", "--family=Kor"])
    assert "a family needs the files of two hosts at least" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_if_a_host_would_not_be_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = legacy_hosts(tmp_path)
    for path in inputs:  # a table with this one key names a variable in a family, and is none here
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("U: Job Updater", "var: Job Updater"), encoding="utf-8")

    assert 1 == main([*map(str, inputs), f"--out={tmp_path / 'out'}", "--family=Kor"])
    said = capfd.readouterr().err
    assert "KorPnrProd1 is not valid with a family: families/Kor.toml:" in said
    assert "nothing was written; convert without --family" in said
    assert not (tmp_path / "out").exists()
    assert 0 == main([*map(str, inputs), f"--out={tmp_path / 'out'}"])
