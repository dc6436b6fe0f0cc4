"""What commands share: options, help, and the way to the service file, the state and the socket."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supervisor.control.socket_client import LINE_TIMEOUT, ask
from supervisor.errors import UsageError
from supervisor.text import advice, columns, nearest, shortened

if TYPE_CHECKING:
    from supervisor.config.service import Service


PROGRAM = os.environ.get("SUPERVISOR_PROGRAM", "python -m supervisor")
"""How the program is called. `scripts/run` and an installed command set the variable."""

DOCS = "documents: docs/reference/commands.md, service-file.md, checks.md"
"""Where more is written."""


def add_service(parser: argparse.ArgumentParser) -> None:
    """Add `--service` and `--config-dir`, which every command takes."""
    parser.add_argument("--service", metavar="NAME", help="the service file is DIR/NAME.toml")
    parser.add_argument(
        "--config-dir",
        metavar="DIR",
        action="append",
        type=Path,
        default=[],
        help="where service files are (repeatable; default $SUPERVISOR_CONFIG_DIR, "
        "else ./configs, else /etc/supervisor)",
    )


def parse(
    parser: argparse.ArgumentParser, given: Sequence[str], commands: Collection[str]
) -> argparse.Namespace:
    """Return the options. A wrong word ends the process with the nearest right one."""
    if given and given[0] not in commands and not given[0].startswith("-"):
        parser.error(f"there is no command '{shortened(given[0])}'; {advice(given[0], commands)}")
    options, unknown = parser.parse_known_args(given)
    if unknown:
        words = ", ".join(shortened(word) for word in unknown)
        flags = [flag for flag in options.flags if flag.startswith("--")]
        close = nearest(unknown[0].partition("=")[0], flags) if unknown[0].startswith("-") else ""
        remedy = f"did you mean {close}?" if close else f"see {given[0]} --help"
        parser.error(f"unrecognized arguments: {words}; {remedy}")
    return options


def epilog(examples: Iterable[tuple[str, str]], exit_codes: Mapping[int, str]) -> str:
    """Return what follows the flags in a command's help: examples, exit codes, documents."""
    lines = [text for line, meaning in examples for text in (f"# {meaning}", f"{PROGRAM} {line}")]
    codes = columns([(str(code), meaning) for code, meaning in exit_codes.items()])
    parts = ("examples:", lines), ("exit codes:", codes)
    text = "".join(f"{title}\n  " + "\n  ".join(each) + "\n\n" for title, each in parts)
    return text + DOCS


def add_state_dir(
    parser: argparse.ArgumentParser, text: str = "where the running supervisor keeps its state"
) -> None:
    """Add `--state-dir`."""
    default = "default $STATE_DIRECTORY, else $XDG_STATE_HOME/supervisor/NAME"
    parser.add_argument("--state-dir", metavar="DIR", type=Path, help=f"{text} ({default})")


def load_service_file(options: argparse.Namespace) -> Service:
    """Return the service that the file describes. Raises `UsageError` or `ConfigError`."""
    # `status`, `tree`, `run-now` and `reload` do not need these imports.
    from supervisor.config.files import directories, find

    return load_file(find(_service_name(options), directories(options.config_dir)))


def load_file(path: Path) -> Service:
    """Return the service that this file describes. Raises `ConfigError`."""
    from supervisor.config.load import load_service
    from supervisor.modules.loader import load_check

    return load_service(path, lambda check: load_check(check).params)


def state_dir(options: argparse.Namespace) -> Path:
    """Return the directory in which this process keeps its state."""
    given: Path | None = options.state_dir
    return given or _default_state_dir(options.service)


def state_dirs(options: argparse.Namespace) -> list[Path]:
    """Return where the state of the running supervisor may be, the likeliest place first."""
    if options.state_dir:
        return [options.state_dir]
    return [_default_state_dir(options.service), Path("/var/lib/supervisor", options.service)]


def ask_supervisor(
    options: argparse.Namespace, request: dict[str, Any], timeout: float = LINE_TIMEOUT
) -> Iterator[dict[str, Any]]:
    """Yield the answer of the running supervisor. `timeout` is in seconds, for each line.

    Raises `SupervisorError` if it is not running.
    """
    _service_name(options)
    return ask(state_dirs(options), request, timeout)


def _service_name(options: argparse.Namespace) -> str:
    name: str | None = options.service
    if not name:
        raise UsageError(f"which service? write --service NAME; {services(options.config_dir)}")
    return name


def services(config_dirs: Sequence[Path]) -> str:
    """Return in words which services there are."""
    from supervisor.config.files import directories, names  # only errors need it

    looked = directories(config_dirs)
    if found := names(looked):
        return f"there are: {', '.join(found)}"
    return f"there is no file in {', '.join(map(str, looked))}; write {looked[0]}/NAME.toml"


def _default_state_dir(service: str) -> Path:
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base, "supervisor", service)
