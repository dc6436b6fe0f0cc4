"""No message and no traceback shows a secret."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from attrs import field, frozen

from supervisor.config.load import load_service
from supervisor.config.problems import TableError
from supervisor.config.secret import Secret
from supervisor.config.structure import structure
from supervisor.errors import ConfigError
from tests.support.service_file import SERVICE, Ports


def test_no_traceback_leads_from_a_problem_to_its_value() -> None:
    with pytest.raises(TableError) as caught:
        structure("hunter2", Secret)

    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "place",
    [
        'alertmanager.username = "u"\nalertmanager.password = "hunter2"',
        "alertmanager.bearer_token = ['hunter2']",
        "alertmanager.bearer_token = { token = 'hunter2' }",
        "alertmanager.bearer_token = { env = 'hunter2=x' }",
        "alertmanager.passwrod = 'hunter2'",
        "alertmanager.urls = ['https://u:hunter2@example.invalid']",
        "alertmanager.urls = ['hunter2']",
        "status.token = 'hunter2'",
        "status.external_url = 'hunter2'",
        "api_key = 'hunter2'",
        "password = 'hunter2",
        "password = hunter2",
        '[[modules]]\ncheck = "ports"\nevery = 1\nparams.key = "hunter2"',
        '[[modules]]\ncheck = "ports"\nevery = 1\nparams.api_token = "hunter2"',
        '[[modules]]\ncheck = "guarded"\nevery = 1\nparams.token = "hunter2"',
        '[[modules]]\ncheck = "guarded"\nevery = 1\nparams.token = ["hunter2"]',
        '[[modules]]\ncheck = "guarded"\nevery = 1\nparams.token = hunter2',
        '[[modules]]\ncheck = "guarded"\nevery = 1\nparams.token = "\\hunter2"',
        '[[modules]]\ncheck = "guarded"\nevery = 1\nparams = { token = hunter2 }',
        "[[modules]]\ncheck = 'guarded'\nevery = 1\nparams.token = “hunter2”",
    ],
)
def test_a_secret_written_into_the_file_is_shown_nowhere(tmp_path: Path, place: str) -> None:
    def refuse(instance: object, attribute: object, value: str) -> None:
        raise ValueError(f"{value} is too short; write more than {value}")

    @frozen
    class Guarded:
        token: str = field(validator=refuse)

    path = tmp_path / "a.toml"
    path.write_text(SERVICE + place)
    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda name: Guarded if name == "guarded" else Ports)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert "hunter2" not in shown
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "line",
    [
        "alertmanager.password = 0471147",
        "alertmanager.password = 471147%",
        "alertmanager.password = 471147,5",
        "alertmanager.'password' = 127.0.47.1",
        "alertmanager = { password = 0471147 }",
    ],
)
def test_a_secret_that_looks_like_a_number_is_shown_nowhere(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SERVICE + line)

    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda _: Ports)

    assert "47" not in str(caught.value).removeprefix(str(path))
    assert "…" in caught.value.problems[0].remedy
