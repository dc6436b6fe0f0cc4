"""A supervisor with a status page, for the tests of the page and of its listener."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.e2e.servers import SupervisorProcess, wait_for
from tests.support.ports import free_port

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
