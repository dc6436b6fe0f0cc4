"""A real headless Chromium, and what a person would see in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import define
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from tests.e2e.servers import wait_for

AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root, where Chromium's own sandbox does not start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

LOAD_TIMEOUT = 120.0
"""Seconds in which a page is loaded, or a script ends. On a busy machine it may take long."""


@define
class Browser:
    """One window."""

    driver: Chrome

    def open(self, url: str) -> None:
        self.driver.get(url)

    def size(self, width: int, height: int = 900) -> None:
        """Make the page so many pixels wide, as phones are narrower than any window."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Prefer light or dark, and no motion."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def allow_scripts(self, *, allowed: bool) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """Return the text that can be seen of an element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def click(self, selector: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def await_text(self, selector: str, part: str, seconds: float = 15) -> None:
        wait_for(
            lambda: part in self.text(selector),
            seconds,
            f"{selector} does not show {part!r}",
            lambda: self.text("body"),
        )

    def complaints(self) -> list[str]:
        """Return what the console shows, once: errors, and what a policy has blocked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def violations(self) -> list[str]:
        """Return what axe-core finds that keeps people out, WCAG 2.1 AA and good practice."""
        self.run(AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {iframes: false, resultTypes: ['violations']}).then(done)"
        )
        return [
            f"{violation['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = ChromeService("/usr/bin/chromedriver", env=os.environ | {"NO_PROXY": "*"})
    driver = Chrome(options=options, service=service)
    try:
        driver.set_page_load_timeout(LOAD_TIMEOUT)
        driver.set_script_timeout(LOAD_TIMEOUT)
        yield Browser(driver)
    finally:
        driver.quit()
