"""Turns a legacy document into the tables of a service file."""

from __future__ import annotations

from attrs import define, field

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import (
    Mapping,
    Node,
    Pair,
    Scalar,
    Sequence,
    Span,
    is_null,
)
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.fields import as_text
from supervisor.convert.mapping.journal import LegacySection
from supervisor.convert.mapping.modules import ModuleConverter
from supervisor.convert.service_file.secrets import split_login
from supervisor.convert.service_file.toml import Table, texts


@define
class ServiceConverter:
    """Makes the tables of one file."""

    context: FileContext
    """What all parts of the conversion share."""

    tables: list[Table] = field(factory=list)
    """The tables of the service file, in their order."""

    def convert(self, root: Node) -> None:
        """Convert the document, as far as it goes. The journal gets the faults."""
        if not isinstance(root, Mapping):
            wrong = "is not a mapping"
            raise Fault(root.span.first, wrong, "write ServiceName, Alertmanager and Modules")
        journal = self.context.journal
        section = LegacySection(root, "", "", journal)
        with journal.attempt("service"):
            self._top(section)
        with journal.attempt("alertmanager"):
            self._alertmanager(section)
        with journal.attempt("modules"):
            self._modules(section)
        section.close()

    def _top(self, section: LegacySection) -> None:
        pair = section.take("ServiceName", "service")
        top = Table("", None)
        self.tables.append(top)
        if pair is None:
            raise Fault(section.line, "has no ServiceName", "write ServiceName: …")
        if is_null(pair.value):
            raise Fault(pair.span.first, "has an empty ServiceName", "write ServiceName: …")
        name = as_text(self.context, "ServiceName", pair.value)
        top.add("service", name, pair.span)
        self.context.journal.assume("timezone: that of the machine, as the agent had it")

    def _alertmanager(self, section: LegacySection) -> None:
        pair = section.take("Alertmanager", "alertmanager")
        if pair is None or not isinstance(pair.value, Mapping):
            line = section.line if pair is None else pair.span.first
            raise Fault(line, "has no Alertmanager with a URL", "write Alertmanager: and URL:")
        inner = LegacySection(pair.value, "Alertmanager", "alertmanager", self.context.journal)
        url = inner.take("URL", "urls")
        if url is None or not isinstance(url.value, Scalar) or not isinstance(url.value.value, str):
            line = pair.span.first if url is None else url.span.first
            raise Fault(line, "has no URL below Alertmanager", "write URL: http://HOST:9093")
        table = Table("alertmanager", Span(pair.span.first, pair.span.first))
        self._url(table, url, url.value.value)
        self.tables.append(table)
        inner.close()

    def _url(self, table: Table, pair: Pair, url: str) -> None:
        login = split_login(url)
        if login is not None:
            before, password, after = login
            scheme, _, user = before.removesuffix(":").rpartition("//")
            url = f"{scheme}//{after.removeprefix('@')}"
        table.put("urls", texts((url,), pair.span))
        if login is not None:
            table.add("username", user)
            secrets = self.context.secrets
            name = secrets.keep(f"{self.context.name}-alertmanager", password)
            table.put("password", secrets.reference(name))
            self.context.journal.warn(pair.span.first, "URL has a password: it is a secret now")

    def _modules(self, section: LegacySection) -> None:
        pair = section.take("Modules", "modules")
        if pair is None or not isinstance(pair.value, Sequence):
            line = section.line if pair is None else pair.span.first
            raise Fault(line, "has no list of Modules", "write Modules: and - ModuleFileName: …")
        modules = ModuleConverter(self.context)
        for number, node in enumerate(pair.value.items):
            key = f"modules[{number}]"
            # A module that cannot be converted stays as an empty table: others keep their numbers.
            tables = [Table("modules", None, array=True)]
            with section.journal.attempt(key):
                if not isinstance(node, Mapping):
                    wrong = "has an item of Modules that is not a mapping"
                    raise Fault(node.span.first, wrong, "write - ModuleFileName: …")
                inner = LegacySection(node, f"Modules[{number}]", key, section.journal)
                tables = modules.convert(inner)
            self.tables += tables
