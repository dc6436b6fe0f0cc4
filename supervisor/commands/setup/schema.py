"""The command `schema`: print the JSON Schema of service files, for editors."""

from __future__ import annotations

import argparse
import json
import sys

from supervisor.config.json_schema.document import document
from supervisor.config.json_schema.layered import layered_document
from supervisor.errors import ConfigError
from supervisor.modules.loader import Check, known_checks, load_check

EXAMPLES = (
    ("schema > service.schema.json", "for a first line: #:schema ./service.schema.json"),
    ("schema --family > family.schema.json", "for files that are merged with others"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--family",
        action="store_true",
        help="of a file with extends or vars, of a family and of a fragment",
    )


def run(options: argparse.Namespace) -> int:
    """Print the schema with all checks that are installed."""
    make = layered_document if options.family else document
    print(json.dumps(make(loadable_checks()), ensure_ascii=False, indent=1))
    return 0


def loadable_checks() -> list[Check]:
    """Return the known checks. One that cannot be loaded is left out, with a line on stderr."""
    checks = []
    for name in known_checks():
        try:
            checks.append(load_check(name))
        except ConfigError as error:
            print(error, file=sys.stderr)
    return checks
