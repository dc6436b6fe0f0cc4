"""`diff` tells what a reload does, and nothing else: a real supervisor and a real Alertmanager."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.command_line import run_supervisor
from tests.e2e.reloads import FAMILY, HOST, NOTHING, ROLE, steps
from tests.e2e.servers import AlertmanagerServer, SupervisorProcess, wait_for
from tests.support.layered_files import write
from tests.support.ports import free_port


def change(directory: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        if text is None:
            (directory / name).unlink()
        else:
            write(directory, {name: text})


def diff(supervisor: SupervisorProcess) -> dict[str, Any]:
    done = run_supervisor("diff", "--json", *supervisor.options())
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def reload(supervisor: SupervisorProcess) -> dict[str, Any]:
    """Reload, and return what the supervisor says that it has done."""
    done = run_supervisor("reload", *supervisor.options())
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.partition(".toml: ")[2]

    def names(verb: str) -> list[str]:
        found = re.search(rf"\b{verb} ([\w, ]+?)(?:;|$)", said)
        return found[1].split(", ") if found else []

    return {
        "start": names("added"),
        "end": names("removed"),
        "restart": names("changed"),
        "peers_again": "connected to the peers again" in said,
        "page_again": "opened the status page again" in said,
        "unchanged": int(re.findall(r"(\d+) modules go on", said)[0]),
    }


Labels = frozenset[tuple[str, str]]


def firing(alertmanager: AlertmanagerServer) -> set[Labels]:
    """Return the labels of all alerts that are active at the Alertmanager."""
    return {frozenset(each["labels"].items()) for each in alertmanager.alerts()}


def expected(before: set[Labels], said: Mapping[str, Any]) -> set[Labels]:
    """Return the alerts that must be active after what `diff` has said."""
    after = {frozenset(labels): dict(labels) for labels in before}
    for each in (*said["resolve"], *said["relabel"]):
        own = {"check": each["module"], "alertname": each["alertname"]}
        (labels,) = (key for key in after if own.items() <= dict(key).items())
        found = after.pop(labels)
        for name, (_, new) in each.get("labels", {}).items():
            found[name] = new
        if "labels" in each:
            after[frozenset(found.items())] = found
    return set(after)


def names(alerts: set[Labels]) -> list[str]:
    return sorted(dict(each)["alertname"] for each in alerts)


def test_a_reload_does_what_diff_said(
    supervisor: SupervisorProcess, alertmanager: AlertmanagerServer
) -> None:
    family = FAMILY.replace("@URL@", alertmanager.url)
    write(supervisor.directory, {"Test.toml": HOST, "families/All.toml": family})
    supervisor.start()
    wait_for(lambda: len(firing(alertmanager)) == 2, 30, "nothing fires", lambda: supervisor.log)
    for step in steps(f"127.0.0.1:{free_port()}", family):
        before = firing(alertmanager)
        change(supervisor.directory, step.files)
        said = diff(supervisor)
        assert said == {**NOTHING, **step.said}, step.name
        assert firing(alertmanager) == before, step.name
        done = reload(supervisor)

        restarted = [each["module"] for each in said["restart"]]
        assert done == {name: said[name] for name in done} | {"restart": restarted}, step.name
        begun = {*said["start"], *(each["alertname"] for each in said["fire"])}
        others = expected(before, said)
        wait_for(
            partial(has_come, alertmanager, others, begun),
            30,
            f"{step.name}: not {others} and {begun}",
            lambda: f"{firing(alertmanager)}\n{supervisor.log}",
        )
        running = said["unchanged"] + len(restarted) + len(said["start"])
        assert diff(supervisor) == {**NOTHING, "unchanged": running}, step.name


def has_come(alertmanager: AlertmanagerServer, others: set[Labels], begun: set[str]) -> bool:
    """Return whether what is active is what went on and what has begun."""
    now = firing(alertmanager)
    new = {each for each in now if dict(each)["alertname"] in begun}
    return now - new == others and names(new) == sorted(begun)


def test_what_a_reload_would_refuse_is_told(supervisor: SupervisorProcess) -> None:
    family = FAMILY.replace("@URL@", "http://127.0.0.1:9")
    write(supervisor.directory, {"Test.toml": HOST, "families/All.toml": family})
    supervisor.start()
    for files, said in {
        ("Test.d/a.toml", "[labels]\nsite = 'x'\n"): "a.toml:2: labels.site: is given twice",
        ("Test.toml", HOST.replace("TEST", "OTHER")): "service: changed from 'TEST' to 'OTHER'",
    }.items():
        before = (supervisor.directory / files[0]).exists()
        write(supervisor.directory, dict([files]))
        told = run_supervisor("diff", *supervisor.options())
        done = run_supervisor("reload", *supervisor.options())

        assert (told.returncode, told.stdout, done.returncode) == (78, "", 78)
        assert said in told.stderr
        assert done.stderr.endswith(told.stderr)
        if not before:
            (supervisor.directory / files[0]).unlink()


def test_people_read_what_a_reload_would_do(supervisor: SupervisorProcess) -> None:
    family = FAMILY.replace("@URL@", "http://127.0.0.1:9")
    write(supervisor.directory, {"Test.toml": HOST, "families/All.toml": family})
    supervisor.start()
    wait_for(lambda: supervisor.log.count("FIRING   E ") == 2, 20, "no", lambda: supervisor.log)
    nothing = run_supervisor("diff", *supervisor.options()).stdout
    two = HOST.replace('"one"', '"two"') + '[[modules]]\nname = "b"\nenabled = false\n'
    write(supervisor.directory, {"Test.toml": two, "Test.d/c.toml": ROLE})
    told = run_supervisor("diff", *supervisor.options()).stdout
    supervisor.stop()
    gone = run_supervisor("diff", *supervisor.options())

    assert nothing == "a reload would change nothing; 2 modules would go on\n"
    assert told == TOLD
    assert gone.returncode == 1


TOLD = """\
a reload would
start    c
end      b
change   labels.site
resolve  b: E b
relabel  a: E a: site="two" instead of "one"
1 module would go on
"""
