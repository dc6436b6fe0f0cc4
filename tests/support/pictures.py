"""Makes the pictures of the documents that show pages and mails. `scripts/pictures` runs it."""

from __future__ import annotations

import base64
import html
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any
from unittest.mock import patch

import trio
from attrs import evolve

from checks._files.filesystems import DiskFilesystem as Filesystem
from checks.disk import Params as Disk
from supervisor.api import Limit
from supervisor.commands.options import load_file
from supervisor.config.service import Module, StatusListener
from supervisor.control.snapshot import Snapshot
from supervisor.delivery.peer import PeerStatus
from supervisor.observations import Condition, Duration, Measurement, Report
from supervisor.stats.module_stats import fit
from supervisor.stats.recent_runs import KEPT
from supervisor.web.app import make_app
from supervisor.web.page import page as status_page
from supervisor.web.server import WebServer
from tests.e2e.browser import Browser, chromium
from tests.e2e.mailing import ShippedAlertmanager, alert, text_of
from tests.e2e.servers import ROOT, SmtpSink, wait_for
from tests.support import daily_report
from tests.support.ledger_bench import LedgerBench
from tests.support.web_bench import NOON, BenchClock, WebBench

PICTURES = ROOT / "docs" / "pictures"
URLS = ("http://am-1.example.invalid:9093", "http://am-2.example.invalid:9093")
STATUS_URL = "https://kor-pnr1.example.invalid:9477/"
DAY = 86_400.0
TO_DO = "전화: 네트워크팀. Call the network team (ext. 4114), then restart httConnector."
"""A runbook, also in Korean, which a mail shows as "To do"."""


OTHERS = tuple(f"queue-{number}" for number in range(1, 18))
"""Modules that are always well."""

FILESYSTEMS = Disk(
    filesystems=(
        Filesystem("/", Limit.of(90)),
        Filesystem("/data", Limit.of(95)),
        Filesystem("/backup", Limit.of(95), backup=True),
    )
)


def use(mount: str, percent: float, limit: int) -> Measurement:
    return Measurement("disk_use_percent", percent, "%", {"mount_point": mount}, limits=(limit,))


def full(mount: str, percent: int, free: str) -> Condition:
    message = f"{mount} is {percent} % full (limit 95 %), {free} GiB free, device /dev/sdb1"
    notes = {"runbook": "https://wiki.example.invalid/disk"}
    return Condition("Disk usage", "W", mount, message, "<b>detail</b>", annotations=notes)


def busy_host() -> tuple[WebBench, Snapshot]:
    """Return a host that has run for twelve days, on which five alerts fire."""
    shipped = load_file(ROOT / "configs" / "KorPnrTest.toml")
    given = {module.name: evolve(module, every=Duration(60), at=()) for module in shipped.modules}
    given["disk"] = evolve(given["disk"], timeout=Duration(30), params=FILESYSTEMS)
    for name in OTHERS:
        given[name] = Module("command", name, every=Duration(60))
    service = evolve(
        shipped,
        path=Path("/etc/supervisor/KorPnrTest.toml"),
        labels={"host": "kor-pnr1"},
        modules=tuple(given.values()),
        status=StatusListener(listen="127.0.0.1:9477"),
        alertmanager=evolve(shipped.alertmanager, urls=URLS),
    )
    bench = WebBench(LedgerBench(service, NOON - 12 * DAY))
    bench.peers = [PeerStatus(url, version="0.28.1") for url in URLS]
    fit(bench.stats, service)
    snapshot = Snapshot(
        bench.ledger.outbox,
        BenchClock(bench.ledger),
        bench.stats,
        lambda: tuple(bench.peers),
        lambda: 40_960,
    )
    for days in (1, 6, 3):
        bench.run("disk", full("/data", 97, "9.8"))
        _deliver(bench, *URLS)
        bench.ledger.pass_time(3900)
        bench.run("disk")
        bench.ledger.stay(1800, *URLS)
        bench.ledger.pass_time(days * DAY)
    bench.ledger.now = NOON - KEPT * 60
    for past in range(KEPT):
        for name in bench.stats:
            bench.run(name, *_seen(name, past), seconds=0.01 + 0.01 * (past % 7 == 3))
        if past < 97:
            _deliver(bench, *URLS)
        bench.ledger.pass_time(60)
    bench.run("pnr_push_process", seconds=30.0, error="timed out after 30 s", timed_out=True)
    _deliver(bench, URLS[0])
    first, second = bench.peers
    first.last_success, first.sent = bench.ledger.now, 1210
    second.last_success, second.sent = bench.ledger.now - 180, 1203
    second.state, second.error = "retrying", "am-2.example.invalid:9093: connection refused"
    return bench, snapshot


def _deliver(bench: WebBench, *urls: str) -> None:
    for url in urls:
        bench.ledger.deliver(url)


