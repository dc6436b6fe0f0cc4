"""What the tests of the status page share: pages of a bench, read as a browser reads them."""

from __future__ import annotations

from html.parser import HTMLParser

import trio
from attrs import define, field

from supervisor.config.service import Module
from supervisor.observations import Condition
from supervisor.web.page import templates
from supervisor.web.page.verdict import verdict
from supervisor.web.page.view import View, gather
from tests.support.web_bench import WebBench, modules

FULL = Condition("Disk usage", "W", "/data", "/data is 97 % full")
DOWN = Condition("Connection failed", "E", "DEV1", "refused")


@define
class Reading(HTMLParser):
    """What a browser would make of a page."""

    text: list[str] = field(factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def view_of(bench: WebBench) -> View:
    return trio.run(gather, bench.snapshot)


def html_of(bench: WebBench) -> str:
    return templates.document(templates.sections(view_of(bench)))


def read(html: str) -> Reading:
    reading = Reading()
    reading.feed(html)
    return reading


def shown(bench: WebBench) -> tuple[str, str, tuple[str, ...]]:
    found = verdict(trio.run(bench.snapshot.status))
    return found.text, found.colour, found.notes


def well(*given: Module) -> WebBench:
    bench = WebBench.make(*(given or modules(3)))
    bench.fill()
    return bench
