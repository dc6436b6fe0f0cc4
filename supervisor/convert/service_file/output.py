"""Writes files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from supervisor.errors import SupervisorError


@frozen(repr=False)
class Output:
    """A file to be written; its content may be a secret and is never shown."""

    path: Path
    """Where it is to be."""

    content: bytes
    """What it is to hold."""

    mode: int
    """Who may read it: 0600 for a secret."""

    def is_there(self) -> bool:
        """Return whether the file has this content already, and a secret no wider mode.

        Raises `SupervisorError` when it cannot be read.
        """
        try:
            status = self.path.stat()
            same = self.path.read_bytes() == self.content
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SupervisorError(f"cannot read {self.path}: {error.strerror}") from None
        return same and (self.mode != 0o600 or status.st_mode & 0o077 == 0)


def differing(outputs: Iterable[Output]) -> list[Output]:
    """Return those that are missing or have another content."""
    return [each for each in outputs if not each.is_there()]


def write(outputs: Iterable[Output]) -> None:
    """Write files, each under another name first; raises `SupervisorError`.

    All of them are on the disk before the first takes its name.
    """
    ready: list[tuple[str, Output]] = []
    try:
        for each in outputs:
            ready.append((_prepare(each), each))
        for temporary, each in ready:
            os.replace(temporary, each.path)
        for directory in {each.path.parent for _, each in ready}:
            _sync(directory)
    except OSError as error:
        named = error.filename2 or error.filename
        raise SupervisorError(f"cannot write {named}: {error.strerror}") from None
    finally:
        for temporary, _ in ready:
            Path(temporary).unlink(missing_ok=True)


def _prepare(output: Output) -> str:
    # Directories of secrets are closed to others, but one that exists keeps its mode.
    closed = output.mode == 0o600
    output.path.parent.mkdir(mode=0o700 if closed else 0o777, parents=True, exist_ok=True)
    file, name = tempfile.mkstemp(prefix=f".{output.path.name}.", dir=output.path.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(output.content)
            stream.flush()
            os.fchmod(stream.fileno(), output.mode)
            os.fsync(stream.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return name


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
