"""A service file refers to a secret. The secret itself is read only when it is needed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from attrs import frozen

from supervisor.errors import SecretUnreadable
from supervisor.files import content_of, regular_file

MAX_BYTES = 64 * 1024
"""The size of a secret's file at most."""


@frozen
class Secret:
    """Where a secret is kept: a systemd credential, a file or an environment variable.

    It never holds the secret itself, so no repr and no traceback can show that.
    """

    kind: Literal["credential", "file", "env"]
    name: str
    """The credential's name, the file's path or the variable's name."""

    def read(self) -> str:
        """Return the secret without its trailing newline.

        Raises `SecretUnreadable` when it is missing, when other users may read its file, or when
        that is not a regular file of at most `MAX_BYTES`. A dead mount blocks it, so call it in a
        thread.
        """
        if self.kind == "env":
            try:
                return os.environ[self.name]
            except KeyError:
                raise SecretUnreadable(
                    f"cannot read the secret: the variable {self.name} is not set"
                ) from None
        path = self._path()
        try:
            with regular_file(path, MAX_BYTES) as descriptor:
                mode = os.fstat(descriptor).st_mode
                # systemd makes credentials 0440, in a directory that other users cannot enter.
                if self.kind == "file" and mode & (stat.S_IRWXO | stat.S_IRWXG):
                    raise SecretUnreadable(
                        f"cannot use the secret {path}: others may read it; run: chmod 600 {path}"
                    )
                # Windows' editors begin a file with a byte order mark, which is not part of it.
                return content_of(descriptor, MAX_BYTES).decode("utf-8-sig").rstrip("\r\n")
        except (OSError, ValueError) as error:  # a ValueError: not UTF-8, or a NUL in the path
            raise SecretUnreadable(f"cannot read the secret {path}: {error}") from None

    def _path(self) -> Path:
        if self.kind == "file":
            return Path(self.name)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise SecretUnreadable(
                f"cannot read the credential {self.name}: $CREDENTIALS_DIRECTORY is not set; "
                "start under systemd with LoadCredential=, or use { file = … }"
            )
        return Path(directory, self.name)
