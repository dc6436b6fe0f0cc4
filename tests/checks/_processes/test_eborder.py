"""The legacy agent's protocol: its argument, its secrets, its events."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.command import Params
from supervisor.api import Condition, Observation, Report, Secret
from tests.support.bad_plugins import failure, observe, plugin, printing

UNUSED = Secret("env", "UNUSED")


async def test_a_legacy_module_is_given_its_parameter_and_its_times() -> None:
    parameter = {"Servers": [{"Name": "서버"}], "Limit": 1.5, "Empty": {}}
    params = Params(plugin("legacy_module"), "eborder", params=parameter)

    arguments, disk = await observe(params, at=("09:00", "12:00", "16:30"))

    assert isinstance(arguments, Report)
    assert json.loads(arguments.message) == [
        "KOR",
        '{"Servers":[{"Name":"서버"}],"Limit":1.5,"Empty":{},"ExecuteTimes":"09:00,16:30"}',
    ]
    assert disk == Condition(
        "Disk",
        "W",
        "",
        "/ 91%",
        "<b>full</b>",
        {"service": "KOR"},
        {"event_time": "2026-11-23 01:02:03"},
    )


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({}, []),
        ({"params": {}}, ["{}"]),
        ({"params_json": ' { "a" : null, "b" : 18446744073709551616 } '},
         ['{"a":null,"b":18446744073709551616}']),
    ],
)  # fmt: skip
async def test_only_a_parameter_that_is_given_is_passed_on(
    given: Mapping[str, object], argument: list[str]
) -> None:
    arguments, _ = await observe(Params(plugin("legacy_module"), "eborder", **given))  # type: ignore[arg-type]  # the parametrised keys

    assert isinstance(arguments, Report)
    assert json.loads(arguments.message) == ["KOR", *argument]


async def test_secrets_are_filled_in_and_never_come_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DB_PASSWORD", 'pass"word\\')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "pin").write_text("4711\n")
    given = tmp_path / "given"
    script = f"""
import json, sys
open({str(given)!r}, "w").write(sys.argv[2])
password = json.loads(sys.argv[2])["Password"]
print(password, file=sys.stderr)
print(json.dumps([{{"EventMessage": password}}]) if password.startswith("pass") else "rubbish")
"""
    params = Params(
        (sys.executable, "-c", script),
        "eborder",
        params_json='{"Password": "{secret:db}", "Pin": {secret:pin}}',
        secrets={"db": Secret("env", "DB_PASSWORD")},
    )

    observed = await observe(params)
    received = json.loads(given.read_text())
    monkeypatch.setenv("DB_PASSWORD", "other")
    message = await failure(params)

    assert received == {"Password": 'pass"word\\', "Pin": 4711}
    assert observed == [Report("Unknown", "[secret]")]
    assert message.endswith("it ended with exit status 0, stderr: [secret]")


@pytest.mark.parametrize(
    ("value", "message"),
    [("no number", "a secret does not fit where the JSON asks for it"), (None, "is not set")],
)
async def test_a_secret_that_cannot_be_used_is_a_failed_check_that_does_not_tell_it(
    monkeypatch: pytest.MonkeyPatch, value: str | None, message: str
) -> None:
    if value is not None:
        monkeypatch.setenv("UNUSED", value)
    params = Params(("true",), "eborder", params_json="[{secret:pin}]", secrets={"pin": UNUSED})
    message = await failure(params)

    assert message in message
    assert "no number" not in message


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("auto", [Report("Unknown", ""), Condition("A", "W", "", ""), Report("B", "", "", "XI")]),
        ("reports", [Report("Unknown", ""), Report("A", "", "", "W"), Report("B", "", "", "XI")]),
        (
            "conditions",
            [
                Condition("Unknown", "I", "", ""),
                Condition("A", "W", "", ""),
                Condition("B", "XI", "", ""),
            ],
        ),
    ],
)
async def test_events_are_reports_or_conditions(events: str, expected: list[Observation]) -> None:
    first = ({"EventType": None}, {"EventName": "A", "EventType": "W"})
    output = json.dumps([*first, {"EventName": "B", "EventType": "XI"}])

    assert expected == await observe(Params(printing(output), "eborder", events=events))  # type: ignore[arg-type]  # the parametrised values


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[", "Expecting value: line 1 column 2 (char 1)"),
        ('{"a": 1}', "the JSON is an object, not an array"),
        ("null", "the JSON is null, not an array"),
        ("[{}, 5]", "event 2 is a number, not an object"),
        ('[{"EventName": true}]', "EventName of event 1 is a boolean, not a string"),
        ('[{"EventMessage": ["a"]}]', "EventMessage of event 1 is an array, not a string"),
        ("[NaN]", "NaN is not JSON"),
        ("[" * 120_000, "it is nested too deeply"),
    ],
)
async def test_output_that_is_not_events_is_a_failed_check(output: str, why: str) -> None:
    params = Params(printing(output, "print('!', file=sys.stderr); sys.exit(7)"), "eborder")

    message = f"cannot read the events of {sys.executable}: {why}; "
    assert f"{message}it ended with exit status 7, stderr: !" == await failure(params)


async def test_more_events_than_max_output_are_a_failed_check() -> None:
    params = Params(printing("[" + " " * 1000 + "]"), "eborder", max_output=1000)

    assert "1002 bytes are more than 1000" in await failure(params)
