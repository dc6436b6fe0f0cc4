"""Find service files and read their TOML, before any value in them is looked at."""

from __future__ import annotations

import os
import pwd
import stat
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from supervisor.errors import ConfigError, Problem
from supervisor.files import read_regular_file, why
from supervisor.text import nearest, shortened

MAX_BYTES = 16 << 20
"""The size of a service file at most."""

DROP_INS = Path("/etc/systemd/system/supervisor@.service.d")
"""Where `scripts/install --user` and `systemctl edit` write the user of the unit."""


def find(name: str, directories: Sequence[Path]) -> Path:
    """Return the service's file in the first directory that has one.

    Raises `ConfigError` with the names of the services that exist.
    """
    where = f"service {shortened(name)}"
    if not name.strip() or name in (".", "..") or "/" in name or not name.isprintable():
        wrong = "is not a name of a service"
        raise ConfigError([Problem(where, "", wrong, "give the file's name without .toml")])
    for directory in directories:
        path = directory / f"{name}.toml"
        if path.is_file():
            return path
    known = names(directories)
    searched = ", ".join(str(directory) for directory in directories)
    remedy = f"there are: {', '.join(known)}" if known else f"write {directories[0]}/{name}.toml"
    if close := nearest(name, known):
        remedy = f"did you mean '{close}'? {remedy[0].upper()}{remedy[1:]}"
    raise ConfigError([Problem(where, "", f"there is no {name}.toml in {searched}", remedy)])


def names(directories: Sequence[Path]) -> list[str]:
    """Return the names of all services in the directories."""
    return sorted({path.stem for directory in directories for path in directory.glob("*.toml")})


def directories(given: Sequence[Path]) -> tuple[Path, ...]:
    """Return the directories in which to look for service files.

    These are the given ones, else $SUPERVISOR_CONFIG_DIR, else ./configs if it exists, else
    /etc/supervisor.
    """
    if given:
        return tuple(given)
    if from_environment := os.environ.get("SUPERVISOR_CONFIG_DIR"):
        return (Path(from_environment),)
    local = Path("configs")
    return (local,) if local.is_dir() else (Path("/etc/supervisor"),)


@frozen
class Source:
    """A service file as it is written."""

    path: Path
    """The file."""

    text: str
    """What is in it. Errors need it to tell lines."""

    table: Mapping[str, Any]
    """The same as TOML values."""


def read(path: Path, top: Path | None = None) -> Source:
    """Return the file's TOML document.

    Raises `ConfigError`. For a file that is not TOML, it names line and column. No one else may
    write the file or its directory, nor any directory above it up to `top`.
    """
    line, wrong, remedy = 0, "", "give a TOML file in UTF-8 that this user may read"
    try:
        _refuse_files_of_others(path, top)
        text = read_regular_file(path, MAX_BYTES).decode("utf-8-sig")
        # tomllib gives no line for an error at the end of the document. With one more line end it
        # gives one.
        return Source(path, text, tomllib.loads(f"{text}\n"))
    except OSError as error:
        wrong = f"cannot be read: {why(error)}"
    except UnicodeDecodeError as error:
        line, wrong, remedy = _of_another_encoding(error)
    except tomllib.TOMLDecodeError as error:
        from supervisor.config.explain.syntax import explain  # only errors need it

        line, wrong, remedy = explain(text, str(error))
    except RecursionError:
        wrong, remedy = "is nested too deeply", "write it flatter"
    except ValueError:  # a NUL in the path, or an integer of thousands of digits
        wrong = "cannot be read as TOML"
    raise ConfigError([Problem(str(path), "", wrong, remedy, line=line)])


def _of_another_encoding(error: UnicodeDecodeError) -> tuple[int, str, str]:
    """Return line, fault and remedy of bytes that are not UTF-8."""
    line = error.object.count(b"\n", 0, error.start) + 1
    if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 1, "is not UTF-8 but UTF-16", "save the file as UTF-8"
    byte = f"the byte 0x{error.object[error.start]:02x}"
    return line, f"is not UTF-8: {byte}", "save the file as UTF-8, with `iconv` or in an editor"


def folders(path: Path, top: Path | None) -> list[Path]:
    """Return the directory of a file and those above it, up to `top`. None: its own alone."""
    first, *others = path.absolute().parents
    return [first, *(each for each in others if top is not None and each.is_relative_to(top))]


def _refuse_files_of_others(path: Path, top: Path | None) -> None:
    """Raise `ConfigError` if others than those we trust could add a command that we would run."""
    for where in (path, *folders(path, top)):
        status = where.stat()
        _refuse_owner(path, where, status.st_uid)
        mode = status.st_mode
        if mode & stat.S_IWOTH and not (where is not path and mode & stat.S_ISVTX):
            wrong = f"may be written by everybody (mode {stat.S_IMODE(mode):04o} of {where})"
            raise ConfigError([Problem(str(path), "", wrong, f"chmod o-w {where}")])


def _refuse_owner(path: Path, where: Path, owner: int) -> None:
    """Raise `ConfigError` if we are root and the owner is neither root nor the service's user."""
    if os.geteuid() != 0 or owner == 0:
        return  # a look-up of users would load a library, and ask a server where one is set
    if owner == _uid_of_service():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"UID {owner}"
    wrong = f"is not root's: {where} belongs to {name}, whose commands root would run"
    raise ConfigError([Problem(str(path), "", wrong, f"chown root {where}, or run it as {name}")])


def _uid_of_service() -> int:
    """Return the UID under which the unit runs supervisors, or 0 if there is no such user."""
    name = "supervisor"
    with suppress(OSError, UnicodeDecodeError):
        for path in sorted(DROP_INS.glob("*.conf")):
            for line in path.read_text(encoding="utf-8").splitlines():
                name = line.removeprefix("User=").strip() if line.startswith("User=") else name
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return 0
