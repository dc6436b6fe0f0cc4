"""The service file: what it becomes, and what is said about everything wrong in it."""

from __future__ import annotations

import os
import socket
import tempfile
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import tomli_w
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.files import directories, find
from supervisor.config.load import load_service
from supervisor.config.problems import TableError
from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.config.structure import structure
from supervisor.errors import ConfigError
from supervisor.observations import Duration
from tests.support.service_file import (
    FULL,
    MODULE,
    SERVICE,
    Nothing,
    Ports,
    Server,
    load,
    params_of,
    problems,
)


def test_every_key_of_the_contract_is_read(tmp_path: Path) -> None:
    service = load(tmp_path, FULL)

    peers, plain = service.modules
    assert (
        Service(
            path=tmp_path / "KorPnrTest.toml",
            service="KOR-PNR-TEST",
            timezone=ZoneInfo("Asia/Seoul"),
            report_lifetime=Duration(1800),
            resend_interval=Duration(60),
            stop_grace=Duration(10),
            heartbeat=True,
            max_ledger=1024**3,
            labels={"host": "alpha", "site": "test"},
            alertmanager=Alertmanager(
                urls=("http://127.0.0.1:9093/am", "https://am.example.invalid"),
                timeout=Duration(5),
                max_batch=10,
                min_visible=Duration(360),
                username="watch",
                password=Secret("file", "/run/secret"),
            ),
            status=StatusListener(
                listen="[::1]:9477",
                hosts=("status.example.invalid",),
                external_url="https://am.example.invalid/status?from=alert",
            ),
            modules=(peers, plain),
        )
        == service
    )
    assert (
        Module(
            check="ports",
            name="peers",
            every=Duration(300),
            at=("00:00-23:55",),
            timeout=Duration(12.5),
            catch_up=Duration(0),
            fire_after=2,
            clear_after=3,
            max_conditions=4,
            enabled=False,
            labels={"team": "red"},
            annotations={"runbook": "https://example.invalid/runbook"},
            params=Ports(
                servers=(Server("USTD-DEV1", "127.0.14.31", 1112),),
                mode="slow",
                ratio=1.0,
                wait=Duration(60),
                key=Secret("env", "KEY"),
                targets=("a", "b"),
                limits={"a": 1.0, "b": 2.5},
                anything={"a": [1, "two", {"three": True}]},
                zone=ZoneInfo("UTC"),
                file=Path("/etc/hosts"),
            ),
        )
        == peers
    )
    assert Module(check="plain", name="plain", at=("09:00",), params=Nothing()) == plain


def test_what_a_file_leaves_out_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    service = load(tmp_path, SERVICE)

    assert (
        Service(
            path=tmp_path / "KorPnrTest.toml",
            service="KOR-PNR-TEST",
            timezone=ZoneInfo("Asia/Tokyo"),
            labels={"host": socket.gethostname()},
        )
        == service
    )


def test_a_module_is_named_after_the_last_part_of_its_checks_path(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SERVICE + '[[modules]]\ncheck = "site.checks.fan"\nevery = 60\n')

    assert load_service(path, lambda name: Nothing).modules[0].name == "fan"


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = """
        timezone = "Asia/Soul"
        report_lifetime = "5m"
        heartbeat = "yes"
        stop_grase = "5s"
        [labels]
        event_type = "E"
        [alertmanager]
        urls = ["ftp://example.invalid", "http://127.0.0.1:9093", "http://127.0.0.1:9093/"]
        password = "hunter2"
        max_batch = 0
        [status]
        listen = "0.0.0.0:9477"
        [[modules]]
        check = "ports"
        timeout = true
        [modules.params]
        servers = [{ name = "a", host = "b", port = "80" }, { name = "c", prot = 1 }]
        mode = "fsat"
        [[modules]]
        check = "ports"
        at = ["01:00-02:00"]
        [[modules]]
        check = "portz"
        every = "1m"
    """

    assert problems(tmp_path, text) == [
        'service: is missing; write for example service = "…"',
        "timezone: 'Asia/Soul' is not a time zone; did you mean 'Asia/Seoul'?",
        "heartbeat: is text, not a boolean; write for example true",
        "labels.event_type: is a label that the supervisor sets; choose another name",
        "alertmanager.urls[0]: is not a URL of http or https; "
        'write for example "http://127.0.0.1:9093"',
        "alertmanager.max_batch: is less than 1; write 1 or more",
        "alertmanager.password: is text, not a secret; a secret is never written here, write "
        '{ credential = "name" }, { file = "path" } or { env = "NAME" }',
        "stop_grase: is not a known key; did you mean 'stop_grace'?",
        "report_lifetime: is not longer than alertmanager.min_visible (6m); write more than 6m",
        "alertmanager.urls[2]: is the same peer as urls[1]; list each peer once",
        "alertmanager.password: is given without username; add username = …",
        "status.listen: is not loopback, and there is no token; "
        'add token = { credential = "status-token" }, or listen on 127.0.0.1',
        'modules[0].timeout: is a boolean, not a duration; write for example "5m"',
        "modules[0].params.servers[0].port: is text, not an integer; write for example 1",
        'modules[0].params.servers[1].host: is missing; write for example host = "…"',
        "modules[0].params.servers[1].prot: is not a known key; did you mean 'port'?",
        "modules[0].params.mode: 'fsat' is not known here; did you mean 'fast'?",
        "modules[0]: module 'ports' has neither every nor at; "
        'write for example every = "5m" or at = ["09:00"]',
        "modules[1].name: 'ports' is the name of modules[0] too; give each module its own name = …",
        "modules[1].at[0]: '01:00-02:00' is a range without steps; write `every`",
        "modules[2].check: there is no check 'portz'; known checks are plain, ports",
    ]


