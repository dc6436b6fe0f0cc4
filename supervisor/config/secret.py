"""A secret is referred to in a service file and read only when it is needed."""

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

    The value itself is never stored here, so that no repr and no traceback can show it.
    """

    kind: Literal["credential", "file", "env"]
    name: str

    def read(self) -> str:
        """Return the secret without its trailing newline.

        Raises `SecretUnreadable` when it is missing, or a file that others may read.
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
                # systemd keeps its credentials 0440 in a directory that is closed to others.
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
