"""Modules without a check of their own: they stay programs, with the JSON that they always got."""

from __future__ import annotations

import json
import math

from attrs import define, field

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Scalar, Sequence, Span, to_s
from supervisor.convert.legacy_yaml.psych import Symbol
from supervisor.convert.legacy_yaml.psych_time import Date, Time
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.service_file.secrets import split_login
from supervisor.convert.service_file.toml import FIRST_TOO_LARGE, Entry, Item, Table, json_text

PLACEHOLDER = "{secret:"
"""How the name of a secret begins in a module's JSON; the check `command` fills it in."""


@define
class JsonWriter:
    """Writes values as Ruby's `to_json` does, with secrets as placeholders."""

    context: FileContext
    """What all parts of the conversion share; its zone is that of times without one."""

    used: list[str] = field(factory=list)
    """The names of the secrets that were written."""

    fits_toml: bool = True
    """Whether a TOML table can hold all that was written so far."""

    def json(self, node: Node, path: str, indent: str) -> str:
        """Return JSON with an item on each line."""
        deeper = f"{indent}  "
        match node:
            case Mapping():
                pairs = self.pairs(node)
                inner = [
                    f"{deeper}{_string(key)}: {self.json(value, f'{path}-{key}', deeper)}"
                    for key, value in pairs.items()
                ]
                self.fits_toml &= not any(PLACEHOLDER in key for key in pairs)
                return _lines("{", inner, indent, "}")
            case Sequence():
                inner = [
                    f"{deeper}{self.json(item, f'{path}-{number}', deeper)}"
                    for number, item in enumerate(node.items, 1)
                ]
                return _lines("[", inner, indent, "]")
        return self.scalar(node, path)

    def pairs(self, node: Mapping) -> dict[str, Node]:
        """Return the values by what Ruby makes of their keys in JSON; the last of a name counts."""
        return {to_s(pair.key): pair.value for pair in node.pairs.values()}

    def scalar(self, node: Scalar, path: str) -> str:
        """Return the JSON of one value; a secret's name stands for it."""
        value = None
        with self.context.journal.attempt():
            value = self.plain(node)
        if self.context.is_secret(node) and value is not None and value != "":
            return self.secret(node, value, path)
        if isinstance(value, str):
            return self.string(value, path)
        if isinstance(value, bool) and node.text in ("NO", "ON"):
            said = (
                f"{self.context.shown(node)} is {json.dumps(value)} to YAML: the module gets that"
            )
            self.context.journal.warn(node.span.first, said)
        self.fits_toml &= value is not None
        if isinstance(value, int) and not -FIRST_TOO_LARGE <= value < FIRST_TOO_LARGE:
            self.fits_toml = False
        return json.dumps(value)

    def plain(self, node: Scalar) -> bool | int | float | str | None:
        """Return the value as JSON has it."""
        value = node.value
        match value:
            case Symbol(name=text) | Date(text=text):
                return text
            case Time():
                zone = self.context.environment.zone
                if value.zone == "local":
                    said = f"a time without a zone is taken in {zone.key}, as on this machine"
                    self.context.journal.warn(node.span.first, said)
                return value.shown(zone)
            case float() if not math.isfinite(value):
                wrong = "has a number that JSON cannot hold: the agent could not start with it"
                raise Fault(node.span.first, wrong, "write a number, or put it in quotes")
        return value

    def secret(self, node: Scalar, value: bool | int | float | str, path: str) -> str:
        """Return the JSON in which a secret's name stands for it."""
        if not isinstance(value, str):
            # Unquoted, so that the module gets the number that it used to get.
            self.fits_toml = False
            said = "a secret is not a text to YAML: the module gets what it always got"
            self.context.journal.warn(node.span.first, said)
            return self.placeholder(json.dumps(value), path, node)
        core = value.rstrip("\r\n")
        if not core:
            return _string(value)
        # A secret is read without its last line breaks.
        return f'"{self.placeholder(core, path, node)}{_string(value[len(core) :])[1:-1]}"'

    def string(self, value: str, path: str) -> str:
        """Return a text; the password of a URL in it becomes a secret."""
        if (parts := split_login(value)) is not None and PLACEHOLDER not in value:
            before, password, after = parts
            return f'"{_string(before)[1:-1]}{self.placeholder(password, path)}{_string(after)[1:]}'
        self.fits_toml &= PLACEHOLDER not in value
        return _string(value)

    def placeholder(self, value: str, path: str, node: Scalar | None = None) -> str:
        """Return what stands for a secret; one that an alias shares has one name."""
        name = self.context.keep(value, node, f"{self.context.name}-{path}")
        self.used.append(name)
        return f"{PLACEHOLDER}{name}}}"


def convert(writer: JsonWriter, parameter: Node, name: str, params: Table) -> list[Table]:
    """Add the module's JSON to `params`, and return the tables below it."""
    text = writer.json(parameter, name, "")
    tables = []
    if isinstance(parameter, Mapping) and writer.fits_toml:
        below = Table(f"{params.path}.params", parameter.span)
        below.entries = [*_entries(writer, parameter, name)]
        tables.append(below)
    else:
        params.entries.append(Entry("params_json", Item(json_text(text), parameter.span, raw=True)))
    if writer.used and writer.context.secrets.directory is not None:
        secrets = Table(f"{params.path}.secrets", None)
        for used in dict.fromkeys(writer.used):
            secrets.entries.append(Entry(used, writer.context.secrets.reference(used)))
        tables.insert(0, secrets)
    return tables


def _entries(writer: JsonWriter, node: Mapping, path: str) -> list[Entry]:
    spans = {to_s(pair.key): pair.span for pair in node.pairs.values()}
    return [
        Entry(key, _item(writer, value, f"{path}-{key}", spans[key]))
        for key, value in writer.pairs(node).items()
    ]


def _item(writer: JsonWriter, node: Node, path: str, span: Span | None = None) -> Item:
    """Return what TOML can hold: the JSON of its scalars is read back, secrets included."""
    at = span or node.span
    match node:
        case Mapping():
            return Item(tuple(_entries(writer, node, path)), at, is_table=True)
        case Sequence():
            items = (_item(writer, each, f"{path}-{n}") for n, each in enumerate(node.items, 1))
            return Item(tuple(items), at)
    return Item(json.loads(writer.scalar(node, path)), at)


def poll_timeouts(node: Node | None) -> float:
    """Return the sum of all numbers named PollTimeout."""
    match node:
        case Mapping():
            total = 0.0
            for pair in node.pairs.values():
                value = pair.value
                if to_s(pair.key) != "PollTimeout":
                    total += poll_timeouts(value)
                elif isinstance(value, Scalar) and isinstance(value.value, int | float):
                    total += max(value.value, 0) if math.isfinite(value.value) else 0
            return total
        case Sequence():
            return sum(poll_timeouts(item) for item in node.items)
    return 0


def _lines(first: str, inner: list[str], indent: str, last: str) -> str:
    if not inner:
        return f"{first}{last}"
    return f"{first}\n" + ",\n".join(inner) + f"\n{indent}{last}"


def _string(value: str) -> str:
    """Return a JSON string in which nothing is taken for a placeholder."""
    return json.dumps(value, ensure_ascii=False).replace(PLACEHOLDER, "\\u007bsecret:")
