"""Finds and reads the files that a service file builds on, and the fragments beside it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from supervisor.config import schema_text
from supervisor.config.explain.positions import positions
from supervisor.config.files import Source, folders, read
from supervisor.config.layers.effective import EXTENDS, fragments_of
from supervisor.config.problems import InvalidValue, split
from supervisor.errors import ConfigError, Problem
from supervisor.files import why

_EXAMPLE = 'write for example extends = "families/Shop.toml"'
"""What is right in place of a wrong path."""


def read_others(source: Source) -> tuple[Sequence[Source], Sequence[Source]]:
    """Return the files that a service file extends, the lowest first, and its fragments.

    Raises `ConfigError` with all files that cannot be used.
    """
    reading = _Reading(source)
    families = reading.families()
    fragments = reading.fragments()
    if reading.problems:
        raise ConfigError(reading.problems)
    return families, fragments


@define
class _Reading:
    """Reads the files of one service, and writes down which of them cannot be used."""

    service_file: Source
    problems: list[Problem] = field(factory=list)

    @property
    def directory(self) -> Path:
        """The configuration directory."""
        return self.service_file.path.parent

    def families(self) -> list[Source]:
        """Return the files that the service file extends, one after the other."""
        chain = [self.service_file]
        while EXTENDS in chain[-1].table:
            following = self._extended(chain)
            if following is None:
                break
            chain.append(following)
        return chain[:0:-1]

    def _extended(self, chain: Sequence[Source]) -> Source | None:
        """Return the file that the last one of a chain extends, if it can be used."""
        last = chain[-1]
        try:
            path = self._path(chain)
        except InvalidValue as error:
            self._refuse(last, *split(error, ""))
            return None
        try:
            return self._read(path)
        except ConfigError as error:
            for each in error.problems:
                if each.line:  # it can be read, and is not TOML
                    self.problems.append(each)
                else:
                    self._refuse(last, f"names {each.file}, which {each.wrong}", each.remedy)
            return None

    def _path(self, chain: Sequence[Source]) -> Path:
        """Return the path that the last file of a chain names. Raises `InvalidValue`."""
        name = chain[-1].table[EXTENDS]
        if not isinstance(name, str):
            raise InvalidValue(f"is {schema_text.found(name)}, not text; {_EXAMPLE}")
        if not name or not name.isprintable():
            raise InvalidValue(f"is not a path; {_EXAMPLE}")
        path = self.directory / name
        real = os.path.realpath(path)
        if Path(os.path.realpath(self.directory)) not in Path(real).parents:
            raise InvalidValue(
                f"leads out of {self.directory}; name a file in a directory below it"
            )
        seen = [os.path.realpath(each.path) for each in chain]
        if real in seen:
            circle = [str(each.path) for each in chain[seen.index(real) :]]
            shown = " -> ".join((*circle, circle[0]))
            raise InvalidValue(f"makes a circle, {shown}; remove one of these extends")
        return path

    def fragments(self) -> list[Source]:
        """Return the fragments in the order of their names."""
        directory = fragments_of(self.service_file.path)
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            return []
        except OSError as error:
            wrong, remedy = f"cannot be read: {why(error)}", "let this user read it, or remove it"
            self.problems.append(Problem(str(directory), "", wrong, remedy))
            return []
        return [*filter(None, map(self._fragment, (directory / n for n in names if _is_used(n))))]

    def _fragment(self, path: Path) -> Source | None:
        try:
            found = self._read(path)
        except ConfigError as error:
            self.problems += error.problems
            return None
        if EXTENDS in found.table:
            remedy = f"write it in {self.service_file.path.name} or in a file that it extends"
            self._refuse(found, "stands in a fragment", remedy)
        return found

    def _read(self, path: Path) -> Source:
        """Read a file that no one but root and the owner of the service file may change."""
        found = read(path, self.directory)
        real, top = (Path(os.path.realpath(each)) for each in (path, self.directory))
        ours = {0, self.service_file.path.stat().st_uid}
        for where in (path, *folders(real, top)):
            if where != top and (owner := where.stat().st_uid) not in ours:
                wrong = f"is another owner's: {where} belongs to {_user(owner)}"
                raise ConfigError([Problem(str(path), "", wrong, f"chown root {where}")])
        return found

    def _refuse(self, source: Source, wrong: str, remedy: str) -> None:
        line = positions(source.text).line((EXTENDS,))
        self.problems.append(Problem(str(source.path), EXTENDS, wrong, remedy, line=line))


def _is_used(name: str) -> bool:
    """Return whether a file of the directory is a fragment. Hidden and backup files are not."""
    return name.endswith(".toml") and not name.startswith((".", "#"))


def _not_text(value: object) -> str:
    return f"is {schema_text.found(value)}, not text"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"UID {uid}"
