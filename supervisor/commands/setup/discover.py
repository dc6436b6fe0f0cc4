"""The command `discover`: look at this host and write a first service file for it."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from supervisor.commands.once import run_once
from supervisor.commands.options import PROGRAM
from supervisor.config.load import load_service
from supervisor.discover.draft import Survey
from supervisor.discover.page import page
from supervisor.discover.survey import survey
from supervisor.discover.trial import without_what_fires
from supervisor.errors import SupervisorError
from supervisor.host import resolver
from supervisor.modules.loader import load_check
from supervisor.observations import Run
from supervisor.text import counted

INSTALLED_SCHEMAS = (
    Path("/usr/share/alertmanager-supervisor/service.schema.json"),
    Path("/opt/supervisor/current/service.schema.json"),
)
"""Where Debian's package and `scripts/install` put the JSON Schema."""


EXAMPLES = (
    ("discover --out /etc/supervisor/Shop.toml", "write a first service file"),
    ("discover --logs", "print it, with the logs of running programs"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    1: "the file is there already, or cannot be written",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write this file; default: standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    parser.add_argument(
        "--logs", action="store_true", help="also watch the logs that running programs write"
    )


def run(options: argparse.Namespace) -> int:
    """Write the file, and say on standard error what is in it."""
    out: Path | None = options.out
    if out is not None and os.path.exists(out) and not options.force:
        raise SupervisorError(f"{out} is there already; name another file, or add --force")
    if out is not None and not os.path.isdir(out.absolute().parent):
        raise SupervisorError(f"{out.absolute().parent} is not a directory; make it first")
    print("looking at this host …", file=sys.stderr)
    file = _name(out.stem if out else options.service)
    found = survey(_name(options.service or file), file, with_logs=options.logs)
    print("running each module once …", file=sys.stderr)
    found = without_what_fires(found, _run_once)
    text = page(found, _schema(), PROGRAM)
    if out is None:
        print(text, end="")
    else:
        _write(out, text)
    _tell(found, out)
    return 0


def _name(given: str | None) -> str:
    """Return a name for a service, by default that of the host."""
    return re.sub(r"[^\w.-]+", "-", given or socket.gethostname().partition(".")[0]) or "host"


def _run_once(found: Survey) -> Sequence[Run]:
    """Return how each module runs: the file is loaded as any other service file."""
    with TemporaryDirectory(prefix="supervisor-discover-") as directory:
        path = Path(directory, f"{found.service}.toml")
        path.write_text(page(found, _schema()), encoding="utf-8")
        service = load_service(path, lambda check: load_check(check).params)
    modules = [module for module in service.modules if module.enabled]
    return resolver.run(run_once, service, modules)


def _schema() -> str:
    installed = (path.as_uri() for path in INSTALLED_SCHEMAS if path.exists())
    return next(installed, "./service.schema.json")


def _write(out: Path, text: str) -> None:
    """Put the file in its place at once, writable by its owner alone. Raises `SupervisorError`."""
    making = out.with_name(f".{out.name}.new")
    try:
        making.write_text(text, encoding="utf-8")
        making.chmod(0o644 & ~_umask())
        os.replace(making, out)
    except OSError as error:
        with suppress(OSError):
            making.unlink()
        wrong = f"cannot write {out}: {error.strerror or error}"
        raise SupervisorError(f"{wrong}; name another file, or leave --out out") from None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _tell(found: Survey, out: Path | None) -> None:
    things = sum(len(draft.watched) or 1 for draft in found.active)
    print(
        f"{counted(len(found.active), 'module')} for {counted(things, 'thing')}; "
        "what is left out, and why, is in the comments",
        file=sys.stderr,
    )
    if out is not None:
        file = out if out.suffix == ".toml" else out.absolute()
        print(f"wrote {out}; next: {PROGRAM} validate {shlex.quote(str(file))}", file=sys.stderr)
