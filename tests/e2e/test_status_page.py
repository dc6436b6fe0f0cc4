"""The status page of a real supervisor in a real browser."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator

import pytest
import trio

from supervisor.observations import Report
from tests.e2e.browser import Browser, chromium
from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import SupervisorProcess, wait_for
from tests.e2e.status_pages import (
    EVIL,
    break_something,
    configure,
    get,
    listen,
    page_of,
    status,
    url,
)
from tests.support.ports import free_port
from tests.support.promtool import promtool_complaints
from tests.support.web_bench import WebBench, modules, served

__all__ = ["listen", "url"]  # fixtures


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


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
