"""The status page of a real supervisor in a real browser, and the listener under bad clients."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from supervisor.observations import Report
from tests.e2e.browser import Browser, chromium
from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import ROOT, SupervisorProcess, wait_for
from tests.support.patience import undisturbed
from tests.support.ports import free_port
from tests.support.promtool import promtool_complaints
from tests.support.web_bench import WebBench, modules, served

SECONDS = 60 if os.environ.get("SUPERVISOR_LONG_TESTS") else 4
"""How long rubbish is sent: a minute with SUPERVISOR_LONG_TESTS=1."""

EVIL = "<script>document.title='evil'</script>"
DETAIL = "<h2>Hello</h2><script>document.body.textContent='evil'</script>"

CONFIG = """
service = "TEST"
timezone = "Asia/Seoul"
stop_grace = "5s"
[labels]
host = "h"
[status]
listen = "{listen}"
{status}

[[modules]]
check = "command"
name = "file"
every = "1s"
[modules.params]
protocol = "text"
event_type = "W"
argv = ["sh", "-c", "test ! -e {directory}/file || {{ cat {directory}/file; exit 1; }}"]

[[modules]]
check = "command"
name = "quick"
every = "1s"
[modules.params]
protocol = "text"
argv = ["true"]

[[modules]]
check = "command"
name = "report"
every = "1h"
[modules.params]
protocol = "eborder"
argv = ["cat", "{directory}/report.json"]
"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def listen() -> str:
    return f"127.0.0.1:{free_port()}"


def configure(supervisor: SupervisorProcess, listen: str, status: str = "") -> None:
    text = CONFIG.format(listen=listen, status=status, directory=supervisor.directory)
    supervisor.config.write_text(text, encoding="utf-8")
    event = {"EventName": "Hello", "EventType": "I", "EventMessage": EVIL}
    event["EventDetailMessage"] = DETAIL
    (supervisor.directory / "report.json").write_text(json.dumps([event]), encoding="utf-8")


@pytest.fixture
def url(supervisor: SupervisorProcess, listen: str) -> str:
    """Start the supervisor; return its page's address."""
    configure(supervisor, listen)
    supervisor.start()
    return f"http://{listen}/"


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisorProcess]:
    """One supervisor for all tests that only look: an alert fires, and a report was made."""
    supervisor = SupervisorProcess(tmp_path_factory.mktemp("firing"))
    configure(supervisor, f"127.0.0.1:{free_port()}")
    break_something(supervisor)
    try:
        supervisor.start()
        url = page_of(supervisor)
        wait_for(
            lambda: len(status(url)["alerts"]) == 2, 15, "nothing fires", lambda: supervisor.log
        )
        yield supervisor
    finally:
        supervisor.kill()


def page_of(supervisor: SupervisorProcess) -> str:
    """Return the address that the supervisor has printed."""
    found = wait_for(
        lambda: re.findall(r"status page at (\S+)", supervisor.log), 10, "it names no page"
    )  # a thread writes the log
    return str(found[-1])


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False, timeout=10)


def status(url: str) -> dict[str, Any]:
    found: dict[str, Any] = get(f"{url}api/status").json()
    return found


def break_something(supervisor: SupervisorProcess, message: str = "it is there") -> None:
    (supervisor.directory / "file").write_text(message, encoding="utf-8")


def test_the_page_shows_what_fires_without_being_loaded_again(
    supervisor: SupervisorProcess, url: str, browser: Browser
) -> None:
    browser.complaints()
    browser.open(url)
    browser.await_text("h1", "All well")
    browser.await_text("#reports", "Hello")
    browser.click("#reports summary")
    browser.run("window.mark = 'same'; document.querySelector('#reports summary').focus()")
    break_something(supervisor, EVIL)
    browser.await_text("h1", "1 alert firing")
    browser.await_text("#alerts", EVIL)
    shown = browser.text("#modules")
    run_now(supervisor, "report")
    browser.await_text("#reports h2", "2")
    (supervisor.directory / "file").unlink()
    browser.await_text("h1", "All well")

    assert "conditions" in shown
    assert browser.run("return window.mark") == "same"
    assert browser.run("return document.activeElement.localName") == "summary"
    opened = "return [...document.querySelectorAll('#reports details')].map(each => each.open)"
    assert browser.run(opened) == [False, True]
    assert browser.run("return document.title") == "All well · TEST"
    assert browser.complaints() == []


