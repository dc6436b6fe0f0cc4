"""Patterns and paths of `unprocessed_file`: which names count, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from attrs import evolve
from markupsafe import escape

from checks._common.plurals import counted
from checks._common.printable import shown
from checks.unprocessed_file import Directory, Params, run
from supervisor.api import Condition, Duration, Limit, Measurement
from tests.checks.unprocessed_bench import NOW, TEN_MINUTES, conditions, put
from tests.support.check_context import context


@pytest.mark.parametrize("directory", ["", "/srv/in\nbound", "/srv/\0", "/srv/in\u2028bound"])
def test_a_path_that_is_not_printable_is_refused(directory: str) -> None:
    with pytest.raises(ValueError, match=r"is not a directory; write for example '/srv/inbound'$"):
        Directory(directory, Limit.of(Duration(600)))


def test_a_directory_given_twice_or_no_time_is_refused() -> None:
    one, same = (
        Directory("/srv/in", Limit.of(Duration(1))),
        Directory("/srv/./in/", Limit.of(Duration(2))),
    )
    with pytest.raises(
        ValueError,
        match=r"^has /srv/in more than once; keep one of them, or give each its own name$",
    ):
        Params((one, same))
    with pytest.raises(ValueError, match=r"^is 0 or less; write for example '10s'$"):
        Params((one,), Duration(0))
    with pytest.raises(ValueError, match=r"^is empty; write for example 'E'$"):
        Directory("/srv/in", Limit.of(Duration(1)), " ")


@pytest.mark.parametrize(
    ("patterns", "excepted", "waiting"),
    [
        ((), (), {"a.xml", "b.XML", ".c.xml", "d.tmp", "e[1].xml", "\udcff.xml"}),
        (("*.xml",), (), {"a.xml", ".c.xml", "e[1].xml", "\udcff.xml"}),
        (("*.xml", "*.XML"), (".*", "\udcff*"), {"a.xml", "b.XML", "e[1].xml"}),
        (("?.xml",), (), {"a.xml", "\udcff.xml"}),
        (("e[[]1].xml", "[!ab].tmp"), (), {"e[1].xml", "d.tmp"}),
        ((), ("*.tmp", "*.xml"), {"b.XML"}),
        (("nothing",), (), set()),
    ],
)
async def test_only_names_that_fit_a_pattern_count(
    tmp_path: Path, patterns: tuple[str, ...], excepted: tuple[str, ...], waiting: set[str]
) -> None:
    for name in ("a.xml", "b.XML", ".c.xml", "d.tmp", "e[1].xml", "\udcff.xml"):
        put(tmp_path, name)
    directory = Directory(str(tmp_path), TEN_MINUTES, patterns=patterns, except_=excepted)
    seen = await conditions(Params((directory,)))

    assert [item.message.split(" older")[0] for item in seen] == (
        [f"{tmp_path} holds {counted(len(waiting), 'file')}"] if waiting else []
    )
    assert all(f">{escape(shown(name))}</td>" in seen[0].detail for name in waiting)


async def test_one_directory_may_have_an_entry_for_each_kind_of_file(tmp_path: Path) -> None:
    put(tmp_path, "a.xml")
    put(tmp_path, "b.pdf")
    kinds = tuple(
        Directory(str(tmp_path), TEN_MINUTES, kind, patterns=(f"*.{kind}",), name=f"{kind} files")
        for kind in ("xml", "pdf")
    )
    observed = [*await run(evolve(context(), clock=lambda: NOW), Params(kinds))]
    fired = [item for item in observed if isinstance(item, Condition)]
    measured = [item for item in observed if isinstance(item, Measurement)]

    assert [(item.instance, item.event_type) for item in fired] == [
        ("xml files", "xml"),
        ("pdf files", "pdf"),
    ]
    assert [(item.value, item.labels["name"]) for item in measured] == [
        (1, "xml files"),
        (1, "pdf files"),
    ]


@pytest.mark.parametrize("pattern", ["", "in/*.xml", "a\0"])
def test_a_pattern_that_no_name_fits_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"is not a pattern of file names; write for example"):
        Directory("/srv/in", TEN_MINUTES, patterns=(pattern,))
    with pytest.raises(ValueError, match=r"is not a pattern of file names; write for example"):
        Directory("/srv/in", TEN_MINUTES, except_=(pattern,))


async def test_a_pattern_takes_time_linear_in_the_name(tmp_path: Path) -> None:
    put(tmp_path, "a" * 250)
    directory = Directory(str(tmp_path), TEN_MINUTES, patterns=("*a" * 60 + "b",))

    with trio.fail_after(20):
        assert await conditions(Params((directory,))) == []
