"""Turns one legacy module after the other into tables of the service file."""

from __future__ import annotations

import re

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import (
    Mapping,
    Node,
    Pair,
    Scalar,
    Span,
    is_false_or_null,
)
from supervisor.convert.mapping import eborder, timetable
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.fields import as_text, duration_value
from supervisor.convert.mapping.filesystem_limits import FilesystemLimits
from supervisor.convert.mapping.journal import ConvertedModule, LegacySection
from supervisor.convert.mapping.native import Native, native_check
from supervisor.convert.mapping.timetable import Timetable
from supervisor.convert.service_file.toml import Table, texts

LEAST_TIMEOUT = 300.0
"""The seconds that each module may run at least: the agent had no limit."""

_MODULE_PATH = re.compile(r"\(#ModuleFilePath\)", re.IGNORECASE)
"""What the agent replaced by the directory of its modules."""


@frozen
class Program:
    """The file that a legacy module is, and the check that takes its place."""

    path: str
    """The path as the legacy file has it."""

    span: Span
    """Where the path stands."""

    native: Native | None
    """The check that takes its place; None if the program goes on as it is."""

    @property
    def file_name(self) -> str:
        """The path without directories."""
        return self.path.rpartition("/")[2]

    @property
    def check(self) -> str:
        """The name of the check that runs."""
        return self.native.check if self.native else "command"

    @property
    def wanted_name(self) -> str:
        """The module's name, unless another module has it already."""
        return self.native.check if self.native else self.file_name.removesuffix(".rb")


@frozen
class LegacyModule:
    """One item of `Modules`, as far as all kinds of modules have it in common."""

    section: LegacySection
    """Its keys."""

    program: Program
    """What it runs."""

    name: str
    """Its name in the service file."""

    times: Timetable
    """When it runs."""

    parameter: Pair | None
    """Its Parameter; None if it has none or the agent did not pass it on."""

    @property
    def argument(self) -> Node | None:
        """The value of the Parameter."""
        return self.parameter.value if self.parameter else None


