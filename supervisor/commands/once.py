"""The verb `once`: run modules now and show what they see. Nothing is sent or stored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import trio

from supervisor.commands.options import load_service_file
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.errors import UsageError
from supervisor.host import log_format, resolver
from supervisor.host.clock import Clock
from supervisor.ledger.store import Store
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.execution import execute
from supervisor.modules.loader import load_check
from supervisor.observations import Condition, Measurement, Report, Run
from supervisor.processes.command import become_subreaper
from supervisor.text import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    parser.add_argument("modules", metavar="MODULE", nargs="*")
    parser.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    """Print what the modules see. Return 3 if a check failed, 1 if a condition was seen."""
    service = load_service_file(options)
    modules = _chosen(service, options.modules)
    log_format.set_up("text")
    if sys.stderr.isatty():
        print(f"running {counted(len(modules), 'module')} …", file=sys.stderr)
    runs = resolver.run(run_once, service, modules)
    if options.json:
        print(json.dumps(as_json(modules, runs), ensure_ascii=False, indent=2))
    else:
        print_table(runs)
    return exit_code(runs)


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


async def run_once(service: Service, modules: Sequence[Module]) -> list[Run]:
    """Run the modules at the same time and return their outcomes in the order given."""
    become_subreaper()
    runs: dict[str, Run] = {}
    clock = Clock()
    context_factory = ContextFactory(clock, Store(CurrentConfig(service)))

    async def run_one(module: Module) -> None:
        check = load_check(module.check)
        runs[module.name] = await execute(
            module, check, context_factory.context(module), clock.now()
        )

    async with trio.open_nursery() as nursery:
        for module in modules:
            nursery.start_soon(run_one, module)
    return [runs[module.name] for module in modules]


def exit_code(runs: Sequence[Run]) -> int:
    """Return 3 if a check failed, 1 if a condition was seen, else 0."""
    if any(run.error for run in runs):
        return 3
    return 1 if any(run.result == "conditions" for run in runs) else 0


def as_json(modules: Sequence[Module], runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the outcomes in the contract's shape; `ok` says that the check itself worked."""
    return [
        {
            "module": run.module,
            "check": module.check,
            "ok": not run.error,
            "result": run.result,
            "seconds": round(run.seconds, 3),
            "error": run.error,
            "conditions": [
                {
                    "alertname": item.alertname,
                    "event_type": item.event_type,
                    "instance": item.instance,
                    "message": item.message,
                    "detail": item.detail,
                }
                for item in run.observations
                if isinstance(item, Condition)
            ],
            "reports": [
                {
                    "alertname": item.alertname,
                    "event_type": item.event_type,
                    "message": item.message,
                    "detail": item.detail,
                }
                for item in run.observations
                if isinstance(item, Report)
            ],
            "measurements": [
                {
                    "name": item.name,
                    "value": item.value,
                    "unit": item.unit,
                    "labels": dict(item.labels),
                }
                for item in run.observations
                if isinstance(item, Measurement)
            ],
        }
        for module, run in zip(modules, runs, strict=True)
    ]


def print_table(runs: Sequence[Run]) -> None:
    """Print a row for each thing seen, and one for each module that saw nothing."""
    from rich import box  # 10 ms: only for the commands that print tables
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("MODULE", "TIME", "SEEN", "INSTANCE", "MESSAGE"):
        table.add_column(column, justify="right" if column == "TIME" else "left")
    for run in runs:
        took = f"{run.seconds:.2f} s"
        if run.error:
            table.add_row(Text(run.module), took, Text("failed", "bold red"), "", Text(run.error))
        shown = [item for item in run.observations if not isinstance(item, Measurement)]
        for item in shown:
            style = {"E": "red", "W": "yellow"}.get(item.event_type, "cyan")
            instance = item.instance if isinstance(item, Condition) else ""
            table.add_row(
                Text(run.module),
                took,
                Text(f"{item.event_type} {item.alertname}", style),
                Text(instance),
                Text(item.message),
            )
        if not shown and not run.error:
            count = sum(isinstance(item, Measurement) for item in run.observations)
            note = counted(count, "measurement") if count else ""
            table.add_row(Text(run.module), took, Text("ok", "green"), "", Text(note, "dim"))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160).print(table)
