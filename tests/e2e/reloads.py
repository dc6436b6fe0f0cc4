"""Changes of the files of a service, and what `diff` must say of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

HOST = """
service = "TEST"
extends = "families/All.toml"
[vars]
site = "one"
"""

FAMILY = """
resend_interval = "1s"
[vars]
site = { type = "text" }
text = { type = "text", default = "ill" }
[labels]
host = "h"
site = { var = "site" }
[alertmanager]
urls = ["@URL@"]
min_visible = "1s"
[[modules]]
check = "command"
name = "a"
every = "1h"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "echo ill; exit 1"]
[[modules]]
check = "command"
name = "b"
every = "1h"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "echo $0; exit 1", { var = "text" }]
"""

ROLE = FAMILY[FAMILY.index("[[modules]]") : FAMILY.rindex("[[modules]]")].replace('"a"', '"c"')

NOTHING: Mapping[str, Any] = {
    "service": "TEST",
    "start": [],
    "end": [],
    "restart": [],
    "settings": [],
    "resolve": [],
    "relabel": [],
    "fire": [],
    "peers_again": False,
    "page_again": False,
}


def alert(module: str, name: str = "", kind: str = "E") -> dict[str, Any]:
    """Return an alert as `diff` tells it."""
    return {"module": module, "alertname": name or module, "event_type": kind, "instance": ""}


def relabelled(module: str, name: str, old: str | None, new: str | None) -> dict[str, Any]:
    return {**alert(module), "labels": {name: [old, new]}}


@frozen
class Step:
    """A change of the files, and what `diff` must say of it."""

    name: str
    files: Mapping[str, str | None]
    """New texts by name. None: the file is removed."""

    said: Mapping[str, Any]
    """What differs from `NOTHING`."""


def steps(listen: str, family: str) -> list[Step]:
    """Return one change after the other. Each begins with the files of the last one."""
    one, two = HOST, HOST.replace('"one"', '"two"')
    off = f'{two}[[modules]]\nname = "b"\nenabled = false\n'
    labelled = f'{two}[[modules]]\nname = "a"\n[modules.labels]\nteam = "red"\n'
    slow = '[alertmanager]\ntimeout = "4s"\n'
    page = f'[status]\nlisten = "{listen}"\n'
    beating = "override = true\nheartbeat = true\nresend_interval = 0.9\n"
    own = labelled.replace("[vars]", "timezone = 'Asia/Seoul'\n[vars]")
    return [
        Step("nothing", {"Test.toml": f"# a comment\n{one}"}, {"unchanged": 2}),
        Step("a role drops a module in", {"Test.d/c.toml": ROLE}, {"start": ["c"], "unchanged": 2}),
        Step(
            "a module differs",
            {"Test.d/c.toml": ROLE.replace('"1h"', '"2h"').replace("echo ill", "echo  ill")},
            {"restart": [{"module": "c", "changed": ["every", "params.argv"]}], "unchanged": 2},
        ),
        Step(
            "a variable has another value",
            {"Test.toml": two},
            {
                "settings": ["labels.site"],
                "relabel": [relabelled(name, "site", "one", "two") for name in "abc"],
                "unchanged": 3,
            },
        ),
        Step(
            "a module is switched off",
            {"Test.toml": off},
            {"end": ["b"], "resolve": [alert("b")], "unchanged": 2},
        ),
        Step(
            "it is switched on again, and another one gets a label",
            {"Test.toml": labelled},
            {
                "start": ["b"],
                "restart": [{"module": "a", "changed": ["labels.team"]}],
                "relabel": [relabelled("a", "team", None, "red")],
                "unchanged": 1,
            },
        ),
        Step(
            "the role goes",
            {"Test.d/c.toml": None},
            {"end": ["c"], "resolve": [alert("c")], "unchanged": 2},
        ),
        Step(
            "the Alertmanagers have another time-out",
            {"Test.d/slow.toml": slow},
            {"settings": ["alertmanager.timeout"], "peers_again": True, "unchanged": 2},
        ),
        Step(
            "the status page opens",
            {"Test.d/page.toml": page},
            {"settings": ["status.listen"], "page_again": True, "unchanged": 2},
        ),
        Step(
            "a heart beats",
            {"Test.d/beat.toml": beating},
            {
                "settings": ["resend_interval", "heartbeat"],
                "fire": [alert("supervisor", "Heartbeat", "I")],
                "unchanged": 2,
            },
        ),
        Step(
            "it stops",
            {"Test.d/beat.toml": None},
            {
                "settings": ["resend_interval", "heartbeat"],
                "resolve": [alert("supervisor", "Heartbeat", "I")],
                "unchanged": 2,
            },
        ),
        Step(
            "another zone moves no module with every alone",
            {"Test.toml": own},
            {"settings": ["timezone"], "unchanged": 2},
        ),
        Step(
            "the default of a variable differs",
            {"families/All.toml": (worse := family.replace('"ill"', '"worse"', 1))},
            {"restart": [{"module": "b", "changed": ["params.argv"]}], "unchanged": 1},
        ),
        Step(
            "another host moves the timetables",
            {"families/All.toml": worse.replace('"h"', '"other"')},
            {
                "settings": ["labels.host"],
                "restart": [{"module": name, "changed": ["timetable"]} for name in "ab"],
                "relabel": [relabelled(name, "host", "h", "other") for name in "ab"],
                "unchanged": 0,
            },
        ),
        Step(
            "all fragments go",
            {"Test.d/slow.toml": None, "Test.d/page.toml": None, "Test.toml": labelled},
            {
                "settings": ["timezone", "alertmanager.timeout", "status.listen"],
                "peers_again": True,
                "unchanged": 2,
            },
        ),
    ]
