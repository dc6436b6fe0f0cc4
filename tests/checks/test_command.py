"""The `command` check: plugins and plain programs, with bad plugins beside two good ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from checks.command import Params
from supervisor.api import CheckFailed, Condition, Limit, Measurement, Secret
from supervisor.processes import procfs
from tests.support.bad_plugins import (
    BAD_PLUGINS,
    FAILED,
    FINE,
    TIMEOUT,
    observe,
    plugin,
    printing,
    shell,
)

UNUSED = Secret("env", "UNUSED")


async def verdict(argv: tuple[str, ...], within: float = 20) -> str:
    with trio.move_on_after(within):
        try:
            observed = await observe(Params(argv, "nagios"))
        except CheckFailed:
            return FAILED
        types = [seen.event_type for seen in observed if isinstance(seen, Condition)]
        return types[0] if types else FINE
    return TIMEOUT


async def test_bad_plugins_get_their_verdict_and_harm_no_good_one(tmp_path: Path) -> None:
    children = procfs.children(every_thread=True)
    verdicts: dict[str, str] = {}
    good: list[str] = []

    async def judge(name: str) -> None:
        verdicts[name] = await verdict(
            plugin(name), within=1 if BAD_PLUGINS[name] == TIMEOUT else 20
        )

    async def repeat_the_good() -> None:
        while len(verdicts) < len(BAD_PLUGINS):
            good.append(await verdict(plugin("good", str(tmp_path))))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(repeat_the_good)
        nursery.start_soon(repeat_the_good)
        for name in BAD_PLUGINS:
            nursery.start_soon(judge, name)

    assert verdicts == BAD_PLUGINS
    assert set(good) == {FINE}
    assert len(good) >= 4
    assert set(procfs.children(every_thread=True)) <= set(children)


async def test_a_plugins_output_becomes_a_condition_and_measurements() -> None:
    output = "LOAD <high> | load=9;5;8\nfirst <line>\nsecond | more=1%\n"

    expected = [
        Measurement("load", 9.0),
        Measurement("more", 1.0, "%"),
        Condition("the module", "E", "", "LOAD <high>", "<pre>first &lt;line&gt;\nsecond</pre>"),
    ]
    assert expected == await observe(Params(printing(output, "sys.exit(2)"), "nagios"))


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("time=0.8s", []),
        ("time=0.95s", [("time", "W", True, "time is 0.95s (limit W 1, E 3, clear 0.9)")]),
        ("time=2s;9;9", [("time", "W", False, "time is 2s (limit W 1, E 3, clear 0.9)")]),
        ("time=5s", [("time", "E", False, "time is 5s (limit W 1, E 3, clear 0.9)")]),
        ("free=9%", [("free", "S", False, "free is 9%, less than 10")]),
    ],
)
async def test_performance_data_may_have_limits_of_our_own(
    printed: str, seen: list[tuple[str, str, bool, str]]
) -> None:
    params = Params(
        printing(f"fine | size=1 time=0s free=10% {printed}"),
        "nagios",
        limits={"time": Limit((("W", 1.0), ("E", 3.0)), clear=0.9)},
        min_limits={"free": Limit.of(10.0)},
        event_type="S",
    )
    observed = await observe(params)
    found = [item for item in observed if isinstance(item, Condition)]

    assert [(each.instance, each.event_type, each.sustain, each.message) for each in found] == seen
    assert {item.name: item.limits for item in observed if isinstance(item, Measurement)} == {
        "size": (),
        "time": (1, 3),
        "free": (10,),
    }


async def test_a_limit_of_a_value_that_a_plugin_does_not_print_is_said() -> None:
    limits = {"tiem": Limit.of(1.0)}
    script = "printf 'x | time=1s'; exit "
    fine = await observe(Params(shell(script + "0"), "nagios", limits=limits))
    in_trouble = await observe(Params(shell(script + "1"), "nagios", limits=limits))
    found = [item for item in fine if isinstance(item, Condition)]

    assert [(each.alertname, each.instance, each.event_type) for each in found] == [
        ("Value unreadable", "tiem", "E")
    ]
    assert found[0].message == (
        f"cannot judge tiem: {shell('')[0]} prints no such value; it prints time"
    )
    assert [item.message for item in in_trouble if isinstance(item, Condition)] == ["x"]


async def test_a_plugin_that_is_fine_is_still_measured() -> None:
    assert [Measurement("a", 1.0)] == await observe(Params(printing("OK | a=1"), "nagios"))


@pytest.mark.parametrize(
    ("script", "message", "detail"),
    [
        ("echo why >&2; exit 5", "exit status 5: why", "<pre>why</pre>"),
        ("exit 5", "exit status 5", ""),
        ("kill -TERM $$", "killed by SIGTERM", ""),
        ("echo '<one>'; echo two; echo three >&2; exit 1", "<one>", "<pre>two\nthree</pre>"),
    ],
)
async def test_any_program_that_does_not_end_with_0_is_a_condition(
    script: str, message: str, detail: str
) -> None:
    expected = Condition("the module", "W", "", message, detail)

    assert [expected] == await observe(Params(shell(script), "text", event_type="W"))


async def test_any_program_that_ends_with_0_is_fine() -> None:
    assert await observe(Params(shell("echo all is well"), "text")) == []


async def test_the_directory_and_the_environment_are_the_commands(tmp_path: Path) -> None:
    params = Params(
        shell('echo "$(pwd) $GREETING"; exit 1'), "text", cwd=str(tmp_path), env={"GREETING": "hi"}
    )

    assert [Condition("the module", "E", "", f"{tmp_path} hi")] == await observe(params)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"argv": ()}, "argv is empty"),
        ({"argv": ("",)}, "argv is empty"),
        ({"max_output": 0}, "0 is less than 1; write 1 or more"),
        ({"event_type": ""}, "is empty; write for example 'E'"),
        ({"limits": {"a": Limit.of(1.0)}}, "limits and min_limits need protocol = 'nagios'"),
        ({"limits": {"a": Limit((("W", 2.0), ("E", 1.0)))}}, "a: E (1) is below W (2)"),
        ({"params": {}, "params_json": "{}"}, "params and params_json exclude each other"),
        ({"protocol": "text", "params": {}}, "need protocol = 'eborder'"),
        ({"protocol": "nagios", "secrets": {"a": UNUSED}}, "need protocol = 'eborder'"),
        ({"params_json": "{'a': 1}"}, "params_json is not JSON: "),
        ({"params_json": '{"a": {secret:b}c}'}, "params_json is not JSON: "),
        ({"params_json": "[NaN]"}, "params_json is not JSON: NaN"),
        ({"params_json": "[1e999]"}, "params_json is not JSON: "),
        ({"params": {"a": float("inf")}}, "params is not JSON: "),
        ({"params": {"a": object()}}, "params is not JSON: "),
    ],
)
def test_parameters_that_make_no_sense_are_refused(given: Mapping[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        Params(**{"argv": ("true",), "protocol": "eborder", **given})  # type: ignore[arg-type]  # wrong on purpose
