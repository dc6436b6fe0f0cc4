"""The JSON Schema of service files: it accepts what is right, and finds what is broken."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from supervisor.commands.setup.schema import loadable_checks
from supervisor.config.json_schema.document import document
from supervisor.config.json_schema.field_docs import field_docs
from supervisor.config.json_schema.layered import layered_document
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from tests.support.layered_files import FILES, HOST

ROOT = Path(__file__).parent.parent.parent
SHIPPED = sorted((ROOT / "configs").rglob("*.toml"))

SCHEMA = document(loadable_checks())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
LAYERED = jsonschema.Draft7Validator(layered_document(loadable_checks()))

GOOD = """\
service = "SHOP"
timezone = "Europe/Berlin"
max_ledger = "64MiB"
[labels]
site = "north"
[alertmanager]
urls = ["http://127.0.0.1:9093/am"]
username = "shop"
password = { credential = "alertmanager-password" }
[status]
listen = "127.0.0.1:9477"
[[modules]]
check = "disk"
every = "1h30m"
clear_after = "3h"
[modules.params]
filesystems = [{ filesystem = "/", max_use_percent = 90 }]
[[modules]]
check = "our.own.check"
at = ["09:00", "22:00-02:00"]
every = 300
[modules.params]
anything = 1
"""

PARAMS = '[modules.params]\nfilesystems = [{ filesystem = "/", max_use_percent = 90 }]'
FILESYSTEM = "$.modules[0].params.filesystems[0]"

BROKEN = [
    ('service = "SHOP"', "", "$"),
    ('service = "SHOP"', "service = 5", "$.service"),
    ('service = "SHOP"', 'service = " "', "$.service"),
    ('service = "SHOP"', 'service = "SHOP"\nservise = "SHOP"', "$"),
    ('"64MiB"', '"64 Mega"', "$.max_ledger"),
    ('"64MiB"', "1000", "$.max_ledger"),
    ('site = "north"', 'instance = "north"', "$.labels"),
    ('site = "north"', 'site-2 = "north"', "$.labels"),
    ('site = "north"', 'site = ""', "$.labels.site"),
    ('["http://127.0.0.1:9093/am"]', '"http://127.0.0.1:9093"', "$.alertmanager.urls"),
    ("http://127.0.0.1:9093/am", "http://u:p@127.0.0.1:9093", "$.alertmanager.urls[0]"),
    ("http://127.0.0.1:9093/am", "127.0.0.1:9093", "$.alertmanager.urls[0]"),
    ('{ credential = "alertmanager-password" }', '"plain"', "$.alertmanager.password"),
    ('{ credential = "alertmanager-password" }', "{ }", "$.alertmanager.password"),
    ('username = "shop"', "", "$.alertmanager"),
    ('"127.0.0.1:9477"', '"127.0.0.1"', "$.status.listen"),
    ('check = "disk"', "", "$.modules[0]"),
    ('check = "disk"', 'check = "dsik"', "$.modules[0].check"),
    ('every = "1h30m"', "", "$.modules[0]"),
    ('every = "1h30m"', 'every = "90 minutes"', "$.modules[0].every"),
    ('every = "1h30m"', 'every = "0s"', "$.modules[0].every"),
    ('every = "1h30m"', "every = true", "$.modules[0].every"),
    ('every = "1h30m"', "every = 60\nfire_after = 0", "$.modules[0].fire_after"),
    ('every = "1h30m"', 'every = 60\nname = "supervisor"', "$.modules[0].name"),
    ('every = "1h30m"', 'every = 60\nfire_after = "3"', "$.modules[0].fire_after"),
    ('"3h"', '"0s"', "$.modules[0].clear_after"),
    ('"3h"', "0", "$.modules[0].clear_after"),
    ("max_use_percent = 90", 'max_use_percent = "90"', f"{FILESYSTEM}.max_use_percent"),
    ("max_use_percent = 90", "max_use_percent = 101", f"{FILESYSTEM}.max_use_percent"),
    (", max_use_percent = 90", "", FILESYSTEM),
    ("max_use_percent", "max_percent", FILESYSTEM),
    ("max_use_percent", "except_ = [], max_use_percent", FILESYSTEM),
    ("max_use_percent", "except = 5, max_use_percent", f"{FILESYSTEM}.except"),
    ("max_use_percent", 'min_free = "5 gigs", max_use_percent', f"{FILESYSTEM}.min_free"),
    ("filesystems = [", "filesystem = [", "$.modules[0].params"),
    (PARAMS, "", "$.modules[0]"),
    ('"22:00-02:00"', '"22:00-25:00"', "$.modules[1].at[1]"),
    ('"22:00-02:00"', '"mon 22:00"', "$.modules[1].at[1]"),
    ('"22:00-02:00"', '"1th-Fri 22:00"', "$.modules[1].at[1]"),
    ('["09:00", "22:00-02:00"]', '"09:00"', "$.modules[1].at"),
]  # fmt: skip


def places(text: str, validator: jsonschema.Draft7Validator = VALIDATOR) -> set[str]:
    """Return where the schema finds something wrong in a TOML text."""
    return {error.json_path for error in validator.iter_errors(tomllib.loads(text))}


def test_it_is_a_schema_of_a_dialect_that_editors_know() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.name))
def test_every_shipped_file_fits(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    is_part = {"extends", "vars"} & tomllib.loads(text).keys() or "service" not in text
    assert places(text, LAYERED if is_part else VALIDATOR) == set()


def test_a_good_file_fits() -> None:
    assert places(GOOD) == set()


@pytest.mark.parametrize(("good", "bad", "place"), BROKEN)
def test_a_broken_file_is_refused_where_it_is_broken(good: str, bad: str, place: str) -> None:
    assert good in GOOD

    assert place in places(GOOD.replace(good, bad, 1))


OWN = """
[alertmanager]
override = true
username = { var = "site" }
[[modules]]
name = "disk"
[modules.labels]
team = { var = "site" }
[modules.params]
filesystems = [{ filesystem = "tmpfs", enabled = false }]
"""


@pytest.mark.parametrize("text", [*FILES.values(), GOOD, HOST + OWN], ids=range(5))
def test_a_file_that_says_a_part_fits(text: str) -> None:
    jsonschema.Draft7Validator.check_schema(LAYERED.schema)
    assert places(text, LAYERED) == set()


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("extends = 1", "$.extends"),
        ("[vars]\nx = { type = 'adress' }", "$.vars.x"),
        ("[vars]\nx = { type = 'text', defualt = 'a' }", "$.vars.x"),
        ("resend_interval = 'often'", "$.resend_interval"),
        ("resend_interval = { var = 1 }", "$.resend_interval"),
        ("overide = true", "$"),
        ("[labels]\noverride = 1", "$.labels"),
        ("[[modules]]\nname = 'a'\nevry = 1", "$.modules"),
    ],
)
def test_what_no_part_may_say_is_found(wrong: str, place: str) -> None:
    assert {each.partition("[")[0] for each in places(wrong, LAYERED)} == {place}


def test_each_key_of_the_service_file_is_described() -> None:
    tables: list[Any] = [
        SCHEMA,
        SCHEMA["properties"]["alertmanager"],
        SCHEMA["properties"]["status"],
        SCHEMA["definitions"]["module"],
    ]
    bare = [
        key
        for schema in tables
        for key, value in schema["properties"].items()
        if not value.get("description")
    ]

    assert bare == []
    assert field_docs(Module)["at"].startswith("Times of the day")
    assert [cls for cls in (Service, Alertmanager, StatusListener) if not field_docs(cls)] == []


def test_the_default_of_a_key_for_runs_or_a_time_is_a_number_of_runs() -> None:
    keys = SCHEMA["definitions"]["module"]["properties"]

    assert (keys["clear_after"]["default"], keys["timeout"]["default"]) == (1, "30s")


def test_parameters_have_their_help_default_and_limits() -> None:
    port = SCHEMA["definitions"]["params_connection"]["properties"]["servers"]["items"]
    timeout = SCHEMA["definitions"]["params_connection"]["properties"]["connect_timeout"]

    assert port["properties"]["port"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 65535,
        "description": "its TCP port",
    }
    assert timeout["default"] == "5s"


def test_a_limit_is_a_number_or_a_table_with_the_same_bounds() -> None:
    filesystem = SCHEMA["definitions"]["params_disk"]["properties"]["filesystems"]["items"]
    rule = filesystem["properties"]["max_use_percent"]
    judge = jsonschema.Draft7Validator(rule)
    good = [90, {"W": 80}, {"W": 80, "E": 95, "clear": 75}, {"S": 1, "I": 2}]
    bad = ["90", 101, 1.5, {}, {"clear": 75}, {"WW": 80}, {"W": 101}, {"W": "80"}, {"TE": 1}]

    assert [value for value in good if not judge.is_valid(value)] == []
    assert [value for value in bad if judge.is_valid(value)] == []


def taplo(directory: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Let the language server of editors look at a file that names the schema."""
    (directory / "service.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (directory / "Shop.toml").write_text(
        f"#:schema ./service.schema.json\n{text}", encoding="utf-8"
    )
    program = Path(sys.executable).with_name("taplo")
    return subprocess.run(
        [program, "lint", "Shop.toml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_editor_reads_the_schema_that_the_first_line_names(tmp_path: Path) -> None:
    good = taplo(tmp_path, GOOD)
    bad = taplo(tmp_path, GOOD.replace("max_use_percent = 90", "max_use_percent = 900"))

    assert (good.returncode, bad.returncode) == (0, 1), good.stderr
    assert "900 is greater than the maximum of 100" in bad.stderr
