"""The command `validate`: check service files and print all of their problems."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve

from supervisor.commands.options import load_file, services
from supervisor.config.files import directories, find
from supervisor.config.layers.effective import FRAGMENTS
from supervisor.config.service import Service
from supervisor.config.warnings import warnings
from supervisor.errors import ConfigError, Problem, UsageError
from supervisor.text import counted

EXAMPLES = (
    ("validate --service Shop", "check DIR/Shop.toml"),
    ("validate Shop Demo", "check several services"),
    ("validate path/to/Shop.toml", "check a file, in an editor or in CI"),
    ("validate --all", "check each file of the directories"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "each file is right",
    2: "the command line is wrong",
    78: "a file is missing or wrong; with --strict also: there is a warning",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "files", metavar="FILE|NAME", nargs="*", help="a service file, or the name of a service"
    )
    parser.add_argument("--all", action="store_true", help="each *.toml of the directories")
    parser.add_argument("--strict", action="store_true", help="a warning counts as a problem")


def run(options: argparse.Namespace) -> int:
    """Check each file. Return 78 if one is wrong, else 0."""
    code = 0
    told: set[str] = set()
    for chosen in _chosen(options):
        try:
            path = chosen if isinstance(chosen, Path) else _found(chosen, options)
            service = load_file(path)
            found = _warnings(service, strict=options.strict)
        except ConfigError as error:
            sys.stdout.flush()
            _tell(str(chosen), error, told)
            code = error.exit_code
        else:
            print(f"{path}: ok, {counted(len(service.modules), 'module')}", flush=True)
            for warning in found:
                print(warning, file=sys.stderr)
    return code


def _tell(chosen: str, error: ConfigError, told: set[str]) -> None:
    """Print the problems that are not `told` yet. Hosts of one family share those of its file."""
    new = [text for text in map(str, error.problems) if text not in told]
    told.update(new)
    print("\n".join(new or [f"{chosen}: has the problems above"]), file=sys.stderr)


def _warnings(service: Service, *, strict: bool) -> list[Problem]:
    """Return what is allowed and hardly meant, and what a run would miss on this host.

    Raises `ConfigError` with all of it if `strict`.
    """
    meant = [evolve(each, wrong=f"warning: {each.wrong}") for each in warnings.find(service)]
    found = [*meant, *_missing(service)]
    if strict and found:
        raise ConfigError(found)
    return found


def _missing(service: Service) -> list[Problem]:
    """Return what a run would miss on this host: programs, files, logs, secrets."""
    from supervisor.doctor import modules, secrets
    from supervisor.host import resolver

    async def look() -> list[Problem]:
        return [
            *await secrets.unsafe_files(service),
            *await modules.missing_on_this_host(service),
        ]

    return resolver.run(look)


def _chosen(options: argparse.Namespace) -> list[str | Path]:
    """Return the names and files to check, each once."""
    wanted: list[str | Path] = [*filter(None, [options.service])]
    wanted += [Path(text) if _is_file(text) else text for text in options.files]
    if options.all:
        wanted += _all_files(options)
    if not wanted:
        remedy = "write NAME, FILE.toml, --service NAME or --all"
        raise UsageError(f"which service? {remedy}; {services(options.config_dir)}")
    return list(dict.fromkeys(wanted))


def _is_file(text: str) -> bool:
    """Return whether an argument is a path. A name is not one, and does not end in .toml."""
    return "/" in text or text.endswith(".toml")


def _found(name: str, options: argparse.Namespace) -> Path:
    return find(name, directories(options.config_dir))


def _all_files(options: argparse.Namespace) -> Iterator[Path]:
    looked = directories(options.config_dir)
    found = [path for directory in looked for path in sorted(directory.glob("*.toml"))]
    if not found:
        raise UsageError(f"nothing to check: {services(options.config_dir)}")
    for directory in looked:
        for each in sorted(directory.glob(f"*{FRAGMENTS}")):
            if not each.with_suffix(".toml").exists():
                wrong = "warning: its fragments belong to no service"
                remedy = f"write {each.with_suffix('.toml')}, or remove it"
                print(Problem(str(each), "", wrong, remedy), file=sys.stderr)
    yield from found
