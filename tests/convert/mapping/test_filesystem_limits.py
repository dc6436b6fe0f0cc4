"""Modules with two limits for one filesystem stay apart, and the report says what one could say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve

from checks._files.filesystems import DiskParams
from supervisor.api import Limit
from tests.support.conversions import SAMPLE, converted, loaded, made, warnings


def module(
    limit: object, filesystem: str = "/", name: str = "Disk", key: str = "DiskSizeUse"
) -> str:
    return f"""\
- ModuleFileName: (#ModuleFilePath)/common{name}Check.rb
  Interval: 60
  Parameter:
    FilesystemList:
    - {{Filesystem: {filesystem}, {key}: {limit}}}
"""


@pytest.mark.parametrize("limits", [(80, 95), (95, 80)])
def test_two_limits_stay_two_modules_and_the_report_shows_the_table(
    tmp_path: Path, limits: tuple[int, int]
) -> None:
    conversion = converted(tmp_path, "".join(map(module, limits)))
    (note,) = conversion.journal.warnings

    assert [each.name for each in loaded(conversion, tmp_path).modules] == ["disk", "disk-2"]
    assert note.line == 14
    assert note.text == (
        "disk and disk-2 have two limits for /: one module could have "
        "max_use_percent = { W = 80, E = 95 }, and one alert"
    )


def test_the_table_that_the_report_shows_takes_the_place_of_both(tmp_path: Path) -> None:
    conversion = converted(tmp_path, module(80) + module(95))
    (table,) = re.findall(r"max_use_percent = \{.*\}", warnings(conversion))
    first, _, _ = conversion.text.partition('[[modules]]\ncheck = "disk"\nname = "disk-2"')
    both = evolve(conversion, text=first.replace("max_use_percent = 80", table))
    (only,) = loaded(both, tmp_path).modules

    assert isinstance(only.params, DiskParams)
    assert only.params.filesystems[0].max_use_percent == Limit((("W", 80), ("E", 95)))


@pytest.mark.parametrize(
    "modules",
    [
        module(80) + module(80),
        module(80) + module(100),
        module(80) + module(95, "/srv"),
        module(80) + module(95, name="Inode", key="INodesUse"),
    ],
)
def test_nothing_is_said_of_other_modules(tmp_path: Path, modules: str) -> None:
    assert "two limits" not in warnings(converted(tmp_path, modules))


def test_nothing_is_said_of_the_sample() -> None:
    assert "two limits" not in warnings(made(SAMPLE))
