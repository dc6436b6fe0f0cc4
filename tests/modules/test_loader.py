"""Checks found by name, and what is said of those that cannot be used."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from supervisor.modules import loader
from supervisor.modules.loader import NoParams, known_checks, load_check

EXAMINED = """
async def run(context, params):
    return ()

{}
"""
FAN = '''
"""Looks at the fans.

They are loud.
"""
from attrs import frozen

@frozen
class Params:
    limit: int

async def run(context, params):
    return ()
'''


class FakePlugin:
    """An installed entry point."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value
        self.module, _, self.attr = value.partition(":")


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a package of checks of its own, and nothing else, where the loader looks."""
    before = set(sys.modules)
    package = tmp_path / "fakechecks"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loader, "PACKAGE", "fakechecks")
    install(monkeypatch)
    yield package
    for name in set(sys.modules) - before:
        del sys.modules[name]
    loader.look_again()


def install(monkeypatch: pytest.MonkeyPatch, *plugins: FakePlugin) -> None:
    def entry_points(group: str) -> Iterable[FakePlugin]:
        return plugins if group == "supervisor.checks" else ()

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    loader.look_again()


def refusal(name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_check(name)
    return str(caught.value)


def test_a_module_of_the_package_is_a_check(checks: Path) -> None:
    (checks / "fan.py").write_text(FAN)

    check = load_check("fan")

    assert check.name == "fan"
    assert check.doc == "Looks at the fans.\n\nThey are loud."
    assert sys.modules["fakechecks.fan"].Params is check.params
    assert sys.modules["fakechecks.fan"].run is check.run


def test_a_check_without_parameters_has_none(checks: Path) -> None:
    (checks / "still.py").write_text("async def run(context, params): return ()")

    check = load_check("still")

    assert NoParams is check.params
    assert check.doc == ""


def test_a_plugin_is_a_check(checks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checks.parent / "acme.py").write_text(FAN)
    install(monkeypatch, FakePlugin("acme-fan", "acme"))

    assert load_check("acme-fan").run is sys.modules["acme"].run


def test_a_module_of_the_package_comes_before_a_plugin(
    checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checks / "fan.py").write_text(FAN)
    install(monkeypatch, FakePlugin("fan", "absent"))

    assert load_check("fan").run is sys.modules["fakechecks.fan"].run


def test_a_dotted_path_is_a_check(checks: Path) -> None:
    (checks.parent / "site_checks").mkdir()
    (checks.parent / "site_checks" / "fan.py").write_text(FAN)

    assert load_check("site_checks.fan").run is sys.modules["site_checks.fan"].run


def test_known_checks_are_those_that_need_no_path(
    checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fan", "disk", "_shared"):
        (checks / f"{name}.py").write_text(FAN)
    install(monkeypatch, FakePlugin("acme-fan", "acme"))

    assert known_checks() == ("acme-fan", "disk", "fan")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dsik", "checks: dsik: there is no check 'dsik'; did you mean 'disk'?"),
        ("xyzzy", "checks: xyzzy: there is no check 'xyzzy'; known checks are disk, fan"),
        ("json", "checks: json: there is no check 'json'; known checks are disk, fan"),
        ("_shared", "checks: _shared: there is no check '_shared'; known checks are disk, fan"),
        ("", "checks: there is no check ''; known checks are disk, fan"),
        ("a/b", "checks: a/b: there is no check 'a/b'; known checks are disk, fan"),
        ("..disk", "checks: ..disk: there is no check '..disk'; did you mean 'disk'?"),
        ("no.such", "checks: no.such: there is no check 'no.such'; known checks are disk, fan"),
    ],
)
def test_an_unknown_check_has_the_nearest_spelling(checks: Path, name: str, said: str) -> None:
    for known in ("fan", "disk", "_shared"):
        (checks / f"{known}.py").write_text(FAN)

    assert said == refusal(name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "check 'bad' cannot be imported: ZeroDivisionError: division by zero; see "),
        ("import no_such", "check 'bad' cannot be imported: ModuleNotFoundError: No module named "),
        ("raise SystemExit(3)", "check 'bad' cannot be imported: SystemExit: 3; see "),
        ("def run(:", "check 'bad' cannot be imported: SyntaxError: invalid syntax "),
        ("", "check 'bad' has no async function run; write async def run(context, params)"),
        ("def run(context, params): ...", "check 'bad' has no async function run; write async "),
        ("async def run(context): ...", "run of check 'bad' does not take two arguments; write "),
        (
            "class Params: ...",
            "Params of check 'bad' is not an attrs class; write @frozen above it",
        ),
        ("Params = 1", "Params of check 'bad' is not an attrs class; write @frozen above it"),
    ],
)
def test_a_check_that_cannot_be_used_says_why(checks: Path, source: str, said: str) -> None:
    (checks / "bad.py").write_text(source)

    assert refusal("bad").startswith(f"checks: bad: {said}")


def test_a_plugin_whose_module_is_absent_says_so(
    checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, FakePlugin("fan", "absent"))

    wrong = "check 'fan' cannot be imported: ModuleNotFoundError: No module named 'absent'"
    assert f"checks: fan: {wrong}; see absent" == refusal("fan")


def test_a_plugin_that_names_something_in_a_module_is_refused(
    checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, FakePlugin("fan", "acme.fan:run"))

    wrong = "the entry point of check 'fan' is acme.fan:run; it must be a module"
    assert f"checks: fan: {wrong}; write acme.fan alone" == refusal("fan")


def test_an_unusable_check_is_a_problem_of_its_module(checks: Path, tmp_path: Path) -> None:
    (checks / "fan.py").write_text(FAN)
    (checks / "bad.py").write_text("1 / 0")
    path = tmp_path / "a.toml"
    path.write_text(
        'service = "a"\n'
        '[[modules]]\ncheck = "fna"\nevery = 1\n'
        '[[modules]]\ncheck = "bad"\nevery = 1\n'
        '[[modules]]\ncheck = "fan"\nevery = 1\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda name: load_check(name).params)

    assert [
        f"{path}:3: module 'fna': check: there is no check 'fna'; did you mean 'fan'?",
        f"{path}:6: module 'bad': check: check 'bad' cannot be imported: "
        "ZeroDivisionError: division by zero; see fakechecks.bad",
        f"{path}:8: module 'fan': limit: is missing; write limit = …, an integer",
    ] == str(caught.value).splitlines()


def test_an_annotation_that_names_nothing_is_a_problem_of_its_module(
    checks: Path, tmp_path: Path
) -> None:
    text = "from __future__ import annotations\n" + FAN.replace("limit: int", "limit: Nonsense")
    (checks / "fan.py").write_text(text.replace('"""Looks', '_ = """Looks'))
    path = tmp_path / "a.toml"
    path.write_text('service = "a"\n[[modules]]\ncheck = "fan"\nevery = 1\n')
    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda name: load_check(name).params)

    wrong = "has parameters that no file can give: name 'Nonsense' is not defined"
    assert f"{path}:3: module 'fan': check: {wrong}; tell its author" == str(caught.value)


async def test_a_check_may_have_a_second_function(checks: Path) -> None:
    text = EXAMINED.format("async def examine(params):\n    return [f'no {params}']")
    (checks / "fan.py").write_text(text, encoding="utf-8")
    examine = load_check("fan").examine

    assert examine is not None
    assert await examine("air") == ["no air"]


def test_a_plain_function_of_that_name_is_the_checks_own(checks: Path) -> None:
    text = EXAMINED.format("def examine(one, two):\n    return ()")
    (checks / "fan.py").write_text(text, encoding="utf-8")

    assert load_check("fan").examine is None


def test_an_examine_that_takes_something_else_is_refused(checks: Path) -> None:
    text = EXAMINED.format("async def examine(context, params):\n    return ()")
    (checks / "fan.py").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match="take one argument; write async def examine"):
        load_check("fan")


def test_a_check_that_reports_on_the_other_modules_runs_last() -> None:
    assert [load_check(name).runs_last for name in ("daily", "disk")] == [True, False]
