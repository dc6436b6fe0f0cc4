"""What `doctor` looks at, what it prints of that, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve

from supervisor.commands.doctor import as_json, exit_code, print_sections
from supervisor.config.service import Alertmanager, During, Module, Service
from supervisor.doctor import examine
from supervisor.doctor.findings import Examination, Finding
from supervisor.observations import Duration
from tests.support.examined_check import Params
from tests.support.fake_peer import FakePeer, black_hole
from tests.support.patience import undisturbed

BAD = Finding("it leaks", "mend it")
WARNING = Finding("it drips", "wipe it", serious=False)


def service(*modules: Module, urls: tuple[str, ...] = ()) -> Service:
    return Service(
        path=Path("Test.toml"),
        service="TEST",
        timezone=ZoneInfo("UTC"),
        labels={"host": "h"},
        alertmanager=Alertmanager(urls=urls, timeout=Duration(0.4)),
        modules=modules,
    )


def module(params: Params, *, enabled: bool = True, seconds: float = 30) -> Module:
    return Module(
        "tests.support.examined_check",
        "mixer",
        enabled=enabled,
        params=params,
        timeout=Duration(seconds),
    )


async def told_of(examined: Module, tmp_path: Path) -> list[Examination]:
    sections = await examine.examine(service(examined), [tmp_path])
    return [section for section in sections if section.subject == "Module mixer"]


def test_only_what_is_serious_makes_it_fail() -> None:
    assert exit_code([Examination("Pipe", ("it holds",), (WARNING,))]) == 0
    assert exit_code([Examination("Pipe", (), (WARNING,)), Examination("Tap", (), (BAD,))]) == 1


def test_each_line_has_a_mark_and_what_is_wrong_a_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_sections(
        [Examination("Pipe", ("it is long",), (WARNING, BAD)), Examination("Tap", ("closed",))]
    )

    assert capsys.readouterr().out == (
        "Pipe\n"
        "  ok       it is long\n"
        "  FAILED   it leaks\n"
        "           → mend it\n"
        "  warning  it drips\n"
        "           → wipe it\n"
        "\n"
        "Tap\n"
        "  ok       closed\n"
        "\n"
        "1 failed, 1 warning\n"
    )


def test_for_a_program_lines_are_whole_and_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_sections([Examination("Pipe", (f"[red]{'long ' * 60}\x1b[31m\nFAILED it",))])

    assert f"  ok       [red]{'long ' * 60}\\x1b[31m\\nFAILED it\n" in capsys.readouterr().out


def test_json_holds_the_same() -> None:
    document = as_json(service(), [Examination("Pipe", ("long",), (WARNING,))])

    assert json.loads(json.dumps(document)) == {
        "service": "TEST",
        "ok": True,
        "sections": [
            {
                "subject": "Pipe",
                "good": ["long"],
                "findings": [{"what": "it drips", "remedy": "wipe it", "serious": False}],
            }
        ],
    }


async def test_without_peers_nothing_is_wrong(tmp_path: Path) -> None:
    sections = await examine.examine(service(), [tmp_path])

    assert [section.subject for section in sections] == [
        "Service TEST",
        "State",
        "Secrets",
        "Alertmanager",
    ]
    assert sections[-1].good == ("alertmanager.urls names none: alerts are printed and not sent",)
    assert exit_code(sections) == 0


async def test_a_check_says_that_all_is_there(tmp_path: Path) -> None:
    assert await told_of(module(Params()), tmp_path) == [
        Examination("Module mixer", ("what it names is there and answers",))
    ]


async def test_a_check_says_what_is_wrong_and_may_give_the_remedy(tmp_path: Path) -> None:
    (section,) = await told_of(module(Params(("the fuse is gone", "no oil; add oil"))), tmp_path)

    assert section.good == ()
    assert section.findings == (
        Finding(
            "the fuse is gone",
            "look whether it exists and lets this host in, or correct module 'mixer' in Test.toml",
        ),
        Finding("no oil", "add oil"),
    )


async def test_what_a_check_calls_a_warning_is_not_serious(tmp_path: Path) -> None:
    (section,) = await told_of(module(Params(("warning: it hums; oil it",))), tmp_path)

    assert section.findings == (Finding("it hums", "oil it", serious=False),)


async def test_a_check_that_looks_at_nothing_has_no_section(tmp_path: Path) -> None:
    assert await told_of(module(Params(does="looks at nothing")), tmp_path) == []


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("fails", "cannot ask the mixer"),
        ("raises", "LookupError: a bug"),
        ("hangs", "no answer within 0.05 s"),
    ],
)
async def test_a_check_that_cannot_examine_fails(tmp_path: Path, does: str, said: str) -> None:
    (section,) = await told_of(module(Params(does=does), seconds=0.05), tmp_path)

    assert [finding.what for finding in section.findings] == [said]
    assert exit_code([section]) == 1


async def test_what_is_named_at_other_times_is_asked_too_and_each_answer_told_once(
    tmp_path: Path,
) -> None:
    night = During(("23:00-05:00",), params=Params(("no oil; add oil", "the lamp is broken")))
    usual = module(Params(("no oil; add oil",)))
    (section,) = await told_of(evolve(usual, during=(night,)), tmp_path)
    (only_then,) = await told_of(evolve(module(Params()), during=(night,)), tmp_path)

    assert [each.what for each in section.findings] == ["no oil", "the lamp is broken"]
    assert [each.what for each in only_then.findings] == ["no oil", "the lamp is broken"]
    assert only_then.good == ()


async def test_a_module_that_is_off_is_not_asked(tmp_path: Path) -> None:
    assert await told_of(module(Params(("broken",)), enabled=False), tmp_path) == []


async def test_everything_is_waited_for_at_the_same_time(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    peers = [await nursery.start(FakePeer(usual=black_hole).serve) for _ in range(6)]
    begun = undisturbed()
    sections = await examine.examine(service(urls=tuple(peer.url for peer in peers)), [tmp_path])

    assert undisturbed() - begun < 2 * 0.4
    assert [section.subject for section in sections[3:]] == [
        f"Alertmanager {peer.url}" for peer in peers
    ]
    assert exit_code(sections) == 1


def test_a_newer_python_of_the_system_is_a_warning(tmp_path: Path) -> None:
    for name in ("python3.9", "python3.11", "python3.13"):
        (tmp_path / name).touch()
    (tmp_path / "python3").symlink_to("python3.11")
    before = [*examine.old_python(tmp_path / "python3.11")]
    chosen = [*examine.old_python(tmp_path / "python3.13")]
    (tmp_path / "python3").unlink()
    (tmp_path / "python3").symlink_to("python3.13")
    (after,) = examine.old_python(tmp_path / "python3.11")

    assert before == chosen == []
    assert (after.remedy, after.serious) == ("run scripts/install again", False)
    assert "runs with Python 3.11, but the system has Python 3.13 now" in after.what
