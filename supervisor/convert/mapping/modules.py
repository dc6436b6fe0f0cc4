"""Turns one legacy module after the other into tables of the service file."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Pair, Scalar, Span
from supervisor.convert.mapping import eborder, native, timetable
from supervisor.convert.mapping.fields import Desk, as_text, duration
from supervisor.convert.mapping.journal import Converted, Section
from supervisor.convert.mapping.native import Native
from supervisor.convert.mapping.timetable import Timetable
from supervisor.convert.service_file.toml import Table, texts

LEAST_TIMEOUT = 300.0
_MODULE_PATH = re.compile(r"\(#ModuleFilePath\)", re.IGNORECASE)


@frozen
class Surroundings:
    """What the legacy file does not tell: where its modules are, and the zone of this machine."""

    module_path: str
    zone: ZoneInfo


@frozen
class Program:
    """The file that a legacy module is, and the check that takes its place, if there is one."""

    path: str
    span: Span
    native: Native | None

    @property
    def file_name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def check(self) -> str:
        return self.native.check if self.native else "command"

    @property
    def wanted_name(self) -> str:
        return self.native.check if self.native else self.file_name.removesuffix(".rb")


@define
class Modules:
    """Converts the modules of one file in their order: the names and aliases are shared."""

    desk: Desk
    around: Surroundings
    _names: set[str] = field(factory=set)
    _added: set[int] = field(factory=set)
    """Pairs with the ExecuteTimes that the agent added, by identity."""

    def convert(self, section: Section) -> list[Table]:
        """Return the tables of a module; raises `Fault`."""
        before = len(section.journal.mapped)
        program = self._program(section)
        times = self._timetable(section)
        parameter = self._parameter(section, times)
        name = self._name(program.wanted_name)
        tables = [self._head(section, program, name, times, parameter)]
        line = parameter.span.first if parameter else 0
        params = Table("modules.params", Span(line, line) if line else None)
        if program.native is None:
            tables += self._command(section, program, name, times, parameter, params)
        else:
            self._check(section, program, program.native, parameter, params)
            tables += [params] if params.entries or parameter else []
        section.close()
        schedule = ", ".join(times.at) + (f" every {duration(times.every)}" if times.every else "")
        keys = len(section.journal.mapped) - before
        section.journal.modules.append(
            Converted(name, program.check, program.file_name, schedule.strip(), section.line, keys)
        )
        return tables

    def _program(self, section: Section) -> Program:
        pair = section.take("ModuleFileName", "check")
        if pair is None or not isinstance(pair.value, Scalar):
            raise Fault(section.line, "has a module without ModuleFileName", "write its file")
        path = as_text(self.desk, "ModuleFileName", pair.value)
        stem = path.rpartition("/")[2].removesuffix(".rb")
        if not stem.strip() or not path.isprintable():
            raise Fault(pair.span.first, "has a ModuleFileName without a name", "write a file")
        return Program(path, pair.span, native.find(stem))

    def _timetable(self, section: Section) -> Timetable:
        execute_time = section.take("ExecuteTime", "at")
        interval = section.take("Interval", "every")
        times = timetable.read(
            execute_time.value if execute_time else None,
            interval.value if interval else None,
            section.line,
        )
        told = execute_time or interval
        for note in times.notes:
            section.journal.warn(told.span.first if told else section.line, note)
        return times

    def _parameter(self, section: Section, times: Timetable) -> Pair | None:
        """Return the Parameter if the agent gave it to the module, with what it added to it."""
        pair = section.take("Parameter", "params")
        if pair is None:
            return None
        node = pair.value
        if isinstance(node, Scalar) and (node.value is None or node.value is False):
            return None
        if times.agent:
            if not isinstance(node, Mapping):
                wrong = "has a Parameter that is no mapping: the agent cannot add ExecuteTimes"
                raise Fault(pair.span.first, wrong, "write Parameter as a mapping")
            # What an alias shares, the agent changed for every module that shares it.
            line = Span(pair.span.first, pair.span.first)
            key = Scalar("ExecuteTimes", "ExecuteTimes", line)
            made = Pair(key, Scalar(times.execute_times, times.execute_times, line), line)
            self._added.add(id(made))
            node.put(made)
        return pair

    def _name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._names or name == "supervisor":
            number += 1
            name = f"{wanted}-{number}"
        self._names.add(name)
        return name

    def _head(
        self,
        section: Section,
        program: Program,
        name: str,
        times: Timetable,
        parameter: Pair | None,
    ) -> Table:
        head = Table("modules", Span(section.line, section.line), array=True)
        head.add("check", program.check, program.span)
        if name != program.check:
            head.add("name", name)
        execute_time, interval = section.node.get("ExecuteTime"), section.node.get("Interval")
        if times.at:
            head.put("at", texts(times.at, execute_time.span if execute_time else None))
        if times.every is not None:
            head.add("every", duration(times.every), interval.span if interval else None)
        polls = eborder.poll_timeouts(parameter.value if parameter else None)
        head.add("timeout", duration(max(LEAST_TIMEOUT, 2 * polls)))
        section.journal.assume("timeout: 5m, or twice the PollTimeouts; the agent had none")
        return head

    def _check(
        self,
        section: Section,
        program: Program,
        check: Native,
        parameter: Pair | None,
        params: Table,
    ) -> None:
        if not _MODULE_PATH.match(program.path) and "lib/serviceMonitor/" not in program.path:
            said = f"{program.file_name} is elsewhere than (#ModuleFilePath): is it the same?"
            section.journal.warn(program.span.first, said)
        node = parameter.value if parameter else Mapping(section.node.span)
        if not isinstance(node, Mapping):
            raise Fault(node.span.first, "has a Parameter that is no mapping", "write its keys")
        path, target = section.at("Parameter"), f"{section.target}.params"
        inner = Section(self._as_written(node), path, target, section.journal)
        check.convert(self.desk, inner, params)
        inner.close()

    def _command(
        self,
        section: Section,
        program: Program,
        name: str,
        times: Timetable,
        parameter: Pair | None,
        params: Table,
    ) -> list[Table]:
        path = program.path
        if found := _MODULE_PATH.search(path):
            path = f"{path[: found.start()]}{self.around.module_path}{path[found.end() :]}"
            section.journal.assume(f"(#ModuleFilePath): {self.around.module_path}")
        params.add("protocol", "eborder")
        params.put("argv", texts(("ruby", path), program.span))
        node = parameter.value if parameter else None
        if times.at and isinstance(node, Mapping):
            node = self._as_written(node)  # the check adds the module's own ExecuteTimes
        if node is not None:
            section.take_all(node, section.at("Parameter"), f"{section.target}.params.params")
        return [params, *eborder.convert(self.desk, node, name, params, self.around.zone)]

    def _as_written(self, node: Mapping) -> Mapping:
        """Return a mapping without what the agent added to it."""
        pairs = {key: pair for key, pair in node.pairs.items() if id(pair) not in self._added}
        return Mapping(node.span, pairs)
