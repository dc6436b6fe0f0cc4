"""Five files that are harder than the sample: encodings, aliases, programs, odd values, daemons."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks._processes import eborder
from checks.command import Params
from supervisor.config.service import Module
from supervisor.config.times import at_labels
from supervisor.convert.conversion import Conversion
from supervisor.convert.service_file.secrets import Secrets
from tests.support.conversions import LEGACY, converted, loaded, made, warnings
from tests.support.ruby import Ruby, running

KOREAN = "KorPnrProd1"
"""In EUC-KR, with Korean comments."""

ALIASES = "KorAppProd2"
"""With anchors, aliases, merges and a second document."""

PROGRAMS = "TwnAppTest"
"""With modules that have no check of their own."""

ODD = "KorPfmsProd1"
"""With values that YAML reads otherwise than people."""

DAEMONS = "KorAppTest"
"""With the legacy agent among its daemons."""

FILES = {
    name: LEGACY / f"alertmanager_{name}.conf" for name in (KOREAN, ALIASES, PROGRAMS, ODD, DAEMONS)
}
"""The legacy files by name."""


@pytest.fixture(scope="module")
def ruby() -> Iterator[Ruby]:
    with running("timetable.rb") as process:
        yield process


def modules(conversion: Conversion) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(conversion.text)["modules"]
    return found


def lines(conversion: Conversion) -> list[str]:
    return [line.strip() for line in conversion.text.splitlines()]


@pytest.mark.parametrize("name", FILES)
def test_the_result_is_valid(tmp_path: Path, name: str) -> None:
    assert loaded(made(FILES[name]), tmp_path).modules


@pytest.mark.parametrize("name", FILES)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    assert made(FILES[name]).text == made(FILES[name]).text


@pytest.mark.parametrize(
    ("name", "passwords"),
    [
        (KOREAN, ["가나다-비밀"]),
        (ALIASES, ["s3cret: with # and 'quotes'"]),
        (PROGRAMS, ["hunter2", "p4ss", "0815", "t0k3n", "x1y2"]),
        (ODD, ["0123", "no"]),
    ],
)
def test_passwords_are_kept_as_written_and_shown_nowhere(name: str, passwords: list[str]) -> None:
    secrets = Secrets()
    conversion = made(FILES[name], secrets)

    assert passwords == list(secrets.values.values())
    assert not [each for each in passwords if len(each) > 2 and each in conversion.text]
    journal = re.sub(r"0x[0-9a-f]+", "", repr(conversion.journal))  # without addresses in memory
    assert not [each for each in passwords if len(each) > 2 and each in journal]


def test_korean_comments_stand_where_they_stood() -> None:
    conversion = made(FILES[KOREAN])

    assert "CP949" == conversion.encoding
    assert [
        "# 한국 PNR 운영 1호기",
        "# 담당: 홍길동 (내선 1234)",
        'service = "KOR-PNR-PROD1"',
        "# EventType: 사용하지 않음",
    ] == lines(conversion)[1:5]
    assert 'check = "connection"  # 5분마다' in lines(conversion)
    at = lines(conversion).index("servers = [")
    assert [
        "# 주 서버",
        '{ name = "주서버", host = "127.0.14.31", port = 1112 },  # 회선 A',
        '{ name = "예비", host = "127.0.14.32", port = 1113 },',
        "# - ServerName: 폐기",
        "#   HostName: 127.0.14.33",
        "]",
    ] == lines(conversion)[at + 1 : at + 7]
    assert "# 암호: …" in lines(conversion)


def test_airlines_that_yaml_takes_for_booleans_or_octal_are_what_was_written() -> None:
    conversion = made(FILES[KOREAN])

    assert ["NO", "4V", "1E", "ON", "010"] == modules(conversion)[1]["params"]["exclude_services"]
    assert "ExcludeService 'NO' is false to YAML: the text is used" in warnings(conversion)


@pytest.mark.parametrize("written", ["1,2", "[1, 2]", "'1,2'", "1, 2"])
def test_a_list_that_yaml_takes_for_a_number_is_a_list(tmp_path: Path, written: str) -> None:
    report = (
        "- ModuleFileName: pnrReport.rb\n  ExecuteTime: 08:00\n  Parameter:\n"
        f"    KorDatabaseServer: {{UserName: eborder}}\n    ExcludeService: {written}\n"
    )

    assert ["1", "2"] == modules(converted(tmp_path, report))[0]["params"]["exclude_services"]


def test_aliases_and_merges_are_followed() -> None:
    conversion = made(FILES[ALIASES])
    first, second, push, *_ = modules(conversion)

    assert ["disk", "disk-2", "pnr_push_process", "queueDepth", "queueDepth-2"] == [
        module.name for module in conversion.journal.modules
    ]
    assert ["1h", "1m"] == [first["every"], second["every"]]
    assert [
        {"filesystem": "/", "max_use_percent": 90, "backup": True},
        {"filesystem": "/home", "max_use_percent": 90, "backup": True},
    ] == first["params"]["filesystems"]
    assert first["params"] == second["params"]
    assert "JPN-PNR" == push["params"]["database"]["name"]
    assert ["6m40s"] * 2 == [push["timeout"], modules(conversion)[3]["timeout"]]
    assert [] == conversion.journal.unmapped
    assert "a second document begins" in warnings(conversion)


def test_odd_values_are_read_as_the_author_meant_them() -> None:
    conversion = made(FILES[ODD])
    connection, updater, session, files = (each["params"] for each in modules(conversion))

    assert "2024" == conversion.service
    assert {
        "name": 'he said "hi" \\ \' = # [x]',
        "host": "::1",
        "port": 8080,
        "event_type": "W",
    } == connection["servers"][0]
    assert {"name": "NO", "host": "localhost", "port": 443} == connection["servers"][1]
    assert ["1.10", "123", "yes"] == [
        updater["server_name"],
        updater["pnr_database"]["user"],
        updater["monitoring_database"]["user"],
    ]
    assert [1000, 5400, "under"] == [
        session["max_total"],
        session["sessions"][0]["limit"],
        session["sessions"][0]["when"],
    ]
    assert [{"directory": "/srv/한글 dir/'x'", "max_age": "30s"}] == files["directories"]


def test_what_has_no_counterpart_is_listed() -> None:
    assert [
        (2, "EventType"),
        (3, "Owner"),
        (3, "Owner.Mail"),
        (3, "Owner.Name"),
        (6, "Alertmanager.Timeout"),
        (12, "Modules[0].Comment"),
        (22, "Modules[0].Parameter.SendingServerList[1].Retries"),
        (28, "Modules[1].Parameter.MonitoringDatabaseServer.TLS"),
    ] == sorted((each.line, each.text) for each in made(FILES[ODD]).journal.unmapped)


def test_daemons_of_the_agent_are_commented_out_and_the_others_stay() -> None:
    conversion = made(FILES[DAEMONS])
    at = lines(conversion).index("daemons = [")

    assert [
        "# the agent and what watches it",
        '# { name = "alertmanager", processes = ["alertmanager_KorAppTest"], monitor = true },',
        '{ name = "alertmanager", processes = ["watchAgent"], monitor = true },  # both',
        '# { name = "alertmanager_KorPnrTest" },',
        '{ name = "1E", hosts = ["1", "2"] },',
        '{ name = "connector", hosts = ["NO", "BX"] },',
        "# between",
        '{ name = "java", processes = ["com.example.A", "com.example.B"] },  # first',
        "# after",
        "# the end of the list",
        "]",
    ] == lines(conversion)[at + 1 : at + 12]


class SecretFiles(dict[str, str]):
    """The content of each secret's file."""

    def __missing__(self, name: str) -> str:
        raise AssertionError(f"there is no secret {name}")


