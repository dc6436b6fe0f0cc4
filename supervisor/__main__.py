"""The command line: arguments in, exit code out. See `python -m supervisor --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supervisor import __version__
from supervisor.commands import doctor, plan
from supervisor.commands import tree as commands_tree
from supervisor.config.files import directories, find
from supervisor.config.load import load_service
from supervisor.errors import SupervisorError, UsageError

if TYPE_CHECKING:  # the commands import what they need: a quick start is a promise
    from supervisor.config.service import Module, Service

DESCRIPTION = "Checks this host and posts what it finds to Prometheus Alertmanager."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"):
        given.insert(0, "run")
    options = _parser().parse_args(given)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SupervisorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BaseExceptionGroup as group:
        # What a task raised comes in the groups of its nurseries; a bug keeps its traceback.
        ours, bugs = group.split(SupervisorError)
        if ours is None or bugs is not None:
            raise
        return _explain(ours)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _explain(group: BaseExceptionGroup[SupervisorError]) -> int:
    """Print each error of a group; return the exit code of the first."""
    errors: list[SupervisorError] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _explain(error)
        else:
            errors.append(error)
            print(error, file=sys.stderr)
    return errors[0].exit_code if errors else SupervisorError.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m supervisor", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--service", metavar="NAME", help="the service file is DIR/NAME.toml")
    common.add_argument(
        "--config-dir",
        metavar="DIR",
        action="append",
        type=Path,
        default=[],
        help="where service files are (repeatable; default $SUPERVISOR_CONFIG_DIR, "
        "else ./configs, else /etc/supervisor)",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(command=run)
        return command

    running = add(
        "run", _run, "supervise until SIGTERM or SIGINT; SIGHUP reloads (the default command)"
    )
    running.add_argument("--state-dir", metavar="DIR", type=Path, help="where the ledger is kept")
    running.add_argument(
        "--log-format", choices=("auto", "text", "json", "journal"), default="auto"
    )
    running.add_argument("--verbose", action="store_true", help="log every run")
    add("validate", _validate, "parse and check the service file, print every problem")
    once = add("once", _once, "run modules once now and print what they see; nothing is sent")
    once.add_argument("modules", metavar="MODULE", nargs="*")
    once.add_argument("--json", action="store_true")
    schedule_plan = add("plan", _plan, "print the timetable of one day; nothing is run")
    schedule_plan.add_argument("--date", metavar="YYYY-MM-DD", type=_date)
    schedule_plan.add_argument("--format", choices=("text", "json", "svg"), default="text")
    status = _add_asking(add("status", _status, "ask the running supervisor how it is"))
    status.add_argument("--json", action="store_true")
    status.add_argument("--watch", action="store_true", help="keep showing it")
    now = _add_asking(add("run-now", _run_now, "ask the running supervisor to run modules now"))
    now.add_argument("modules", metavar="MODULE", nargs="+")
    tree = _add_asking(add("tree", _tree, "show the tasks of the running supervisor"))
    tree.add_argument("--json", action="store_true")
    test = add("test-alert", _test_alert, "send one test report to each Alertmanager")
    test.add_argument("--event-type", metavar="T", default="I")
    examine = add("doctor", _doctor, "look whether all that alerts need on their way is right")
    examine.add_argument("--state-dir", metavar="DIR", type=Path, help="that of the supervisor")
    examine.add_argument("--json", action="store_true")
    checks = add("checks", _checks, "list the known checks, or one check's parameters")
    checks.add_argument("name", metavar="NAME", nargs="?")
    return parser


def _run(options: argparse.Namespace) -> int:
    from supervisor.host import garbage_collector

    garbage_collector.disable()
    from supervisor.daemon import daemon
    from supervisor.host import log_format, resolver
    from supervisor.host.systemd import Notifier

    service = _load(options)
    log_format.set_up(options.log_format, service.timezone, verbose=options.verbose)
    state_dir = options.state_dir or _state_dir(options.service)
    notifier = Notifier.from_environment()
    resolver.run(daemon.run, service, state_dir, notifier, lambda: _load(options))
    return 0


def _validate(options: argparse.Namespace) -> int:
    from supervisor.text import counted

    service = _load(options)
    print(f"{service.path}: ok, {counted(len(service.modules), 'module')}")
    return 0


def _once(options: argparse.Namespace) -> int:
    from supervisor.commands import once
    from supervisor.host import log_format, resolver
    from supervisor.text import counted

    service = _load(options)
    modules = _chosen(service, options.modules)
    log_format.set_up("text")
    if sys.stderr.isatty():
        print(f"running {counted(len(modules), 'module')} …", file=sys.stderr)
    runs = resolver.run(once.run_once, service, modules)
    if options.json:
        print(json.dumps(once.as_json(modules, runs), ensure_ascii=False, indent=2))
    else:
        once.print_table(runs)
    return once.exit_code(runs)


def _plan(options: argparse.Namespace) -> int:
    from supervisor.schedule import plan as schedule_plan

    service = _load(options)
    day = options.date or datetime.now(service.timezone).date()
    made = schedule_plan.plan(service, day)
    if options.format == "json":
        print(json.dumps(plan.as_json(made), ensure_ascii=False, indent=2))
    elif options.format == "svg":
        from supervisor.schedule.plan_svg import picture

        print(picture(made), end="")
    else:
        print(plan.as_text(made))
    return 0


def _add_asking(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--state-dir", metavar="DIR", type=Path, help="that of the supervisor")
    return command


def _ask(
    options: argparse.Namespace, request: dict[str, Any], patience: float = 5.0
) -> Iterator[dict[str, Any]]:
    from supervisor.control.socket_client import ask

    if not options.service:
        raise UsageError("which service? say --service NAME")
    return ask(_state_dirs(options), request, patience)


def _status(options: argparse.Namespace) -> int:
    from supervisor.commands import status

    def ask() -> dict[str, Any]:
        return next(_ask(options, {"ask": "status"}))

    if options.watch and not options.json:
        status.watch(ask)
    elif options.json:
        print(json.dumps(ask(), ensure_ascii=False, indent=2))
    else:
        status.print_status(ask())
    return 0


def _run_now(options: argparse.Namespace) -> int:
    refused = False
    for told in _ask(options, {"ask": "run-now", "modules": options.modules}, patience=86400.0):
        if "refused" in told:
            refused = True
            print(f"{told['module']}: not run: it {told['refused']}", file=sys.stderr)
        else:
            print(f"{told['module']}: {told['result']} in {told['seconds']:.2f} s", flush=True)
    return 1 if refused else 0


def _tree(options: argparse.Namespace) -> int:

    for tree in _ask(options, {"ask": "tree"}):
        lines = [json.dumps(tree, indent=2)] if options.json else commands_tree.render(tree)
        print(*lines, sep="\n")
    return 0


def _test_alert(options: argparse.Namespace) -> int:
    from supervisor.commands.send_test_alert import send_test_alert
    from supervisor.host import resolver

    service = _load(options)
    if not service.alertmanager.urls:
        raise SupervisorError(
            f"cannot send a test alert: {service.path} names no Alertmanager; "
            "write alertmanager.urls"
        )
    return 0 if resolver.run(send_test_alert, service, options.event_type) else 1


def _doctor(options: argparse.Namespace) -> int:
    from supervisor.doctor import examine
    from supervisor.host import resolver

    service = _load(options)
    sections = resolver.run(examine.examine, service, _state_dirs(options))
    if options.json:
        print(json.dumps(doctor.as_json(service, sections), ensure_ascii=False, indent=2))
    else:
        doctor.print_sections(sections)
    return doctor.exit_code(sections)


def _checks(options: argparse.Namespace) -> int:
    from supervisor.commands import checks as commands_checks

    print(commands_checks.one(options.name) if options.name else commands_checks.all_checks())
    return 0


def _load(options: argparse.Namespace) -> Service:
    from supervisor.modules.loader import load_check, look_again

    if not options.service:
        raise UsageError("which service? say --service NAME")
    look_again()
    path = find(options.service, directories(options.config_dir))
    return load_service(path, lambda name: load_check(name).params)


def _chosen(service: Service, names: Sequence[str]) -> list[Module]:
    by_name = {module.name: module for module in service.modules}
    for name in names:
        if name not in by_name:
            near = get_close_matches(name, by_name, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(by_name)}"
            raise UsageError(f"{service.path} has no module {name}; {hint}")
    if names:
        return [by_name[name] for name in names]
    return [module for module in service.modules if module.enabled]


def _state_dirs(options: argparse.Namespace) -> list[Path]:
    """Return where the state of the running supervisor may be, the likeliest first."""
    if options.state_dir:
        return [options.state_dir]
    return [_state_dir(options.service), Path("/var/lib/supervisor", options.service)]


def _state_dir(service: str) -> Path:
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base, "supervisor", service)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date; write for example 2026-03-29"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
