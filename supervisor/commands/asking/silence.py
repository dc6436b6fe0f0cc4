"""The command `silence`: make, list or end silences at the Alertmanagers.

The running supervisor asks them, since it has the credentials. Without one, the command does.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import sys
from typing import Any

from supervisor.commands.options import add_state_dir, ask_supervisor, load_service_file
from supervisor.commands.views.silence import made_lines, silence_lines
from supervisor.errors import NotRunning, UsageError
from supervisor.text import parse_duration

ASK_TIMEOUT = 120.0
"""Seconds to wait for the answer. Each request to an Alertmanager has its own time-out."""

EXAMPLES = (
    ("silence disk / --service Shop --for 2h --reason RAID", "one thing"),
    ("silence disk --service Shop --for 1d --reason full", "all of a module"),
    ("silence --host --service Shop --for 9m --reason boot", "all of this host"),
    (
        "silence disk --service Shop --until-resolved --reason X",
        "what fires now, until it is over; the end is mailed",
    ),
    ("silence --list --service Shop", "which silences there are"),
    ("silence --end ID --service Shop", "end one"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done at one Alertmanager at least, or kept until one answers",
    1: "not done",
    2: "the command line is wrong",
    78: "no supervisor runs, and the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("module", metavar="MODULE", nargs="?", help="silence alerts of this module")
    parser.add_argument(
        "item", metavar="ITEM", nargs="?", help="only those about this: the label instance"
    )
    parser.add_argument(
        "--host", action="store_true", help="silence all alerts of this host, except Heartbeat"
    )
    parser.add_argument("--for", metavar="DURATION", dest="lasts", help="how long, such as 2h")
    parser.add_argument(
        "--until-resolved",
        action="store_true",
        help="what fires now, each until it is over; the end is mailed",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; others read it")
    parser.add_argument("--list", action="store_true", help="which silences there are")
    parser.add_argument("--end", metavar="ID", action="append", help="end this one (repeatable)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(options: argparse.Namespace) -> int:
    """Do it, and print what the Alertmanagers have then."""
    request = _request(options)
    try:
        done = next(ask_supervisor(options, request, ASK_TIMEOUT))
    except NotRunning:
        done = _ask_directly(options, request)
    code, complaints = _judged(request, done)
    if options.format == "json":
        print(json.dumps(done, ensure_ascii=False, indent=2))
    else:
        lines = made_lines(done) if request["what"] == "make" else silence_lines(done)
        if request["what"] == "list" and not done["silences"] and not code:
            lines = ["no silence"]
        print(*lines, sep="\n", end="\n" if lines else "")
    print(*complaints, sep="\n", end="\n" if complaints else "", file=sys.stderr)
    return code


def _request(options: argparse.Namespace) -> dict[str, Any]:
    """Return what to ask for. Raises `UsageError`."""
    subjects = (options.module is not None, options.host, options.list, bool(options.end))
    if sum(subjects) != 1:
        raise UsageError("silence what? write one of MODULE, --host, --list, --end ID")
    if options.list or options.end:
        if options.lasts or options.until_resolved or options.reason:
            raise UsageError("--for, --until-resolved and --reason are for a new silence")
        what = {"what": "list"} if options.list else {"what": "end", "ids": options.end}
        return {"ask": "silence", **what}
    if bool(options.lasts) == options.until_resolved:
        raise UsageError("for how long? write one of --for 2h and --until-resolved")
    if options.host and options.until_resolved:
        raise UsageError("--until-resolved is for a MODULE; write --for 2h")
    if not (options.reason or "").strip():
        raise UsageError('why? write --reason "…"')
    return {
        "ask": "silence",
        "what": "make",
        "module": options.module,
        "item": options.item,
        "host": options.host,
        "seconds": _seconds(options.lasts) if options.lasts else None,
        "until_resolved": options.until_resolved,
        "reason": options.reason,
        "by": _user(),
    }


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


def _user() -> str:
    """Return the name of the user, also of one who uses sudo."""
    if os.geteuid() == 0 and (name := os.environ.get("SUDO_USER")):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _ask_directly(options: argparse.Namespace, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the Alertmanagers, since no supervisor runs."""
    from supervisor.delivery.silences.carry_out import Surroundings, carry_out
    from supervisor.delivery.tasks import connect
    from supervisor.host import resolver
    from supervisor.host.clock import Clock

    service = load_service_file(options)
    around = Surroundings(service=service, connect=lambda: connect(service), clock=Clock())
    return resolver.run(carry_out, request, around)


def _judged(request: dict[str, Any], done: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit code, and what went wrong."""
    complaints = [f"{peer['url']}: {peer['error']}" for peer in done["peers"] if peer["error"]]
    if request["what"] == "make" and not done["silences"]:
        return 1, [*complaints, "no Alertmanager answered: not silenced"]
    if request["what"] == "list" and len(complaints) == len(done["peers"]):
        return 1, complaints
    if request["what"] == "end":
        known = {silence["id"] for silence in done["silences"]}
        if missing := [each for each in request["ids"] if each not in known]:
            unknown = [f"no Alertmanager that answers has a silence {each}" for each in missing]
            return 1, complaints + unknown
    return 0, complaints
