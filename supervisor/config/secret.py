"""A service file refers to a secret. The secret itself is read only when it is needed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from attrs import frozen

from supervisor.errors import SecretUnreadable


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

        Raises `SecretUnreadable` when it is missing, or when other users may read its file.
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
            with path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                # systemd makes credentials 0440, in a directory that other users cannot enter.
                if self.kind == "file" and mode & (stat.S_IRWXO | stat.S_IRWXG):
                    raise SecretUnreadable(
                        f"cannot use the secret {path}: others may read it; run: chmod 600 {path}"
                    )
                return file.read().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
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