def run_now(supervisor: SupervisorProcess, module: str) -> None:
    service, _, state = supervisor.options()
    assert run_supervisor("run-now", module, service, state).returncode == 0


def test_a_report_is_shown_as_mailed_and_can_do_nothing(
    firing: SupervisorProcess, browser: Browser
) -> None:
    browser.open(page_of(firing))
    browser.await_text("#reports", "Hello")
    browser.click("#reports summary")
    frame = browser.driver.find_element("css selector", "#reports iframe")
    wait_for(
        lambda: browser.run(
            "return performance.getEntriesByType('resource').some("
            "entry => entry.name.includes('/reports/'))"
        ),
        10,
        "the frame is not loaded",
    )
    browser.driver.switch_to.frame(frame)
    try:
        browser.await_text("body", "Hello")
        shown = browser.text("body")
        origin = browser.run("return window.origin")
    finally:
        browser.driver.switch_to.default_content()
    browser.complaints()  # that the script of the mail was blocked

    assert shown == "Hello"
    assert origin == "null"


def test_without_scripts_the_page_shows_as_much(
    firing: SupervisorProcess, browser: Browser
) -> None:
    browser.allow_scripts(allowed=False)
    try:
        browser.open(page_of(firing))
        text = browser.text("body")
        browser.click("#reports summary")
        browser.await_text("#reports", "Open alone")
    finally:
        browser.allow_scripts(allowed=True)

    assert "1 alert firing" in text
    assert "reload it to see the latest" in text
    assert "it is there" in text


def test_the_page_is_accessible(firing: SupervisorProcess, browser: Browser) -> None:
    found, overflows = [], []
    for width, scheme in itertools.product((390, 1000, 1440, 1920), ("light", "dark")):
        browser.size(width)
        browser.prefer(scheme)
        browser.open(page_of(firing))
        browser.click("#reports summary")
        found += browser.violations()
        overflows.append(browser.run("return document.documentElement.scrollWidth - innerWidth"))

    assert found == []
    assert max(overflows) <= 0


def test_the_pages_of_a_module_and_an_alert_are_accessible_and_live(
    firing: SupervisorProcess, browser: Browser
) -> None:
    url = page_of(firing)
    (key,) = [each["fingerprint"] for each in status(url)["alerts"] if each["state"] == "firing"]
    browser.complaints()
    found, overflows = [], []
    for path, width in itertools.product(("modules/file", f"alerts/{key}"), (390, 1440)):
        browser.size(width)
        browser.open(f"{url}{path}")
        found += browser.violations()
        overflows.append(browser.run("return document.documentElement.scrollWidth - innerWidth"))
    browser.open(f"{url}modules/file")
    before = browser.text("#runs h2")
    wait_for(lambda: browser.text("#runs h2") != before, 15, "the page is not live")
    output = browser.text("#output")

    assert found == []
    assert max(overflows) <= 0
    assert "it is there" in output
    assert browser.complaints() == []


def test_the_box_above_shows_only_what_has_its_words(
    firing: SupervisorProcess, browser: Browser
) -> None:
    browser.open(page_of(firing))
    browser.await_text("#reports", "Hello")
    visible = (
        "return [...document.querySelectorAll('#modules tbody tr')]"
        ".filter(each => each.checkVisibility()).map(each => each.id)"
    )
    everything = browser.run(visible)
    box = browser.driver.find_element("css selector", "#words")
    box.send_keys("QUI")
    chosen = browser.run(visible)
    time.sleep(3)  # a live page renews itself in between, which is the point
    still = browser.run(visible)
    alerts = browser.run("return [...document.querySelectorAll('#alerts li')].map(e => e.hidden)")
    box.clear()
    box.send_keys(" ")
    again = browser.run(visible)

    assert len(everything) == 3
    assert chosen == still == ["m-quick"]
    assert alerts == [True]
    assert again == everything


