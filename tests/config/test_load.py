"""What a service file becomes, and every problem in it at once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tomli_w
from attrs import field, frozen

from supervisor.config.load import load_service
from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.errors import ConfigError
from supervisor.observations import Duration
from supervisor.text import MAX_LABEL_BYTES, MAX_MESSAGE_BYTES
from tests.support.service_file import (
    FULL,
    MODULE,
    SERVICE,
    Nothing,
    Ports,
    Server,
    load,
    problems,
)


def test_every_key_is_read(tmp_path: Path) -> None:
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


def test_everything_that_is_wrong_is_reported_at_once(tmp_path: Path) -> None:
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
        'service: is missing; write for example service = "SHOP"',
        "timezone: 'Asia/Soul' is not a time zone; did you mean 'Asia/Seoul'?",
        "heartbeat: is text, not a boolean; write true, without quotes",
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
        'modules[0].timeout: is a boolean, not a duration; write for example "30s"',
        "modules[0].params.servers[0].port: is text, not an integer; write 80, without quotes",
        'modules[0].params.servers[1].host: is missing; write for example host = "…"',
        "modules[0].params.servers[1].prot: is not a known key; did you mean 'port'?",
        "modules[0].params.mode: 'fsat' is not known here; did you mean 'fast'?",
        'modules[0]: has neither every nor at; write for example every = "5m" or at = ["09:00"]',
        "modules[1].name: 'ports' is the name of module 1 too (line 14); "
        "give each module its own name = …",
        "modules[1].at[0]: '01:00-02:00' is a range without steps; "
        'write `every`, for example every = "30m"',
        "modules[2].check: there is no check 'portz'; known checks are plain, ports",
    ]


EVERY_OR_AT = 'write for example every = "5m" or at = ["09:00"]'


def test_a_module_needs_every_or_at(tmp_path: Path) -> None:
    said = [f"modules[0]: has neither every nor at; {EVERY_OR_AT}"]

    assert said == problems(tmp_path, SERVICE + '[[modules]]\ncheck = "plain"')
    assert said == problems(tmp_path, SERVICE + '[[modules]]\ncheck = "plain"\nat = []')


def test_a_wrong_every_is_not_reported_as_missing(tmp_path: Path) -> None:
    module = '[[modules]]\ncheck = "plain"\nevery = "5x"\nat = ["01:00-02:00"]'

    (problem,) = problems(tmp_path, SERVICE + module)

    assert problem.startswith("modules[0].every: ")


def test_problems_of_the_tenth_module_stand_behind_those_of_the_second(tmp_path: Path) -> None:
    modules = [{"check": "plain", "name": f"m{index}", "every": index % 9} for index in range(11)]
    text = tomli_w.dumps({"service": "a", "alertmanager": {"max_batch": 0}, "modules": modules})

    keys = [problem.partition(":")[0] for problem in problems(tmp_path, text)]

    assert keys == ["alertmanager.max_batch", "modules[0].every", "modules[9].every"]


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

    said = "module 'plain': number: nothing of that number; write an integer that fits"
    assert str(caught.value) == f"{path}:7: {said}"


def test_a_listener_that_others_reach_is_allowed_with_a_token(tmp_path: Path) -> None:
    status = '[status]\nlisten = "0.0.0.0:9477"\ntoken = { env = "TOKEN" }'

    expected = StatusListener(listen="0.0.0.0:9477", token=Secret("env", "TOKEN"))
    assert load(tmp_path, SERVICE + status).status == expected


def test_labels_and_annotations_are_cleaned_as_those_of_checks_are(tmp_path: Path) -> None:
    labels = {"site": "a\u202eb\n\x9bc", "long": "한" * 1000}
    annotations = {"runbook": "a\u2028b\r\nc", "long": "x" * 5000}
    module = {"check": "ports", "every": 60, "name": "m"}
    text = tomli_w.dumps(
        {"service": "X", "labels": labels, "modules": [{**module, "annotations": annotations}]}
    )
    (tmp_path / "X.toml").write_text(text, encoding="utf-8")
    service = load_service(tmp_path / "X.toml", lambda _: Ports)

    assert "a\ufffdb \ufffdc" == service.labels["site"]
    assert MAX_LABEL_BYTES >= len(service.labels["long"].encode())
    assert "a\ufffdb\nc" == service.modules[0].annotations["runbook"]
    assert MAX_MESSAGE_BYTES == len(service.modules[0].annotations["long"].encode())


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
