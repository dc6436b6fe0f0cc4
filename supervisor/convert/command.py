"""The command line of `scripts/convert_yaml.py`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from supervisor.config.timezone import machine_timezone
from supervisor.convert import report
from supervisor.convert.conversion import Conversion, convert, name_of
from supervisor.convert.family.files import family_of
from supervisor.convert.report import Outcome, Report, SharedOutcome
from supervisor.convert.service_file.output import Output, differing, write
from supervisor.convert.service_file.secrets import Secrets
from supervisor.errors import ConfigError, Problem, SupervisorError, UsageError

DESCRIPTION = "Turns alertmanager_NAME.conf files of the legacy agent into service files NAME.toml."
"""What `--help` begins with."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert and return the exit code: 0, 1 differs or failed, 2 usage, 78 bad input."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SupervisorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The program that read the output has ended; the interpreter must not write more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("convert_yaml.py", description=DESCRIPTION)
    add = parser.add_argument
    add("inputs", metavar="INPUT", nargs="+", type=Path, help="a legacy configuration file")
    add("--out", metavar="DIR", type=Path, default=Path("configs"), help="default: configs")
    add(
        "--secrets-dir",
        metavar="DIR",
        type=Path,
        help="where passwords are written, one file each, mode 0600; "
        "without it the service file names systemd credentials",
    )
    add(
        "--family",
        metavar="NAME",
        help="write what the inputs share to families/NAME.toml in --out, if that is shorter",
    )
    add("--check", action="store_true", help="write nothing; exit 1 if --out would change")
    add("--force", action="store_true", help="overwrite files that differ")
    add("--json", action="store_true", help="report as JSON")
    add(
        "--module-path",
        metavar="DIR",
        default="",
        help="what (#ModuleFilePath) stands for; default: ../lib/serviceMonitor of the input",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    directory = options.secrets_dir and Path(os.path.abspath(options.secrets_dir))
    secrets = Secrets(directory)
    conversions = _convert_all(options.inputs, secrets, options.module_path)
    family = None if options.family is None else family_of(options.family, conversions)
    targets = {made.name: options.out / f"{made.name}.toml" for made in conversions}
    texts = {targets[made.name]: made.text for made in conversions}
    if family is not None and family.is_shorter:
        texts = {options.out / family.path: family.text}
        texts |= {targets[name]: text for name, text in family.hosts.items()}
    files = [Output(path, text.encode(), 0o644) for path, text in texts.items()]
    secret_files = [
        Output(directory / name, value.encode(), 0o600)
        for name, value in secrets.values.items()
        if directory
    ]
    changed = differing([*secret_files, *files])
    if not options.check:
        _refuse_to_overwrite(changed, force=options.force)
        write(changed)
    state = "differs" if options.check else "written"
    new = {each.path for each in changed}
    outcomes = [
        Outcome(made, targets[made.name], state if targets[made.name] in new else "unchanged")
        for made in conversions
    ]
    shared = None
    if family is not None:
        path = options.out / family.path
        shared = SharedOutcome(family, path, state if path in new else "unchanged")
    _print(Report(outcomes, secrets, shared), as_json=options.json)
    if options.check and changed:
        for each in changed:
            print(f"{each.path}: would be {_what(each)}", file=sys.stderr)
        return 1
    return 0


def _convert_all(inputs: Sequence[Path], secrets: Secrets, module_path: str) -> list[Conversion]:
    _refuse_names(inputs)
    made: list[Conversion] = []
    problems: list[Problem] = []
    zone = machine_timezone()
    for path in inputs:
        try:
            made.append(convert(path, secrets, zone, module_path))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return made


def _refuse_names(inputs: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for path in inputs:
        name = name_of(path)
        if not name or not name.isprintable() or name.startswith("."):
            raise UsageError(f"{path} gives no name; call it alertmanager_NAME.conf")
        if (earlier := first.setdefault(name, path)) is not path:
            raise UsageError(
                f"{earlier} and {path} would both become {name}.toml; convert one of them"
            )


def _refuse_to_overwrite(changed: Sequence[Output], *, force: bool) -> None:
    kept = [str(each.path) for each in changed if each.path.exists()]
    if kept and not force:
        raise SupervisorError(
            f"cannot write {', '.join(kept)}: a file that differs is there already; "
            "nothing was written; use --force to overwrite, or --out for another directory"
        )


def _what(output: Output) -> str:
    return "changed" if output.path.exists() else "new"


def _print(made: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(made), ensure_ascii=False, indent=2))
    else:
        print(report.as_text(made))
