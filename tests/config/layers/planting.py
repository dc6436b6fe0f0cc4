"""Changes of the files of a family, to plant faults in them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from tests.support.layered_files import FAMILY, FILES, FRAGMENT, HOST

HOST_FILE, FAMILY_FILE, FRAGMENT_FILE = FILES
MORE_FILE = "KorPnrProd1.d/60-more.toml"
LAST_FILE = "KorPnrProd1.d/70-last.toml"

EXTENDS = 'extends = "families/KorPnr.toml"'
SITE = 'site = "prod1"'
EVERY = 'every = "1m"'


@frozen
class Planted:
    """A fault, and what must be said of it."""

    name: str
    files: Mapping[str, str]
    """What differs from `FILES`."""

    said: str
    """What the problem has after file and line. Its key comes first."""


def changed(text: str, old: str, new: str) -> str:
    """Return a text with another first occurrence of a part of it."""
    assert old in text
    return text.replace(old, new, 1)


def host(old: str, new: str) -> dict[str, str]:
    return {HOST_FILE: changed(HOST, old, new)}


def family(old: str, new: str) -> dict[str, str]:
    return {FAMILY_FILE: changed(FAMILY, old, new)}


def fragment(old: str, new: str) -> dict[str, str]:
    return {FRAGMENT_FILE: changed(FRAGMENT, old, new)}


def more(text: str) -> dict[str, str]:
    return {MORE_FILE: text}


def variable(line: str) -> dict[str, str]:
    """Return the family with one more line of variables."""
    return family("[labels]", f"{line}\n[labels]")


WRONG_VALUES = {
    "text": ["5", "true", '["a"]'],
    "integer": ['"5"', "5.5", "true"],
    "number": ['"0.5"', "false", "nan"],
    "boolean": ['"yes"', "1"],
    "duration": ['"5 minutes"', "-1", "true"],
    "size": ['"5 elephants"', "-1", "0.5"],
    "address": ['"localhost"', '"127.0.0.256"', "127"],
    "path": ['""', "7"],
    "secret": ['"hunter2"', '{ env = "A", file = "b" }', '{ env = "A=B" }'],
    "list of text": ['"a"', "[1]"],
    "list of integers": ["1", '["1"]'],
    "list of addresses": ['"127.0.0.1"', '["127.0.0.1", "gateway"]'],
}
"""For each type of a variable, some values that are not of it."""

WRONG_DECLARATIONS = {
    '{ type = "adress" }': "vars.x.type: 'adress' is not a type of a variable; did you mean",
    "{ default = 1 }": "vars.x.type: is missing; write for example",
    '{ type = "text", defualt = "a" }': "vars.x.defualt: is not a known key; did you mean",
    "{ type = 1 }": "vars.x.type: is an integer, not text",
    "{}": "vars.x.type: is missing",
    '"a"': "vars.x: is not declared, so it has no type; declared are",
}
"""Of a variable in the family, with what must be said."""
