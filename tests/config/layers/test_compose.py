"""A service file with the file that it extends, and with the fragments beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.config.secret import Secret
from tests.support.layered_files import FAMILY, FILES, FRAGMENT, HOST, load, problems, write

ROOT = Path(__file__).parents[3]


def test_a_host_has_what_its_family_and_its_fragments_have(tmp_path: Path) -> None:
    service = load(write(tmp_path, FILES))

    assert service.service == "KOR-PNR-PROD1"
    assert service.timezone.key == "Asia/Seoul"
    assert service.labels["site"] == "prod1"
    assert service.alertmanager.password == Secret("env", "KOR_PASSWORD")
    assert [each.name for each in service.modules] == ["disk", "session", "routing_table", "mysql"]
    assert service.modules[1].params.max_total.value == 800  # type: ignore[attr-defined]
    assert service.modules[2].params.routes[0].gateway == "127.0.100.1"  # type: ignore[attr-defined]


def test_it_is_the_same_service_as_one_file_that_says_it_all(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    text = FAMILY.replace('{ var = "site" }', '"prod1"').replace(
        '{ var = "gateway" }', '"127.0.100.1"'
    )
    text = text.replace('{ var = "max_sessions" }', "800")
    _, head, tail = text.partition("[labels]")
    whole = f'service = "KOR-PNR-PROD1"\ntimezone = "Asia/Seoul"\n{head}{tail}{FRAGMENT}'
    one = write(tmp_path / "one", {"KorPnrProd1.toml": whole})
    several = write(tmp_path / "several", FILES)

    found = load(several)
    assert load(one).modules == found.modules
    assert load(one).labels == found.labels
    assert load(one).alertmanager == found.alertmanager


@pytest.mark.parametrize(
    "name", [".hidden.toml", "50-x.toml~", "50-x.toml.dpkg-old", "#50-x.toml#", "README"]
)
def test_hidden_files_and_backups_are_not_fragments(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, {**FILES, f"KorPnrProd1.d/{name}": "this is no TOML"})

    assert problems(path) == []


def test_fragments_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    second = '[labels]\noverride = true\nteam = "second"\n'
    first = '[labels]\nteam = "first"\n'
    path = write(
        tmp_path, {**FILES, "KorPnrProd1.d/20-b.toml": second, "KorPnrProd1.d/10-a.toml": first}
    )

    assert load(path).labels["team"] == "second"


def test_a_fragment_needs_no_family(tmp_path: Path) -> None:
    path = write(tmp_path, {"Shop.toml": 'service = "SHOP"\n', "Shop.d/disk.toml": FRAGMENT})

    assert [each.name for each in load(path).modules] == ["mysql"]


def test_a_family_may_extend_another_one(tmp_path: Path) -> None:
    files = {
        "Shop.toml": 'service = "SHOP"\nextends = "families/shop/Small.toml"\n',
        "families/shop/Small.toml": 'extends = "families/All.toml"\n[labels]\nsize = "small"\n',
        "families/All.toml": 'timezone = "Asia/Seoul"\n[labels]\nowner = "ops"\n',
    }
    service = load(write(tmp_path, files))

    assert {"owner": "ops", "size": "small"}.items() <= service.labels.items()


def test_items_are_merged_by_what_names_them(tmp_path: Path) -> None:
    own = """
[[modules]]
name = "disk"
[modules.params]
filesystems = [
    { filesystem = "/", override = true, max_use_percent = 70 },
    { filesystem = "/data", max_use_percent = 60 },
    { filesystem = "tmpfs", enabled = false },
]
"""
    service = load(write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + own}))

    found = service.modules[0].params.filesystems  # type: ignore[attr-defined]
    assert [(each.filesystem, each.max_use_percent.value) for each in found] == [
        ("/", 70),
        ("/data", 60),
    ]


def test_a_host_switches_a_module_of_its_family_off(tmp_path: Path) -> None:
    own = '\n[[modules]]\ncheck = "disk"\nenabled = false\n'
    service = load(write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + own}))

    assert [each.name for each in service.modules if not each.enabled] == ["disk"]
    assert len(service.modules) == 4


def test_a_secret_is_replaced_as_a_whole(tmp_path: Path) -> None:
    own = '\n[alertmanager]\noverride = true\npassword = { credential = "kor" }\n'
    service = load(write(tmp_path, {**FILES, "KorPnrProd1.toml": HOST + own}))

    assert service.alertmanager.password == Secret("credential", "kor")


def test_relative_paths_start_at_the_directory_of_the_service_file(tmp_path: Path) -> None:
    calendar = '2026-12-25 = "Christmas"\n'
    own = 'at = ["09:00"]\nexcept = ["kr.toml"]\n'
    family = FAMILY + f'[[modules]]\ncheck = "daily"\n{own}'
    path = write(tmp_path, {**FILES, "families/KorPnr.toml": family, "kr.toml": calendar})

    (found,) = load(path).modules[3].except_
    assert found.path == tmp_path / "kr.toml"


def test_a_plain_file_pays_for_no_merging() -> None:
    code = """
import sys
from pathlib import Path
from supervisor.config.load import load_service
from supervisor.modules.loader import load_check
load_service(Path("configs/Examples.toml"), lambda check: load_check(check).params)
print(*sorted(name for name in sys.modules if ".layers." in name))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    inside = "supervisor.config.layers"
    assert done.stdout == f"{inside}.effective {inside}.whole\n"


def test_without_other_files_nothing_has_another_meaning(tmp_path: Path) -> None:
    text = """
service = "SHOP"
[[modules]]
check = "command"
every = "1m"
[modules.params]
protocol = "eborder"
argv = ["true"]
params = { override = true, inner = { var = "x" } }
"""
    (module,) = load(write(tmp_path, {"Shop.toml": text})).modules

    assert module.params.params == {"override": True, "inner": {"var": "x"}}  # type: ignore[attr-defined]
