"""What every part of one file's conversion needs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from supervisor import text
from supervisor.convert.legacy_yaml.nodes import Scalar
from supervisor.convert.mapping.journal import Journal
from supervisor.convert.service_file.secrets import Secrets


@frozen
class Environment:
    """What the legacy file does not tell."""

    module_path: str
    """The directory of the legacy modules."""

    zone: ZoneInfo
    """The time zone of this machine."""


@define
class FileContext:
    """One legacy file: its notes, its secrets and its environment."""

    name: str
    """The name of the service file, without `.toml`."""

    journal: Journal
    """What the report tells of this file."""

    secrets: Secrets
    """The secrets of all files of this run."""

    secret_scalars: dict[int, str]
    """The text of each scalar that is a secret, by the scalar's identity."""

    environment: Environment
    """What the file does not tell."""

    _names: dict[tuple[int, str], str] = field(factory=dict)
    """The names of secrets, by the scalar's identity and the value: an alias has the same name."""

    def is_secret(self, node: Scalar) -> bool:
        """Return whether a scalar is a secret."""
        return id(node) in self.secret_scalars

    def shown(self, node: Scalar) -> str:
        """Return a scalar as it was written, for a message; never a secret."""
        if self.is_secret(node):
            return "a secret"
        return f"'{text.shortened(node.text, most=40)}'"

    def keep(self, value: str, node: Scalar | None, name: str, *identity: str) -> str:
        """Return the name of a secret; a scalar that an alias shares keeps its first name."""
        if node is None:
            return self.secrets.keep(name, value, *identity)
        if (id(node), value) not in self._names:
            self._names[id(node), value] = self.secrets.keep(name, value, *identity)
        return self._names[id(node), value]
