"""What a service file may say, but hardly means."""
# ruff: noqa: E501 -- a table with one case in each line reads best

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen

from supervisor.config.load import load_service
from supervisor.config.warnings.warnings import find
from supervisor.errors import ConfigError
from supervisor.modules.loader import load_check
from tests.support.service_file import params_of

HEAD = 'service = "SHOP"\n'


def written(directory: Path, text: str) -> Path:
    path = directory / "Shop.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def warned(directory: Path, text: str) -> list[str]:
    service = load_service(written(directory, text), lambda check: load_check(check).params)
    return [f"{each.key}: {each.wrong}; {each.remedy}" for each in find(service)]


def module(check: str, params: str, more: str = "") -> str:
    return f'[[modules]]\ncheck = "{check}"\nevery = "1m"\n{more}\n[modules.params]\n{params}\n'


DISK = module("disk", 'filesystems = [{ filesystem = "/", max_use_percent = 90 }]')
ENV = 'write the value itself; for a secret write { env = "NAME" }'
ONE = "write the path of one file, and an entry for each"


def test_a_file_that_means_what_it_says_has_no_warning(tmp_path: Path) -> None:
    assert warned(tmp_path, DISK) == []


def test_a_service_without_modules_looks_at_nothing(tmp_path: Path) -> None:
    remedy = "add for example check = 'disk' and every = '1m' under [[modules]]"
    none = [f"modules: there are none, so nothing is looked at; {remedy}"]
    off = ["modules: none is enabled, so nothing is looked at; enable one"]

    assert warned(tmp_path, "") == none
    assert warned(tmp_path, DISK.replace("every", "enabled = false\nevery")) == off


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[labels]\nsite = "${SITE}"\n' + DISK, f"labels.site: has ${{SITE}}, which is not filled in; {ENV}"),
        (module("connection", 'servers = [{ name = "a", host = "${HOST}", port = 1 }]'), f"modules[0].params.servers[0].host: has ${{HOST}}, which is not filled in; {ENV}"),
        (module("command", 'protocol = "text"\nargv = ["/bin/true", "${X}"]'), f"modules[0].params.argv[1]: has ${{X}}, which is not filled in; {ENV}"),
        (module("disk", 'filesystems = [{ filesystem = "/", max_use_percent = 90 }]\n[modules.annotations]\nrunbook = "see {{ $labels.host }}"'), "modules[0].annotations.runbook: has {{ $labels.host }}, which is not filled in; write the text itself"),
        (module("certificate", 'certificates = [{ name = "a", file = "/etc/x*.pem" }]'), f"modules[0].params.certificates[0].file: has *, which is taken as it is: no pattern is read here; {ONE}"),
        (module("unprocessed_file", 'directories = [{ directory = "/data/[ab]", max_age = "5m" }]'), f"modules[0].params.directories[0].directory: has [ab], which is taken as it is: no pattern is read here; {ONE}"),
        (module("unprocessed_file", 'directories = [{ directory = "inbound", max_age = "5m" }]'), "modules[0].params.directories[0].directory: starts at the directory in which the supervisor is started; write the whole path"),
        (module("certificate", 'certificates = [{ name = "a", file = "~/cert.pem" }]'), "modules[0].params.certificates[0].file: begins with ~, which is not filled in; write the whole path"),
        (module("connection", 'servers = [{ name = "a", host = "h", port = 1, event_type = "CRITICAL" }]'), "modules[0].params.servers[0].event_type: 'CRITICAL' is an event type of its own, and routes for E do not take it; write \"E\", or give each Alertmanager a route for it"),
        (module("connection", 'servers = [{ name = "a", host = "h", port = 1, event_type = "e" }]'), "modules[0].params.servers[0].event_type: 'e' is an event type of its own, and routes for E do not take it; write \"E\", or give each Alertmanager a route for it"),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert warned(tmp_path, text) == [said]


@pytest.mark.parametrize(
    "text",
    [
        module("command", 'protocol = "text"\nargv = ["sh", "-c", "echo ${X} *"]'),
        module("log_pattern", "logs = [{ path = '/var/log/a', pattern = '^\\$\\{a\\}*' }]"),
        module("log_pattern", 'logs = [{ path = "/var/log/x*.log", pattern = "a" }]'),
        module("systemd_unit", 'ignore = ["apt-*.service"]'),
        module("disk", 'filesystems = [{ filesystem = "*", max_use_percent = 90, except = ["/snap/*"] }]'),
        module("connection", 'servers = [{ name = "a", host = "h", port = 1, event_type = "NET" }]'),
    ],
)  # fmt: skip
def test_what_has_a_meaning_is_not_warned_of(tmp_path: Path, text: str) -> None:
    assert warned(tmp_path, text) == []


def test_a_file_whose_name_is_such_is_there(tmp_path: Path) -> None:
    (tmp_path / "a[1].log").touch()
    file = module("certificate", f'certificates = [{{ name = "a", file = "{tmp_path}/a[1].log" }}]')

    assert warned(tmp_path, file) == []


def test_a_check_from_elsewhere_may_read_patterns(tmp_path: Path) -> None:
    path = written(tmp_path, module("ports", 'file = "x*"'))

    assert find(load_service(path, params_of)) == ()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ('name = "a", host = "h", warn_days = 1, error_days = 5', "5 is more than warn_days (1), so W never fires"),
        ('name = "a", host = "h", error_days = 40', "40 is more than warn_days (30), so W never fires"),
    ],
)  # fmt: skip
def test_limits_in_the_wrong_order_are_refused(tmp_path: Path, params: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"certificates\[0\]\.error_days: ") as caught:
        warned(tmp_path, module("certificate", f"certificates = [{{ {params} }}]"))

    assert said in str(caught.value)


def test_a_time_without_an_interval_cannot_be_counted_in_runs(tmp_path: Path) -> None:
    text = DISK.replace('every = "1m"', 'at = ["09:00"]\nclear_after = "10m"')

    with pytest.raises(ConfigError) as caught:
        warned(tmp_path, text)

    said = "module 'disk': clear_after: is a time, and the module has no every; write"
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "runs"), [("3", 3), ('"1m"', 1), ('"10s"', 1), ('"61s"', 2), ('"10m"', 10)]
)
def test_a_condition_is_cleared_after_runs_or_a_time(tmp_path: Path, given: str, runs: int) -> None:
    path = written(tmp_path, DISK.replace("every", f"clear_after = {given}\nevery"))
    (found,) = load_service(path, lambda check: load_check(check).params).modules

    assert found.runs_to_clear == runs


def test_a_check_may_warn_itself(tmp_path: Path) -> None:
    (tmp_path / "jobs.sql").write_text("UPDATE jobs SET done = 1", encoding="utf-8")
    database = 'database = { user = "u", password = { env = "P" } }'

    assert warned(tmp_path, module("sql", f'query = "jobs.sql"\n{database}')) == [
        "modules[0].params.query: is UPDATE, which writes, and the server refuses that; "
        "write one SELECT"
    ]


def test_a_check_from_elsewhere_that_fails_to_warn_is_named(tmp_path: Path) -> None:
    @frozen
    class Params:
        file: str = ""

        def warnings(self) -> list[tuple[str, str]]:
            raise LookupError("no such thing")

    path = written(tmp_path, module("ports", 'file = "x"'))
    (found,) = find(load_service(path, lambda _: Params))

    assert (found.key, found.wrong) == (
        "modules[0]",
        "its check cannot look for warnings: LookupError: no such thing",
    )
