"""What several documents share, and what is each host's own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.files import Source
from supervisor.config.layers.shape import service_shape
from supervisor.config.layers.tree import plain, tree
from supervisor.convert.family.sharing import Shared, share
from supervisor.modules.loader import load_check


def shared(*texts: str) -> Shared:
    sources = [Source(Path("x.toml"), each, tomllib.loads(each)) for each in texts]
    return share([tree(each) for each in sources], service_shape(lambda c: load_check(c).params))


def modules(*names: str) -> str:
    return "".join(f'[[modules]]\ncheck = "system"\nname = "{each}"\n' for each in names)


def sessions(*names: str) -> str:
    rows = ", ".join(f'{{ name = "{each}", port = 1 }}' for each in names)
    return f'[[modules]]\ncheck = "session"\n[modules.params]\nsessions = [{rows}]\n'


def names_in(items: Any) -> list[str]:
    return [each["name"] for each in items]


@pytest.mark.parametrize(
    ("hosts", "family", "own"),
    [
        (("abc", "abc"), "abc", ("", "")),
        (("abc", "ab"), "ab", ("c", "")),
        (("abc", "axbc"), "a", ("bc", "xbc")),
        (("ab", "ba"), "", ("ab", "ba")),
        (("aba", "abc"), "", ("aba", "abc")),
        (("aab", "aac"), "", ("aab", "aac")),
        (("ab", "a", "ac"), "a", ("b", "", "c")),
    ],
)
def test_the_order_of_items_stays(
    hosts: tuple[str, ...], family: str, own: tuple[str, ...]
) -> None:
    found = shared(*(sessions(*each) for each in hosts))

    def params(document: Any) -> list[str]:
        (module,) = plain(document).get("modules", [{}])
        return names_in(module.get("params", {}).get("sessions", []))

    assert [*family] == params(found.family)
    assert [[*each] for each in own] == [params(each) for each in found.hosts]


def test_the_order_of_modules_stays() -> None:
    found = shared(modules("a", "b", "c"), modules("a", "x", "b", "c"))

    assert ["a"] == names_in(plain(found.family)["modules"])
    assert [["b", "c"], ["x", "b", "c"]] == [
        names_in(plain(each)["modules"]) for each in found.hosts
    ]


@pytest.mark.parametrize(
    ("values", "kind", "default"),
    [
        (("1", "2"), "integer", None),
        (("1", "2", "2"), "integer", 2),
        (("1", "1", "2", "2"), "integer", None),
        (("true", "false"), "boolean", None),
        (("0.5", "1.5"), "number", None),
        (('"a"', '"b"'), "text", None),
        (('"5m"', '"1h30m"'), "duration", None),
        (('"127.0.0.1"', '"::1"'), "address", None),
        (('"127.0.0.1"', '"db"'), "text", None),
        (('["a"]', '["b", "c"]'), "list of text", None),
        (('["127.0.0.1"]', '["::1"]'), "list of addresses", None),
    ],
)
def test_what_differs_is_a_variable_of_its_type(
    values: tuple[str, ...], kind: str, default: object
) -> None:
    found = shared(*(f"[labels]\nx = {each}\n" for each in values))
    variable = found.variables.found["labels_x"]

    assert {"labels": {"x": {"var": "labels_x"}}} == plain(found.family)
    assert kind == variable.type
    assert default == (None if variable.default is None else plain(variable.default))
    assert [{} for _ in values] == [plain(each) for each in found.hosts]


@pytest.mark.parametrize("values", [("1", "true"), ("1", "1.0"), ("[1]", "[2]"), ("1", '"1"')])
def test_what_no_variable_can_have_is_each_hosts_own(values: tuple[str, ...]) -> None:
    texts = [f"[labels]\nx = {each}\n" for each in values]
    found = shared(*texts)

    assert {} == plain(found.family)
    assert {} == found.variables.found
    assert [tomllib.loads(each) for each in texts] == [plain(each) for each in found.hosts]


def test_a_secret_that_is_used_twice_is_one_variable() -> None:
    def text(host: str) -> str:
        secret = f'{{ credential = "{host}" }}'
        return f"alertmanager = {{ password = {secret}, bearer_token = {secret} }}\n"

    found = shared(text("a"), text("b"))

    assert ["alertmanager_password"] == [*found.variables.found]
    assert "secret" == found.variables.found["alertmanager_password"].type


def test_equal_numbers_in_two_places_are_two_variables() -> None:
    found = shared("[labels]\nx = 1\ny = 1\n", "[labels]\nx = 2\ny = 2\n")

    assert ["labels_x", "labels_y"] == [*found.variables.found]


def test_a_list_without_names_is_shared_whole_or_not_at_all() -> None:
    def text(host: str, more: str) -> str:
        rows = f'[{{ host = "{host}", name = "A" }}, {{ name = "B"{more} }}]'
        return f'[[modules]]\ncheck = "pnr_report"\n[modules.params]\ndatabases = {rows}\n'

    found, other = (
        shared(text("a", ""), text("b", "")),
        shared(text("a", ""), text("b", ", port = 1")),
    )

    assert ["a_host"] == [*found.variables.found]
    assert [{}, {}] == [plain(each) for each in found.hosts]
    assert {} == other.variables.found
    assert [2, 2] == [len(plain(each)["modules"][0]["params"]["databases"]) for each in other.hosts]
