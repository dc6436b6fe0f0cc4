"""The command `once`: run modules now and show what they see. Nothing is sent or stored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import trio

from supervisor.alerts.hysteresis import settled
from supervisor.commands.options import load_service_file
from supervisor.config.service import Module, Service
from supervisor.errors import UsageError
from supervisor.host import resolver
from supervisor.host.clock import Clock
from supervisor.host.log import formatters
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.execution import execute
from supervisor.modules.loader import load_check
from supervisor.observations import Condition, Measurement, Observation, Report, Run
from supervisor.text import advice, counted

if TYPE_CHECKING:
    from supervisor.commands.seen import Seen

CONDITION_KEYS = ("alertname", "event_type", "instance", "message", "detail")
"""What `--json` shows of a condition."""

REPORT_KEYS = ("alertname", "event_type", "message", "detail")
"""What `--json` shows of a report."""

MEASUREMENT_KEYS = ("name", "value", "unit")
"""What `--json` shows of a measurement, apart from its labels."""


EXAMPLES = (
    ("once --service Shop", "run each enabled module"),
    ("once --service Shop disk --json", "run one module, and print JSON"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "nothing is wrong",
    1: "a condition was seen",
    2: "the command line is wrong, or there is no such module",
    3: "a check failed",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("modules", metavar="MODULE", nargs="*", help="default: each enabled one")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what the modules see. Return 3 if a check failed, 1 if a condition was seen."""
    service = load_service_file(options)
    modules = _chosen(service, options.modules)
    formatters.set_up("text")
    if sys.stderr.isatty():
        print(f"running {counted(len(modules), 'module')} …", file=sys.stderr)
    runs = resolver.run(run_once, service, modules)
    if options.json:
        print(json.dumps(as_json(modules, runs), ensure_ascii=False, indent=2))
    else:
        from supervisor.commands.seen import print_seen  # rich takes 10 ms

        print_seen([_seen(run) for run in runs])
    return exit_code(runs)


def _chosen(service: Service, names: Sequence[str]) -> list[Module]:
    by_name = {module.name: module for module in service.modules}
    for name in names:
        if name not in by_name:
            raise UsageError(f"{service.path} has no module {name}; {advice(name, by_name)}")
    if names:
        return [by_name[name] for name in names]
    return [module for module in service.modules if module.enabled]


async def run_once(service: Service, modules: Sequence[Module]) -> list[Run]:
    """Run the modules at the same time. Return their outcomes in the order of the modules."""
    runs: dict[str, Run] = {}
    clock = Clock()
    context_factory = ContextFactory.without_past(clock, service)

    async def run_one(module: Module) -> None:
        check = load_check(module.check)
        run = await execute(module, check, context_factory.context(module), clock.now())
        runs[module.name] = settled(run, {})

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
    """Return the outcomes as JSON. `ok` means that the check itself worked."""
    return [
        {
            "module": run.module,
            "check": module.check,
            "ok": not run.error,
            "result": run.result,
            "seconds": round(run.seconds, 3),
            "error": run.error,
            "conditions": [
                _values(item, CONDITION_KEYS)
                for item in run.observations
                if isinstance(item, Condition)
            ],
            "reports": [
                _values(item, REPORT_KEYS) for item in run.observations if isinstance(item, Report)
            ],
            "measurements": [
                {**_values(item, MEASUREMENT_KEYS), "labels": dict(item.labels)}
                for item in run.observations
                if isinstance(item, Measurement)
            ],
        }
        for module, run in zip(modules, runs, strict=True)
    ]


def _seen(run: Run) -> Seen:
    from supervisor.commands.seen import Seen

    return Seen(
        module=run.module,
        seconds=run.seconds,
        error=run.error,
        told=[item for item in run.observations if not isinstance(item, Measurement)],
        measurements=sum(isinstance(item, Measurement) for item in run.observations),
    )


def _values(item: Observation, keys: Iterable[str]) -> dict[str, Any]:
    return {key: getattr(item, key) for key in keys}
