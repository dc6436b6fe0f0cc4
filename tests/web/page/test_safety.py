"""Nothing that a check says becomes HTML, and a page takes nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from supervisor.config.service import Module
from supervisor.observations import Condition, Measurement, Report
from supervisor.web.page import templates
from supervisor.web.page.view import mailed
from tests.support.web_bench import WebBench, client_of
from tests.web.page.reading import FULL, html_of, read, well

EVIL = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;\N{SNOWMAN}"""


@pytest.mark.parametrize(
    "where", ["name", "alertname", "instance", "message", "measurement", "report"]
)
def test_nothing_that_a_check_says_becomes_html(where: str) -> None:
    name = EVIL if where == "name" else "m"
    bench = WebBench.make(Module("disk", name))
    kinds: dict[str, Condition | Measurement | Report] = {
        "alertname": evolve(FULL, alertname=EVIL),
        "instance": evolve(FULL, instance=EVIL),
        "message": evolve(FULL, message=EVIL),
        "measurement": Measurement(EVIL, 1, EVIL, {"a": EVIL}),
        "report": Report(EVIL, EVIL, EVIL),
    }
    plain = read(html_of(WebBench.make(Module("disk", "m"))))
    bench.run(name, kinds.get(where, FULL))
    reading = read(html_of(bench))

    assert EVIL in "".join(reading.text)
    assert [tag for tag, _ in reading.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in reading.tags]
    assert {name for _, attributes in reading.tags for name in attributes} - {
        name for _, attributes in plain.tags for name in attributes
    } <= {"href", "target", "rel", "sandbox", "loading", "src", "title", "d"}


def test_what_could_turn_the_text_around_does_not_reach_the_page() -> None:
    """A ledger may hold what an earlier version had not cleaned."""
    bench = WebBench.make(Module("disk", "m"))
    bench.run("m", evolve(FULL, instance="a\u202eb\x9bc\u2028d"))

    assert "a\ufffdb\ufffdc\ufffdd" in html_of(bench)


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    bench = well()
    bench.run("disk-0", FULL, Report("Daily", "hello", "<b>hello</b>"))
    addresses = [
        value or ""
        for _, attributes in read(html_of(bench)).tags
        for name, value in attributes.items()
        if name in ("href", "src", "action", "poster", "srcset")
        and attributes.get("target") != "_blank"  # a link that a person may follow
    ]

    assert addresses
    assert not [each for each in addresses if re.match(r"(?!data:)[a-z]+:|/", each)]


def test_the_policy_allows_what_the_page_has_and_no_more() -> None:
    html = html_of(well())
    inline = re.search(r"<script>(.*)</script>", html, re.DOTALL)

    assert inline is not None
    assert templates._hash(inline[1]) in templates.POLICY
    assert "unsafe" not in templates.POLICY
    assert " style=" not in html
    assert " onclick" not in html


def test_a_mail_is_shown_as_it_was_sent() -> None:
    bench = well()
    bench.run(
        "disk-0", Report("Daily", "hello <b>", "<b onclick=x>hello</b>"), Report("Short", "<i>")
    )
    keys = {alert.alertname: key for key, alert in bench.ledger.store.alerts.items()}
    daily = mailed(bench.ledger.store, keys["Daily"])
    short = mailed(bench.ledger.store, keys["Short"])

    assert daily is not None
    assert "<b onclick=x>hello</b>" in templates.mail(daily)
    assert short is not None
    assert "* &lt;i&gt;" in templates.mail(short)
    assert mailed(bench.ledger.store, "unknown") is None


async def test_a_mail_is_served_into_a_sandbox() -> None:
    bench = well()
    bench.run("disk-0", Report("Daily", "hello", "<script>alert(1)</script>"))
    (key,) = bench.ledger.store.alerts
    async with client_of(bench) as client:
        whole = (await client.get("/")).text
        found = await client.get(f"/reports/{key}")
        missing = await client.get("/reports/0123456789abcdef")

    (frame,) = (given for tag, given in read(whole).tags if tag == "iframe")

    assert (frame["sandbox"], frame["src"]) == (None, f"reports/{key}")
    assert found.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in found.headers["content-security-policy"]
    assert found.headers["x-frame-options"] == "SAMEORIGIN"
    assert missing.status_code == 404
