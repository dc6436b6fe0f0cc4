"""The command `show`: print what a service file says together with its other files."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from supervisor.commands.options import load_service_file
from supervisor.config.explain.report import Places
from supervisor.config.layers.effective import Effective
from supervisor.config.layers.tree import Origin
from supervisor.config.layers.written import lines
from supervisor.errors import ConfigError, Problem

EXAMPLES = (
    ("show --service Shop", "the whole file, with its family and its fragments"),
    ("show --service Shop --origin", "the same, each value with FILE:LINE"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--origin", action="store_true", help="add the file and the line that said each value"
    )


def run(options: argparse.Namespace) -> int:
    """Print the effective file. Raises `ConfigError` if it is wrong."""
    service = load_service_file(options)
    places = Places.in_use(service)
    if places.effective is None:  # it was right a moment ago
        wrong, remedy = "has just changed and cannot be read", "try again"
        raise ConfigError([Problem(str(service.path), "", wrong, remedy)])
    print(as_toml(places.effective, places, with_origins=options.origin))
    return 0


def as_toml(effective: Effective, places: Places, *, with_origins: bool) -> str:
    """Return a document that says the same as all files of a service."""
    directory = effective.path.parent
    first, *others = (_name(each.path, directory) for each in effective.sources)
    shown = [f"# {' + '.join((first, *others))}"]
    for line in lines(effective.document(), places.line):
        text = line.text
        if with_origins and line.origin is not None:
            text += f"  # {_told(line.origin, places, directory)}"
        shown.append(text)
    return "\n".join(shown)


def _told(origin: Origin, places: Places, directory: Path) -> str:
    """Return where a value was said. The value of a variable was given in a second place."""
    place = f"{_name(origin.source.path, directory)}:{places.line(origin)}"
    if origin.given is None:
        return place
    return f"{_told(origin.given, places, directory)} for {place}"


def _name(path: Path, directory: Path) -> str:
    return os.path.relpath(path, directory)