def argument(module: Module, secrets: Secrets) -> Any:
    """Return what a program gets as its argument."""
    assert isinstance(module.params, Params)
    if module.params.json is None:
        return None
    kept = SecretFiles({name: value.rstrip("\r\n") for name, value in secrets.values.items()})
    at = at_labels(module.at, module.every)
    return json.loads(eborder.argument(module.params.json, kept, at))


@pytest.mark.parametrize("name", [ALIASES, PROGRAMS])
def test_programs_get_the_json_that_they_got_from_the_agent(
    ruby: Ruby, tmp_path: Path, name: str
) -> None:
    secrets = Secrets(tmp_path)
    service = loaded(made(FILES[name], secrets), tmp_path)
    agents = ruby.ask(FILES[name].read_text(encoding="utf-8"))["modules"]
    programs = {
        module.name: argument(module, secrets)
        for module in service.modules
        if module.check == "command"
    }

    assert {
        module.name: agent["argument"] and json.loads(agent["argument"])
        for module, agent in zip(service.modules, agents, strict=True)
        if module.check == "command"
    } == programs


HOSTILE = r"""
- ModuleFileName: (#ModuleFilePath)/any.rb
  Interval: 60
  Parameter:
    Password: "line\nbreak\n"
    Secret: {a: [90210, 0x10, no, ~, ""], b: 1.5}
    token: 2001-01-01
    Plain: "'''\"\"\" \\ {secret:x} \u007f \u0001 \n"
    "{secret:y}": 1
    "": [[[[1]]], {}]
    Url: "https://a:b%40c@127.0.0.1/?x={y}"
    ? [1, two]
    : complex
    1: a
    "1": b
    Since: 2001-12-14 21:59:43
    Float: 1.0e+20
    Big: 123456789012345678901234567890
"""
"""A module with all that is hard to write as JSON in TOML."""


def test_the_json_of_hostile_values_is_that_of_the_agent(ruby: Ruby, tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    conversion = converted(tmp_path, HOSTILE, secrets)
    (module,) = loaded(conversion, tmp_path).modules
    (agent,) = ruby.ask((tmp_path / "alertmanager_Kor.conf").read_text(encoding="utf-8"))["modules"]

    expected = json.loads(agent["argument"])
    assert expected == argument(module, secrets)
    assert not [v for v in secrets.values.values() if len(v) > 3 and v in conversion.text]