EVERY_OR_AT = 'write for example every = "5m" or at = ["09:00"]'


def test_a_module_needs_every_or_at(tmp_path: Path) -> None:
    said = [f"modules[0]: module 'plain' has neither every nor at; {EVERY_OR_AT}"]

    assert said == problems(tmp_path, SERVICE + '[[modules]]\ncheck = "plain"')
    assert said == problems(tmp_path, SERVICE + '[[modules]]\ncheck = "plain"\nat = []')


def test_a_wrong_every_is_not_also_said_to_be_missing(tmp_path: Path) -> None:
    module = '[[modules]]\ncheck = "plain"\nevery = "5x"\nat = ["01:00-02:00"]'

    (problem,) = problems(tmp_path, SERVICE + module)

    assert problem.startswith("modules[0].every: ")


def test_problems_of_the_tenth_module_stand_behind_those_of_the_second(tmp_path: Path) -> None:
    modules = [{"check": "plain", "name": f"m{index}", "every": index % 9} for index in range(11)]
    text = tomli_w.dumps({"service": "a", "alertmanager": {"max_batch": 0}, "modules": modules})

    keys = [problem.partition(":")[0] for problem in problems(tmp_path, text)]

    assert keys == ["alertmanager.max_batch", "modules[0].every", "modules[9].every"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("service = ", "line 1, column 11: is not TOML: Invalid value; "),
        ('service = "a"\nservice = "b"', "line 2, column 14: is not TOML: Cannot overwrite a "),
        ('x = "hunter2', "line 1, column 13: is not TOML: Illegal character '\\n'; "),
        ("\nx = '''hunter2", "line 2, at the end: is not TOML: Expected "),
        (b'service = "a"\nx = "\xff"', "line 2: is not UTF-8; "),
        (b"\xff\xfe", "line 1: is not UTF-8; "),
        ("a = " + "[" * 10_000, "is nested too deeply; "),
        ("a = " + "1" * 5_000, "cannot be read as TOML; "),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_said_with_its_place(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    (problem,) = problems(tmp_path, text)

    assert said == problem[: len(said)]


def test_deep_dotted_keys_are_refused(tmp_path: Path) -> None:
    deep = "[modules.params.anything]\n" + ".".join("a" * 5_000) + " = 1"

    (problem,) = problems(tmp_path, SERVICE + '[[modules]]\ncheck = "ports"\nevery = 1\n' + deep)

    assert problem.endswith("is nested too deeply; write it flatter")


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path / "absent.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_service(path, params_of)

        remedy = "give a TOML file in UTF-8 that this user may read"
        assert f"{path}: cannot be read: {why}; {remedy}" == str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_service(Path("a\0b"), params_of)


def test_a_check_whose_parameters_no_file_can_give_is_named(tmp_path: Path) -> None:
    @frozen
    class Odd:
        call: Callable[[], int]

    path = tmp_path / "a.toml"
    path.write_text(SERVICE + MODULE)
    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda name: Odd)

    (problem,) = caught.value.problems
    assert problem.key == "modules[0].check"
    assert problem.wrong.startswith("has parameters that no file can give: ")


def test_a_validator_that_raises_anything_is_a_problem_at_its_key(tmp_path: Path) -> None:
    def look_up(instance: object, attribute: object, value: int) -> None:
        raise KeyError("nothing of that number")

    @frozen
    class Guarded:
        number: int = field(validator=look_up)

    path = tmp_path / "a.toml"
    path.write_text(SERVICE + MODULE + "params.number = 1")
    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda name: Guarded)

    said = "modules[0].params.number: nothing of that number; write an integer that fits"
    assert str(caught.value) == f"{path}: {said}"


def test_a_listener_that_others_reach_is_allowed_with_a_token(tmp_path: Path) -> None:
    status = '[status]\nlisten = "0.0.0.0:9477"\ntoken = { env = "TOKEN" }'

    expected = StatusListener(listen="0.0.0.0:9477", token=Secret("env", "TOKEN"))
    assert load(tmp_path, SERVICE + status).status == expected


def test_no_traceback_leads_from_a_fault_to_its_value() -> None:
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