def _seen(name: str, past: int) -> list[Condition | Report | Measurement]:
    """Return what a module saw, so many minutes after the first of a hundred runs."""
    if name == "disk":
        data, backup = min(97.6, 88 + past * 0.12), min(99.0, 90 + past * 0.11)
        seen: list[Condition | Report | Measurement] = [
            use("/", 62, 90),
            use("/data", round(data, 1), 95),
            use("/backup", round(backup, 1), 95),
        ]
        if data > 95:
            seen.append(full("/data", 97, "9.8"))
        return seen + ([full("/backup", 99, "1.1")] if backup > 95 else [])
    if name == "connection" and past >= 50:
        message = "cannot connect to USTD-DEV1 (127.0.14.31:1112): connection refused"
        runbook = {"runbook": TO_DO.partition(". ")[2]}
        return [Condition("Connection failed", "E", "USTD-DEV1", message, annotations=runbook)]
    if name == "session" and past >= 97:
        return [Condition("Session count", "W", "total", "1,240 sessions in all, more than 800")]
    if name == "pnr_report" and past == 90:
        return [Report("PNR report", "1,204 messages of 14 airlines since 11:50")]
    return []


async def draw_status_pages(browser: Browser) -> None:
    bench, snapshot = busy_host()
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = WebServer(make_app(snapshot, bench.recorded, lambda: 0))
    url = "http://{}:{}".format(*listener.socket.getsockname()[:2])
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, [listener])
        for name, path, width, most in (
            ("status-page", "/", 1440, 1800),
            ("status-page-phone", "/", 390, 1240),
            ("module-page", "/modules/disk", 1440, 1800),
        ):
            browser.size(width)
            await trio.to_thread.run_sync(browser.open, f"{url}{path}")
            height = browser.run("return document.documentElement.scrollHeight")
            browser.size(width, min(most, height))
            _write(browser, name)
        nursery.cancel_scope.cancel()


def _write(browser: Browser, name: str) -> None:
    png = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    (PICTURES / f"{name}.png").write_bytes(base64.b64decode(png["data"]))


def mails(directory: Path) -> tuple[str, str]:
    """Return a mail about conditions and one with a report, as the real Alertmanager makes them."""
    sink = SmtpSink()
    with sink.running():
        server = ShippedAlertmanager(directory, f"127.0.0.1:{sink.port}")
        server.start()
        try:
            first = _failed("USTD-DEV1", "127.0.14.31", "connection refused")
            second = _failed("게이트웨이 7", "127.0.14.37", "no answer within 5 s")
            third = partial(_failed, "USTD-DEV9", "127.0.14.39", "connection refused")
            server.post(first, second, third())
            wait_for(lambda: sink.mails, 20, "no mail came")
            server.post(third(lasted=732, end_time="2026-11-22 09:12:12"))
            wait_for(lambda: sink.mails[1:], 20, "no second mail came")
            server.post(
                alert(
                    "Daily check",
                    "I",
                    message="2 alerts firing",
                    notes={"detail": daily_report.html()},
                    event_id="0123456789abcdef",
                    check="daily",
                    host="kor-pnr-test1",
                )
            )
            wait_for(lambda: sink.mails[2:], 20, "no report came")
        finally:
            server.stop()
    conditions, report = (text_of(mail, "html") for mail in sink.mails[1:])
    return conditions.replace("http://127.0.0.1:9477/", STATUS_URL), report


def _failed(
    name: str, address: str, why: str, lasted: float | None = None, **notes: str
) -> dict[str, Any]:
    return alert(
        "Connection failed",
        message=f"cannot connect to {name} ({address}:1112): {why}",
        notes={"runbook": TO_DO, **notes},
        lasted=lasted,
        instance=name,
        host="kor-pnr1",
    )


def draw_beside(
    browser: Browser, page: str, name: str, *, height: int, widths: tuple[int, ...] = (720, 410)
) -> None:
    """Write a picture of a mail as it is in windows of these widths."""
    frame = '<iframe scrolling="no" style="border:0;width:{}px;height:100vh" srcdoc="{}"></iframe>'
    frames = "".join(frame.format(width, html.escape(page)) for width in widths)
    with NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(f'<body style="margin:0;display:flex;gap:4px;background:#c3c9d2">{frames}')
        file.flush()
        browser.size(sum(widths) + 4 * (len(widths) - 1), height)
        browser.open(f"file://{file.name}")
        _write(browser, name)


def main() -> None:
    """Make all of them."""
    shown = patch.object(status_page, "docs", lambda: "/opt/supervisor/current/docs")
    with TemporaryDirectory() as directory, chromium(Path(directory, "chromium")) as browser:
        browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        with shown, patch("os.getpid", lambda: 812):
            trio.run(draw_status_pages, browser)
        home = Path(directory, "alertmanager")
        home.mkdir()
        conditions, report = mails(home)
        alone = f'<body style="margin:0">{daily_report.html()}'
        draw_beside(browser, conditions, "mail-condition", height=1130)
        draw_beside(browser, report, "mail-report", height=1300)
        draw_beside(browser, alone, "daily-report", height=1820, widths=(680,))


if __name__ == "__main__":
    main()
