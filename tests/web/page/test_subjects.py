"""The pages of one module and of one alert, and what they never show."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from attrs import evolve, field, frozen

from checks import command
from supervisor.config.limits.limit import Limit
from supervisor.config.secret import Secret
from supervisor.config.service import Module
from supervisor.observations import Condition, Duration, Measurement
from supervisor.web.page import drawing
from supervisor.web.page.figures import figure
from supervisor.web.page.links import actions
from supervisor.web.page.subjects.module import schedule
from supervisor.web.page.subjects.parameters import Parameter, parameters
from tests.support.ledger_bench import A
from tests.support.web_bench import WebBench, client_of, modules

FULL = Condition(
    "Disk usage",
    "W",
    "/data",
    "/data is 97 % full (limit 95 %)",
    annotations={"runbook": "Clean up"},
)


def measured(use: float) -> Measurement:
    return Measurement("disk_use_percent", use, "%", {"mount_point": "/data"}, limits=(95,))


def bench_of(*more: Module) -> WebBench:
    """Return a bench whose disk was full twice, and is full."""
    bench = WebBench.make(*modules(3), *more)
    for use in (90, 97, 91, 97, 93):
        bench.run("disk-0", *([FULL] if use > 95 else []), measured(use))
        bench.ledger.deliver()
        bench.ledger.pass_time(1800)
        bench.ledger.housekeep()
    bench.run("disk-0", FULL, measured(97))
    bench.ledger.deliver()
    return bench


async def page_of(bench: WebBench, path: str) -> str:
    async with client_of(bench) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_page_of_a_module_shows_all_that_is_known_of_it() -> None:
    bench = bench_of()
    html = await page_of(bench, "/modules/disk-0")

    assert '<title id="title">disk-0: conditions · X</title>' in html
    assert "/data is 97 % full (limit 95 %)" in html
    assert "3 times since" in html
    assert 'aria-label="6 values, 90 % to 97 %, last 97 %; limit 95 %"' in html
    assert html.count('class="episode amber"') == 2
    assert "every 1m; timeout 30s" in html
    assert "scripts/run run-now --service X disk-0" in html
    assert "To do: Clean up" in html


def test_a_module_that_clears_after_a_time_shows_its_runs() -> None:
    module = Module("x", "x", every=Duration(300), clear_after=Duration(600.0))

    assert schedule(module) == ["every 5m", "timeout 30s", "resolves after 2 runs in a row"]


def test_a_module_that_fires_after_some_of_its_runs_says_so() -> None:
    module = Module("x", "x", every=Duration(300), fire_after="3 of 5")

    assert schedule(module) == ["every 5m", "timeout 30s", "fires after 3 of 5 runs"]


async def test_the_page_of_an_alert_outlives_it() -> None:
    bench = bench_of()
    (key,) = bench.ledger.store.alerts
    firing = await page_of(bench, f"/alerts/{key}")
    for _ in range(3):
        bench.run("disk-0", measured(90))
        bench.ledger.deliver()
        bench.ledger.pass_time(1800)
        bench.ledger.housekeep()
    past = await page_of(bench, f"/alerts/{key}")

    assert bench.ledger.store.alerts == {}
    assert "Open in Alertmanager" in firing
    assert "max_use_percent" not in firing, "the bench gives no parameters"
    assert past.count('class="episode amber"') == 3
    assert "no longer known to fire" in past


async def test_what_does_not_exist_is_not_found() -> None:
    async with client_of(bench_of()) as client:
        answers = [
            await client.get(path)
            for path in ("/modules/disk", "/alerts/0123", "/modules/", "/api/events/x/y")
        ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]


@pytest.mark.parametrize("name", ["a/b c", "디스크", "<b>&\"'", "x%2Fy"])
async def test_a_module_of_any_name_has_a_page_to_which_the_first_page_leads(name: str) -> None:
    bench = bench_of(Module("disk", name, every=Duration(60)))
    first = await page_of(bench, "/")
    (path,) = {
        part.split('"')[0]
        for part in first.split('href="')[1:]
        if part.startswith("modules/")
        and not part.startswith(("modules/disk-", "modules/inode", "modules/conn"))
    }
    async with client_of(bench) as client:
        html = (await client.get(f"/{path}")).text

    assert "not yet run" in html
    assert "<b>&\"'" not in html


async def test_the_last_output_of_a_command_is_shown_where_there_is_a_page() -> None:
    bench = bench_of()
    bench.run("disk-0", measured(97), output="DISK OK password=hunter2\n<b>all fine</b>")
    html = await page_of(bench, "/modules/disk-0")

    assert "DISK OK password=•••\n&lt;b&gt;all fine&lt;/b&gt;" in html


@frozen
class Database:
    host: str
    password: Secret
    user: str = "root"
    port: int = 3306


@frozen
class Params:
    database: Database
    url: str = "https://me:hunter2@example.invalid/x"
    api_token: str = "hunter2"  # noqa: S105 - made up
    headers: dict[str, str] = field(factory=lambda: {"Authorization": "Bearer hunter2", "X": "1"})
    directory: Path = Path("/srv")
    quick: bool = True
    limits: tuple[float, ...] = (1.0, 2.5)
    nothing: str | None = None


def test_parameters_are_shown_without_secrets() -> None:
    shown = parameters(Params(Database("db", Secret("file", "/etc/secret"))))

    assert shown == [
        Parameter("database", '{ host = "db", password = ••• (file /etc/secret) }'),
        Parameter("url", '"https://•••@example.invalid/x"'),
        Parameter("api_token", "•••"),
        Parameter("headers", '{ Authorization = •••, X = "1" }'),
        Parameter("directory", '"/srv"'),
        Parameter("quick", "true"),
        Parameter("limits", "1\n2.5"),
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ("check_mysql", "-H", "db", "-p", "hunter2"),
        ("check_x", "--password", "hunter2"),
        ("check_x", "--password=hunter2"),
        ("check_http", "-a", "me:hunter2"),
        ("sh", "-c", "PGPASSWORD=hunter2 psql"),
        ("curl", "https://me:hunter2@example.invalid/"),
        ("curl", "-H", "Authorization: hunter2"),
    ],
)
def test_the_arguments_of_a_program_are_shown_without_secrets(argv: tuple[str, ...]) -> None:
    params = command.Params(argv=argv, protocol="nagios", env={"ANY": "hunter2"})
    text = str(parameters(params))

    assert "hunter2" not in text
    assert argv[0] in text
    assert "ANY = •••" in text


def test_a_limit_is_shown_as_the_service_file_has_it() -> None:
    limits = {"time": Limit((("W", 1.0), ("E", 3.0)), clear=0.5), "size": Limit.of(7.0)}
    params = command.Params(argv=("x",), protocol="nagios", limits=limits)

    assert Parameter("limits", "{ time = { W = 1, E = 3, clear = 0.5 }, size = 7 }") in parameters(
        params
    )


def test_secrets_in_json_are_masked() -> None:
    params = command.Params(
        argv=("x",), protocol="eborder", params_json='{"db": {"Password": "hunter2", "User": "me"}}'
    )
    text = str(parameters(params))

    assert "hunter2" not in text
    assert "me" in text


def test_a_port_is_not_taken_for_a_password() -> None:
    params = command.Params(argv=("check_tcp", "-p", "8080"), protocol="nagios")

    assert '"8080"' in str(parameters(params))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (75_056_848_896, "B", "70 GiB"),
        (512, "B", "512 B"),
        (1536.0, "B", "1.5 KiB"),
        (1536.0, "B/s", "1.5 KiB/s"),
        (9.831e-05, "s", "98 µs"),
        (863_000, "s", "9 d 23 h"),
        (-0.012, "s", "-12 ms"),
        (0.7842, "", "0.784"),
        (41, "%", "41 %"),
        (41.0, "%", "41 %"),
        (1234567, "", "1,234,567"),
        (1234.5, "", "1,234"),
        (0.00001, "", "1e-05"),
        (0, "", "0"),
    ],
)
def test_figures_are_for_people(value: float, unit: str, text: str) -> None:
    assert text == figure(value, unit)


def test_a_line_shows_values_and_limits() -> None:
    picture = drawing.spark([0, 50, 100], [100], "words")

    assert [(path.style, path.outline) for path in picture.paths] == [
        ("limit", "M0 2h200"),
        ("values", "M0 38L100 20L200 2"),
    ]
    assert drawing.spark([], [], "nothing").paths == ()
    assert len(drawing.spark([5], [], "one").paths) == 1
    assert drawing.spark([1e308, -1e308], [], "too far").paths == ()


def test_what_to_do_names_the_alert_whatever_its_labels_are() -> None:
    labels = {"instance": "a\"b\\c'd e", "alertname": "X", "check": "disk"}
    found = actions(f"{A}/", labels, ("scripts/run", "--service", "X"))

    assert found.open.startswith(
        f"{A}/#/alerts?filter=%7Balertname%3D%22X%22%2Ccheck%3D%22disk%22%2Cinstance%3D%22a%5C%22b"
    )
    assert found.silence.startswith(f"{A}/#/silences/new?filter=%7B")
    assert found.command == (
        f"amtool --alertmanager.url={A} silence add 'alertname=\"X\"' 'check=\"disk\"' "
        "'instance=\"a\\\"b\\\\c'\"'\"'d e\"' --duration=2h --comment=why"
    )
    assert shlex.split(found.own) == [
        *("scripts/run", "silence", "--service", "X", "--until-resolved", "--reason=why"),
        *("disk", "a\"b\\c'd e"),
    ]


def test_our_own_command_is_for_what_a_module_sees() -> None:
    assert actions(A, {"check": "supervisor"}, ("x",)).own == ""
    assert actions(A, {"check": "disk"}, ("x",)).own.endswith(" disk")
    assert actions(A, {"check": "disk", "instance": "-x"}, ("x",)).own.endswith(" -- disk -x")


async def test_a_runbook_is_a_link_only_if_it_leads_to_the_web() -> None:
    bench = WebBench.make(*modules(3))
    for number, runbook in enumerate(("https://wiki.example.invalid/x", "javascript:alert(1)")):
        notes = {"runbook": runbook}
        bench.run(list(bench.stats)[number], evolve(FULL, annotations=notes))
    html = await page_of(bench, "/")

    assert 'href="https://wiki.example.invalid/x"' in html
    assert "To do: javascript:alert(1)" in html
    assert 'href="javascript' not in html