def test_sixty_modules_that_are_well_fit_on_few_screens(browser: Browser) -> None:
    bench = WebBench.make(*modules(60))
    bench.fill()
    bench.run("disk-0", *(Report(f"Daily {number}", "All well") for number in range(20)))
    heights = {}

    async def look() -> None:
        async with served(bench) as url:
            for width, height in ((390, 844), (1440, 900)):
                browser.size(width, height)
                await trio.to_thread.run_sync(browser.open, f"{url}/")
                heights[width] = browser.run("return document.body.scrollHeight") / height

    trio.run(look)
    browser.complaints()  # the server is gone

    assert heights[1440] <= 2
    assert heights[390] <= 3


def test_the_keyboard_reaches_what_can_be_opened(
    firing: SupervisorProcess, browser: Browser
) -> None:
    browser.open(page_of(firing))
    order = browser.run(
        "return [...document.querySelectorAll('a, summary')]"
        ".filter(each => each.tabIndex >= 0 && each.checkVisibility())"
        ".map(each => each.textContent)"
    )

    assert order[0] == "Skip to the alerts"
    assert any("Hello" in text for text in order)


def test_the_page_says_that_it_has_lost_its_connection_and_finds_it_again(
    supervisor: SupervisorProcess, url: str, browser: Browser
) -> None:
    browser.open(url)
    browser.await_text("h1", "All well")
    icon = "return document.querySelector('link[rel=icon]').href"
    colour = "return getComputedStyle(document.querySelector('header')).backgroundColor"
    known, green = browser.run(icon), browser.run(colour)
    supervisor.stop()
    browser.await_text("h1", "No connection")
    browser.await_text("#connection", "No connection since ")
    says = re.compile(r" Asia/Seoul, for \d+ s\. At that time: All well\.")
    wait_for(lambda: says.search(browser.text("#connection")) is not None, 30, "no age is shown")

    assert browser.run("return document.title") == "? No connection · TEST"
    assert browser.run(icon) != known
    assert browser.run(colour) != green
    assert browser.violations() == []

    supervisor.start()
    browser.await_text("h1", "All well")
    assert browser.run("return document.title") == "All well · TEST"
    assert browser.run(icon) == known
    assert browser.run(colour) == green
    wait_for(lambda: browser.text("#connection") == "", 15, "still without connection")
    browser.complaints()  # connection refused

    browser.await_text("#verdict", "up ")


def test_a_browser_gives_the_token_as_password(
    supervisor: SupervisorProcess, listen: str, browser: Browser
) -> None:
    token = supervisor.directory / "token"
    token.write_text("long-and-random", encoding="utf-8")
    token.chmod(0o600)
    configure(supervisor, listen, f'token = {{ file = "{token}" }}')
    supervisor.start()
    refused = get(f"http://{listen}/")
    browser.open(f"http://me:long-and-random@{listen}/")
    browser.await_text("h1", "All well")
    break_something(supervisor)
    browser.await_text("h1", "1 alert firing")
    browser.complaints()

    assert refused.status_code == 401
    assert "long-and-random" not in supervisor.log


def test_prometheus_finds_what_it_scrapes(firing: SupervisorProcess) -> None:
    text = get(f"{page_of(firing)}metrics").text

    assert 'supervisor_module_runs_total{module="file",result="ok"}' in text
    assert promtool_complaints(text) == ""


@pytest.mark.alone
def test_rubbish_makes_no_module_miss_a_run(supervisor: SupervisorProcess, url: str) -> None:
    wait_for(lambda: status(url)["modules"][1]["runs"], 10, "nothing runs")
    address = url.split("/")[2].split(":")
    idle = [socket.create_connection((address[0], int(address[1]))) for _ in range(40)]
    before, begun, calm = runs(url, "quick"), time.monotonic(), undisturbed()
    senders = [threading.Thread(target=throw, args=(address, part)) for part in range(4)]
    for sender in senders:
        sender.start()
    most = 0
    while any(sender.is_alive() for sender in senders):
        most = max(most, connections(supervisor.pid, int(address[1])))
        time.sleep(0.05)  # real programs take real time
    elapsed, calm, after = time.monotonic() - begun, undisturbed() - calm, runs(url, "quick")
    found = status(url)
    for sock in idle:
        sock.close()

    assert most <= 34, "32, and one or two that are being turned away"
    assert after - before >= int(calm) - 1
    # A program that gets no processor for a second misses a run that is due each second.
    assert max(module["skipped"] for module in found["modules"]) <= max(0, elapsed - calm)
    assert "Traceback" not in supervisor.log
    assert supervisor.stop() == 0