@define
class ModuleConverter:
    """Converts the modules of one file in their order: they share names and aliases."""

    context: FileContext
    """What all parts of the conversion share."""

    _names: set[str] = field(factory=set)
    """The names that modules have already."""

    _added: set[int] = field(factory=set)
    """Pairs with the ExecuteTimes that the agent added, by identity."""

    _limits: FilesystemLimits = field(init=False)
    """The limits of the modules that were converted."""

    def __attrs_post_init__(self) -> None:
        self._limits = FilesystemLimits(self.context.journal)

    def convert(self, section: LegacySection) -> list[Table]:
        """Return the tables of a module. The journal gets its faults."""
        journal = section.journal
        before = len(journal.mapped)
        program, parameter = Program("module", section.node.span, None), None
        with journal.attempt(section.key("check")):
            program = self._program(section)
        times = self._timetable(section)
        with journal.attempt(section.key("params")):
            parameter = self._parameter(section, times)
        name = self._free_name(program.wanted_name)
        module = LegacyModule(
            section=section, program=program, name=name, times=times, parameter=parameter
        )
        tables = [self._head(module)]
        line = parameter.span.first if parameter else 0
        params = Table("modules.params", Span(line, line) if line else None)
        with journal.attempt(section.key("params")):
            if program.native is None:
                tables += self._command(module, params)
            else:
                self._check(module, program.native, params)
                tables += [params] if params.entries or parameter else []
        section.close()
        self._note(module, len(journal.mapped) - before)
        return tables

    def _note(self, module: LegacyModule, keys: int) -> None:
        times = module.times
        every = f" every {duration_value(times.every)}" if times.every else ""
        module.section.journal.modules.append(
            ConvertedModule(
                name=module.name,
                check=module.program.check,
                legacy=module.program.file_name,
                schedule=f"{', '.join(times.at)}{every}".strip(),
                line=module.section.line,
                keys=keys,
            )
        )

    def _program(self, section: LegacySection) -> Program:
        pair = section.take("ModuleFileName", "check")
        if pair is None or not isinstance(pair.value, Scalar):
            raise Fault(section.line, "has a module without ModuleFileName", "write its file")
        path = as_text(self.context, "ModuleFileName", pair.value)
        stem = path.rpartition("/")[2].removesuffix(".rb")
        if not stem.strip() or not path.isprintable():
            raise Fault(pair.span.first, "has a ModuleFileName without a name", "write a file")
        return Program(path, pair.span, native_check(stem))

    def _timetable(self, section: LegacySection) -> Timetable:
        execute_time = section.take("ExecuteTime", "at")
        interval = section.take("Interval", "every")
        times = timetable.read(
            execute_time.value if execute_time else None,
            interval.value if interval else None,
            section.line,
        )
        for fault in times.faults:
            section.journal.note_fault(fault, section.target)
        source = execute_time or interval
        for note in times.notes:
            section.journal.warn(source.span.first if source else section.line, note)
        return times

    def _parameter(self, section: LegacySection, times: Timetable) -> Pair | None:
        """Return the Parameter if the agent gave it to the module, with what it added to it."""
        pair = section.take("Parameter", "params")
        if pair is None or is_false_or_null(pair.value):
            return None
        if times.agent:
            if not isinstance(pair.value, Mapping):
                wrong = "has a Parameter that is not a mapping: the agent cannot add ExecuteTimes"
                raise Fault(pair.span.first, wrong, "write Parameter as a mapping")
            # What an alias shares, the agent changed for every module that shares it.
            line = Span(pair.span.first, pair.span.first)
            key = Scalar("ExecuteTimes", "ExecuteTimes", line)
            made = Pair(key, Scalar(times.execute_times, times.execute_times, line), line)
            self._added.add(id(made))
            pair.value.put(made)
        return pair

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._names or name == "supervisor":
            number += 1
            name = f"{wanted}-{number}"
        self._names.add(name)
        return name

    def _head(self, module: LegacyModule) -> Table:
        section, times = module.section, module.times
        head = Table("modules", Span(section.line, section.line), array=True)
        head.add("check", module.program.check, module.program.span)
        if module.name != module.program.check:
            head.add("name", module.name)
        execute_time, interval = section.node.get("ExecuteTime"), section.node.get("Interval")
        if times.at:
            head.put("at", texts(times.at, execute_time.span if execute_time else None))
        if times.every is not None:
            head.add("every", duration_value(times.every), interval.span if interval else None)
        polls = eborder.poll_timeouts(module.argument)
        head.add("timeout", duration_value(max(LEAST_TIMEOUT, 2 * polls)))
        section.journal.assume("timeout: 5m, or twice the PollTimeouts; the agent had none")
        return head

    def _check(self, module: LegacyModule, check: Native, params: Table) -> None:
        section, program = module.section, module.program
        if not _MODULE_PATH.match(program.path) and "lib/serviceMonitor/" not in program.path:
            said = f"{program.file_name} is elsewhere than (#ModuleFilePath): is it the same?"
            section.journal.warn(program.span.first, said)
        node = module.argument or Mapping(section.node.span)
        if not isinstance(node, Mapping):
            raise Fault(node.span.first, "has a Parameter that is not a mapping", "write its keys")
        path, target = section.at("Parameter"), f"{section.target}.params"
        inner = LegacySection(self._as_written(node), path, target, section.journal)
        check.convert(self.context, inner, params)
        inner.close()
        self._limits.look(module.name, check.check, params)

    def _command(self, module: LegacyModule, params: Table) -> list[Table]:
        section, path = module.section, module.program.path
        if found := _MODULE_PATH.search(path):
            directory = self.context.environment.module_path
            path = f"{path[: found.start()]}{directory}{path[found.end() :]}"
            section.journal.assume(f"(#ModuleFilePath): {directory}")
        params.add("protocol", "eborder")
        params.put("argv", texts(("ruby", path), module.program.span))
        node = module.argument
        if node is None:
            return [params]
        if module.times.at and isinstance(node, Mapping):
            node = self._as_written(node)  # the check adds the module's own ExecuteTimes
        section.take_all(node, section.at("Parameter"), f"{section.target}.params.params")
        writer = eborder.JsonWriter(self.context)
        return [params, *eborder.convert(writer, node, module.name, params)]

    def _as_written(self, node: Mapping) -> Mapping:
        """Return a mapping without what the agent added to it."""
        pairs = {key: pair for key, pair in node.pairs.items() if id(pair) not in self._added}
        return Mapping(node.span, pairs)
