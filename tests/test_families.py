"""The service files of the legacy launcher's hosts: four families, and a short file a host."""

from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path

import pytest

from supervisor.__main__ import main
from supervisor.commands.options import load_file
from supervisor.config.service import Module

ROOT = Path(__file__).parent.parent
"""The checkout."""

CONFIGS = ROOT / "configs"
"""The shipped service files."""

GOLDEN = Path(__file__).parent / "families"
"""What `show` prints of each host."""

FAMILIES = ("KorApp", "KorPfms", "KorPnr", "TwnApp")
"""The services that the legacy launcher knows."""

HOSTS = [f"{family}{server}" for family, server in product(FAMILIES, ("Prod1", "Prod2", "Test"))]
"""Each service on each of its servers."""

MAX_LINES = 12
"""Lines of a host's own file, at most."""


def test_the_families_are_those_of_the_launcher() -> None:
    assert [*FAMILIES] == sorted(path.stem for path in (CONFIGS / "families").iterdir())
    assert HOSTS == sorted(path.stem for path in GOLDEN.iterdir())


@pytest.mark.parametrize("host", HOSTS)
def test_show_prints_the_golden_file(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["show", "--service", host, "--config-dir", str(CONFIGS)])
    assert (GOLDEN / f"{host}.toml").read_text(encoding="utf-8") == capsys.readouterr().out


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_has_a_short_file_of_its_own(host: str) -> None:
    text = (CONFIGS / f"{host}.toml").read_text(encoding="utf-8")
    service = load_file(CONFIGS / f"{host}.toml")
    family = next(each for each in FAMILIES if host.startswith(each))

    assert len(text.splitlines()) <= MAX_LINES
    assert f"families/{family}.toml" == tomllib.loads(text)["extends"]
    assert host == service.service.title().replace("-", "")
    assert host.removeprefix(family).lower() == service.labels["site"]


def test_one_of_two_hosts_alone_sends_the_report() -> None:
    reports = {
        host: each.enabled
        for host in HOSTS
        for each in load_file(CONFIGS / f"{host}.toml").modules
        if each.check == "pnr_report"
    }

    assert {"KorPnrProd1": True, "KorPnrProd2": False, "KorPnrTest": True} == reports


def test_a_family_has_the_modules_and_the_plan_of_the_converted_legacy_file() -> None:
    def seen(module: Module) -> tuple[object, ...]:
        return module.name, module.check, module.every, module.at, module.timeout

    family = load_file(CONFIGS / "KorPnrTest.toml")
    legacy = load_file(ROOT / "tests/convert/converted/KorPnrTest.toml")

    assert [*map(seen, legacy.modules)] == [*map(seen, family.modules)]
    assert (legacy.service, legacy.timezone) == (family.service, family.timezone)