def runs(url: str, name: str) -> int:
    found = {module["name"]: module["runs"] for module in status(url)["modules"]}
    return int(found[name])


def throw(address: list[str], part: int) -> None:
    """Send a quarter of 100 pieces of rubbish in each second."""
    rubbish = (
        os.urandom(2000),
        b"GET / HTTP/1.1\r\nHost: evil.example.invalid\r\n\r\n",
        b"GET /" + b"x" * 30000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 9999,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(500),
        b"",
    )
    for number in range(SECONDS * 25):
        begun = time.monotonic()
        with closing(socket.socket()) as sock:
            sock.settimeout(2)
            try:
                sock.connect((address[0], int(address[1])))
                sock.sendall(rubbish[(number + part) % len(rubbish)])
            except OSError:
                pass
        time.sleep(max(0.0, 0.04 - (time.monotonic() - begun)))  # the rate is the point


def connections(pid: int, port: int) -> int:
    """Return how many established connections the process has on its port."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(
        parts[3] != "0A"
        and int(parts[1].split(":")[1], 16) == port
        and f"socket:[{parts[9]}]" in inodes
        for parts in fields
    )


def test_it_stops_in_time_with_live_pages_and_clients_that_do_not_read(
    supervisor: SupervisorProcess, url: str
) -> None:
    host, port = url.split("/")[2].split(":")
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sockets = [socket.create_connection((host, int(port))) for _ in range(8)]
    for sock in sockets[:4]:
        sock.sendall(request % b"api/events")
        assert b"200" in sock.recv(100)
    for sock in sockets[4:]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        for _ in range(200):
            sock.sendall(request % b"metrics")
    begun = undisturbed()
    code = supervisor.stop()
    elapsed = undisturbed() - begun
    for sock in sockets:
        sock.close()

    assert (code, elapsed < 2) == (0, True)


def test_it_does_not_start_on_a_port_that_is_taken(
    supervisor: SupervisorProcess, listen: str
) -> None:
    host, port = listen.split(":")
    configure(supervisor, listen)
    with closing(socket.create_server((host, int(port)))):
        ended = subprocess.run(
            [sys.executable, "-m", "supervisor", "run", *supervisor.options()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    assert ended.returncode == 1
    assert f"status.listen: cannot listen on {listen}: Address already in use" in ended.stderr


def test_a_reload_moves_the_page_or_leaves_it_where_it_is(
    supervisor: SupervisorProcess, url: str
) -> None:
    here, there, taken = (url.split("/")[2], *(f"127.0.0.1:{free_port()}" for _ in range(2)))
    with closing(socket.create_server(("127.0.0.1", int(taken.split(":")[1])))):
        configure(supervisor, taken)
        reload(supervisor, "cannot reload, the old configuration stays")
        after_refusal = status(f"http://{here}/")
    configure(supervisor, here, 'hosts = ["status.example.invalid"]')
    reload(supervisor, "opened the status page again")
    named = get(f"http://{here}/metrics", host="status.example.invalid").status_code
    configure(supervisor, there)
    reload(supervisor, "opened the status page again", times=2)
    moved = status(f"http://{there}/")["pid"]
    configure(supervisor, "")
    reload(supervisor, "reloaded", times=3)

    assert "ReloadFailed" in [alert["alertname"] for alert in after_refusal["alerts"]]
    assert (named, moved) == (200, supervisor.pid)
    for gone in (here, there):
        with pytest.raises(httpx.ConnectError):
            get(f"http://{gone}/")


def reload(supervisor: SupervisorProcess, said: str, times: int = 1) -> None:
    assert supervisor.process is not None
    supervisor.process.send_signal(1)
    wait_for(
        lambda: supervisor.log.count(said) >= times, 15, f"not said: {said}", lambda: supervisor.log
    )
