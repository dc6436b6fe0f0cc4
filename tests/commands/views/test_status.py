"""What `status` prints: the most urgent first, in 80 columns, and never an alert too few."""

from __future__ import annotations

import io
from argparse import Namespace
from typing import Any

import pytest
import trio
from attrs import evolve
from rich.cells import cell_len
from rich.console import Console, RenderableType

from supervisor.commands.asking import status
from supervisor.commands.asking.status import headline, of_module
from supervisor.commands.views.status import MAX_ALERTS, View, fitted
from supervisor.config.service import Maintenance
from supervisor.errors import UsageError
from supervisor.observations import Condition, Measurement, Report
from tests.support.ledger_bench import A, B
from tests.support.web_bench import WebBench, modules

FULL = Condition(
    "Disk usage", "W", "/data", "/data is 97 % full", annotations={"runbook": "Call\nthe team"}
)
DOWN = Condition("Connection failed", "E", "결제 서버 " * 8, "연결 거부 " * 20)


def document(count: int = 60, alerts: int = 0) -> dict[str, Any]:
    """Return the status of a service with an unreached peer, two alerts, and more if wanted."""
    bench = WebBench.make(*modules(count), urls=(A, B))
    bench.fill()
    bench.run("disk-0", FULL, Measurement("use", 97, "%", {"mount_point": "/data"}))
    more = (evolve(FULL, alertname=f"Alert {number}") for number in range(alerts))
    bench.run("connection-2", DOWN, *more)
    bench.run("inode-1", error="it broke")
    bench.run("command-3", Report("Daily", "hello"))
    bench.ledger.deliver(A)
    bench.peers[1].state = "retrying"
    bench.peers[1].error = "refused"
    return trio.run(bench.snapshot.status)


def printed(*parts: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(*parts, sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def planned(*at: str) -> list[str]:
    """Return what is printed at noon of a Monday, with a window and a condition."""
    bench = WebBench.make(*modules(1))
    store = bench.ledger.store
    window = Maintenance("reboot", at, modules=("disk-0",))
    store.config.service = evolve(store.service, maintenance=(window,))
    bench.fill()
    bench.run("disk-0", FULL)
    return printed(*view(trio.run(bench.snapshot.status)).parts())


def test_a_window_and_what_it_holds_are_told() -> None:
    lines = planned("Mon 11:30-13:00")

    assert "1 held" in lines[0]
    assert lines[1] == "maintenance reboot: holds disk-0 until 13:03:00"
    assert "held by reboot until 13:03:00" in "\n".join(lines)


def test_the_next_window_is_told() -> None:
    assert planned("Tue 03:00-03:30")[1].startswith("next maintenance reboot: 11-24 03:00 to ")


def view(found: dict[str, Any], **more: Any) -> View:
    return View(found, headline(found), 80, **more)


def test_the_most_urgent_comes_first_and_fits_80_columns() -> None:
    lines = printed(*view(document()).parts())
    text = "\n".join(lines)
    order = ["X on h: 3 firing", "E   Connection", "TE  Failed", "W   Disk usage", "I   Daily"]
    order += [
        f"Alertmanager {B}: retrying",
        f"Alertmanager {A}: ok",
        "MODULE",
        "\ninode-1 ",
        "57 ok: ",
    ]

    assert sorted(order, key=text.index) == order
    assert max(map(cell_len, lines)) <= 80
    assert "pending at 127.0.0.2:9093" in text
    assert "delivered" not in text.replace("to be delivered", "")
    assert "to do: Call | the team" in text
    assert "…" not in text


def test_with_few_modules_each_has_its_line() -> None:
    lines = printed(*view(document(5)).parts())

    assert any(line.startswith("session-4     ok ") for line in lines)
    assert not any("1 ok:" in line for line in lines)


def test_of_hundreds_of_alerts_the_rest_is_counted_and_alerts_shows_all() -> None:
    found = document(alerts=100)
    short = "\n".join(printed(*view(found).parts()))
    whole = printed(*view(found, alerts_only=True).parts())

    assert f"{104 - MAX_ALERTS} more alerts: status --alerts" in short
    assert sum("Alert " in line for line in whole) == 100
    assert not any(line.startswith("MODULE") for line in whole)


def test_a_single_alert_more_is_not_a_plural() -> None:
    found = document(alerts=MAX_ALERTS - 3)
    shown = printed(*view(found).parts())

    assert "1 more alert: status --alerts" in shown


@pytest.mark.parametrize("height", [5, 8, 12, 24, 25, 26, 40, 200])
def test_a_watched_window_is_never_too_small_to_tell_of_each_alert(height: int) -> None:
    found = document(alerts=6)
    lines = printed(fitted(view(found), height))
    shown = sum(line[:4].strip() in ("E", "TE", "W", "I") for line in lines)
    (more,) = [int(line.split()[0]) for line in lines if "more alert" in line] or [0]

    assert len(lines) <= height
    assert shown + more == len(found["alerts"]) == 10


def test_one_module_shows_what_is_known_of_it() -> None:
    found = of_module(document(), "disk-0")
    text = "\n".join(printed(*view(found, is_one=True).parts()))
    failed = of_module(document(), "inode-1")

    assert "disk-0 (check disk): conditions" in text
    assert "use /data 97 %" in text
    assert "Disk usage /data" in text
    assert "Connection" not in text
    assert [alert["alertname"] for alert in failed["alerts"]] == [
        "Failed to execute module (inode-1)"
    ]


def test_a_module_that_does_not_exist_is_a_wrong_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status, "ask_supervisor", lambda *_: iter([document(5)]))
    options = Namespace(module="dsik-0", alerts=False, json=False, watch=False)

    with pytest.raises(UsageError, match="there is no module 'dsik-0'; did you mean 'disk-0'"):
        status.run(options)