def test_a_service_is_found_in_the_first_directory_that_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for directory, name in ((first, "Demo"), (second, "Demo"), (second, "KorPnrTest")):
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.toml").touch()

    assert first / "Demo.toml" == find("Demo", [first, second])
    assert second / "KorPnrTest.toml" == find("KorPnrTest", [first, second])


def test_an_unknown_service_lists_those_that_exist(tmp_path: Path) -> None:
    for name in ("Demo", "KorPnrTest"):
        (tmp_path / f"{name}.toml").touch()

    for name, remedy in (
        ("KorPnrtest", "did you mean 'KorPnrTest'? There are: Demo, KorPnrTest"),
        ("Xyzzy", "there are: Demo, KorPnrTest"),
    ):
        with pytest.raises(ConfigError) as caught:
            find(name, [tmp_path])

        wrong = f"there is no {name}.toml in {tmp_path}"
        assert f"--service {name}: {wrong}; {remedy}" == str(caught.value)
        assert caught.value.exit_code == 78
    with pytest.raises(ConfigError) as caught:
        find("Demo", [tmp_path / "absent"])
    assert str(caught.value).endswith(f"; write {tmp_path}/absent/Demo.toml")


@pytest.mark.parametrize("name", ["", ".", "..", "../Demo", "a/b", "/etc/passwd", "a\0b", "a\nb"])
def test_a_service_is_named_without_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a name of a service; give the file's name"):
        find(name, [tmp_path])


def test_directories_are_those_given_else_the_variable_else_configs_else_etc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERVISOR_CONFIG_DIR", raising=False)

    assert directories([]) == (Path("/etc/supervisor"),)
    os.mkdir("configs")
    assert directories([]) == (Path("configs"),)
    monkeypatch.setenv("SUPERVISOR_CONFIG_DIR", "/srv/a")
    assert directories([]) == (Path("/srv/a"),)
    assert directories([Path("b"), Path("c")]) == (Path("b"), Path("c"))


def load_or_refuse(text: bytes) -> None:
    """Load a file of these bytes; anything but a service or a `ConfigError` is a failure."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text)
        file.flush()
        said = []
        try:
            load_service(Path(file.name), params_of)
        except ConfigError as error:
            said = [str(problem) for problem in error.problems] or [""]
    assert all(said)
    assert not any("\n" in line for line in said)


SCALARS = (
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["5m", "09:00", "09:00-10:00", "127.0.0.1:1", "http://[::1", "plain", "UTC"])
    | st.datetimes()
    | st.dates()
    | st.times()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of each key and item of a document."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    here = [(*path, key) for key, _ in items]
    return here + [place for key, inner in items for place in places(inner, (*path, key))]


@given(place=st.sampled_from(places(tomllib.loads(FULL))), value=VALUES, data=st.data())
def test_any_value_at_any_key_is_read_or_refused(
    place: tuple[Any, ...], value: object, data: st.DataObject
) -> None:
    document = tomllib.loads(FULL)
    table: Any = document
    for step in place[:-1]:
        table = table[step]
    if data.draw(st.booleans(), label="remove the key"):
        del table[place[-1]]
    else:
        table[place[-1]] = value

    load_or_refuse(tomli_w.dumps(document).encode("utf-8", "replace"))


@given(document=st.dictionaries(st.text(max_size=10), VALUES, max_size=4))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    load_or_refuse(tomli_w.dumps(document).encode("utf-8", "replace"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    load_or_refuse(text)


@given(cut=st.integers(0, len(FULL)), length=st.integers(0, 20), put=st.binary(max_size=5))
def test_a_damaged_file_is_read_or_refused(cut: int, length: int, put: bytes) -> None:
    text = FULL.encode()
    load_or_refuse(text[:cut] + put + text[cut + length :])


@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path, which: str) -> None:
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n', encoding="utf-8")
    writable = path if which == "file" else tmp_path
    writable.chmod(writable.stat().st_mode | 0o002)

    with pytest.raises(ConfigError) as raised:
        load_service(path, lambda _: Ports)
    assert "may be written by everybody" in str(raised.value)
    assert f"; chmod o-w {writable}" in str(raised.value)


def test_a_directory_with_the_sticky_bit_is_no_danger(tmp_path: Path) -> None:
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n', encoding="utf-8")
    tmp_path.chmod(0o1777)

    assert load_service(path, lambda _: Ports).service == "X"


def test_relative_paths_are_seen_from_the_files_own_directory(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM", encoding="utf-8")
    path = tmp_path / "X.toml"
    path.write_text(
        'service = "X"\n[alertmanager]\nca_file = "ca.pem"\nbearer_token = { file = "token" }\n',
        encoding="utf-8",
    )
    service = load_service(path, lambda _: Ports)

    assert service.alertmanager.ca_file == tmp_path / "ca.pem"
    assert service.alertmanager.bearer_token == Secret("file", str(tmp_path / "token"))
