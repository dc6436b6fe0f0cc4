"""A host's file is its family's skeleton, copied and edited where it says HOST."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from supervisor.config.load import load_service
from supervisor.modules.loader import load_check

FAMILIES = Path(__file__).parent.parent / "configs/families"
HOSTS = ("Prod1", "Prod2", "Test")


def test_there_is_a_skeleton_for_each_family() -> None:
    assert ["KorApp", "KorPfms", "KorPnr", "TwnApp"] == sorted(
        path.stem for path in FAMILIES.iterdir()
    )


@pytest.mark.parametrize("family", ["KorApp", "KorPfms", "KorPnr", "TwnApp"])
@pytest.mark.parametrize("host", HOSTS)
def test_a_copy_with_its_own_name_is_valid(tmp_path: Path, family: str, host: str) -> None:
    path = tmp_path / f"{family}{host}.toml"
    shutil.copy(FAMILIES / f"{family}.toml", path)
    text = path.read_text(encoding="utf-8")
    text = text.replace("PROD1", host.upper()).replace('"prod1"', f'"{host.lower()}"')
    path.write_text(text, encoding="utf-8")
    service = load_service(path, lambda name: load_check(name).params)

    assert service.service.endswith(f"-{host.upper()}")
    assert host.lower() == service.labels["site"]


@pytest.mark.parametrize("family", ["KorApp", "KorPfms", "KorPnr", "TwnApp"])
def test_what_differs_between_hosts_is_marked(family: str) -> None:
    lines = (FAMILIES / f"{family}.toml").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line.startswith(("service =", "site =", "urls ="))]

    assert 3 == len(told)
    assert all("# HOST" in line for line in told)
    assert f"#     cp configs/families/{family}.toml configs/{family}Prod2.toml" in lines
