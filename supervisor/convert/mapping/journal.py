"""What the conversion of one file has to tell: the report is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field, frozen

from supervisor import text
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Pair, Sequence, is_null, to_s


@frozen
class MappedKey:
    """A legacy key and the key that it became, both as paths."""

    legacy: str
    """Where the key is in the legacy file: `Modules[0].ExecuteTime`."""

    key: str
    """What it became in the service file: `modules[0].at`."""

    line: int
    """The line of the legacy key."""


@frozen
class Note:
    """Something to know about a legacy file."""

    line: int
    """The line that it is about; 0 is the file as a whole."""

    text: str
    """A sentence, or the path of a key."""


@frozen
class ConvertedModule:
    """One module of the result."""

    name: str
    """Its name in the service file."""

    check: str
    """The check that it runs."""

    legacy: str
    """The file name of the legacy module."""

    schedule: str
    """Its `at` and `every`, in words."""

    line: int
    """The line on which the legacy module begins."""

    keys: int
    """How many legacy keys were mapped."""


@define
class Journal:
    """Notes of one file, in the order in which they were made."""

    modules: list[ConvertedModule] = field(factory=list)
    """The modules of the result."""

    mapped: list[MappedKey] = field(factory=list)
    """The legacy keys that became something."""

    unmapped: list[Note] = field(factory=list)
    """The paths of the legacy keys that became nothing."""

    defaults: list[str] = field(factory=list)
    """What was assumed."""

    warnings: list[Note] = field(factory=list)
    """What a person should look at."""

    faults: list[Fault] = field(factory=list)
    """What cannot be converted."""

    taken: set[int] = field(factory=set)
    """Pairs that were mapped somewhere, by identity: aliases and merges share them."""

    _lacking: set[str] = field(factory=set)
    """The keys that the result lacks, because of the faults."""

    @contextmanager
    def attempt(self, key: str = "") -> Iterator[None]:
        """Note a fault in the block and go on after it, so that all are told at once.

        `key` is what the result then lacks, if anything.
        """
        try:
            yield
        except Fault as fault:
            self.note_fault(fault, key)

    def note_fault(self, fault: Fault, key: str = "") -> None:
        """Note a fault, once, and the key that the result lacks because of it, if any."""
        if key:
            self.lack(key)
        if all(fault.args != each.args for each in self.faults):
            self.faults.append(fault)

    def lack(self, key: str) -> None:
        """Note a key of the result that is lacking because of a fault."""
        self._lacking.add(key)

    def lacks(self, key: str) -> bool:
        """Return whether a key, what is inside of it or what is around it is lacking."""
        return any(_within(key, each) or _within(each, key) for each in self._lacking)

    def warn(self, line: int, text: str) -> None:
        """Note what a person should look at, once."""
        if (note := Note(line, text)) not in self.warnings:
            self.warnings.append(note)

    def assume(self, text: str) -> None:
        """Note a default that the legacy file does not tell, once."""
        if text not in self.defaults:
            self.defaults.append(text)

    def line_of(self, key: str) -> int:
        """Return the line that a key of the result came from, or what it is inside of."""
        lines = {each.key: each.line for each in reversed(self.mapped)}
        while key:
            if key in lines:
                return lines[key]
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return 1


@define
class LegacySection:
    """A legacy mapping that is read key by key; what was not read is unmapped."""

    node: Mapping
    """The mapping."""

    path: str
    """Where it is in the legacy file; empty for the top."""

    target: str
    """The path of the table that it becomes; empty for the top."""

    journal: Journal
    """Where mapped and unmapped keys are noted."""

    _taken: set[int] = field(factory=set)
    """The pairs that were read, by identity."""

    @property
    def line(self) -> int:
        """The line on which the mapping begins."""
        return self.node.span.first

    def take(self, name: str, target: str = "") -> Pair | None:
        """Return a key's pair, as mapped to a key below the target."""
        pair = self.node.get(name)
        if pair is not None and id(pair) not in self._taken:
            self._taken.add(id(pair))
            self.journal.taken.add(id(pair))
            self.journal.mapped.append(MappedKey(self.at(name), self.key(target), pair.span.first))
        return pair

    def value(self, name: str, target: str = "") -> Node | None:
        """Return a key's value; None if the key is absent or its value null."""
        pair = self.take(name, target)
        return None if pair is None or is_null(pair.value) else pair.value

    def key(self, target: str) -> str:
        """Return the path of a key of the result."""
        return ".".join(part for part in (self.target, target) if part)

    def at(self, name: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{name}" if self.path else name

    def close(self) -> None:
        """Note the keys that were not read."""
        for pair in self.node.pairs.values():
            if id(pair) not in self._taken:
                path = self.at(shown(pair.key))
                self.journal.unmapped += _paths(path, pair, self.journal.taken)

    def take_all(self, node: Node, path: str, target: str) -> None:
        """Note all keys inside of a node as mapped."""
        for key, pair in inside(node, path):
            self.journal.taken.add(id(pair))
            mapped = MappedKey(key, f"{target}{key.removeprefix(path)}", pair.span.first)
            self.journal.mapped.append(mapped)


def shown(key: Node) -> str:
    """Return a key for people, cut if it is long."""
    return text.shortened(to_s(key))


def inside(node: Node, path: str) -> Iterator[tuple[str, Pair]]:
    """Yield the pairs inside of a node with their paths, the outer before the inner."""
    match node:
        case Mapping():
            for pair in node.pairs.values():
                key = f"{path}.{shown(pair.key)}"
                yield key, pair
                yield from inside(pair.value, key)
        case Sequence():
            for index, item in enumerate(node.items):
                yield from inside(item, f"{path}[{index}]")


def _within(key: str, outer: str) -> bool:
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def _paths(path: str, pair: Pair, taken: set[int]) -> Iterator[Note]:
    """Yield a key and those inside of it, but not what an alias has carried elsewhere."""
    inner = [each for each in inside(pair.value, path) if not isinstance(each[1].value, Mapping)]
    left = [(key, each) for key, each in inner if id(each) not in taken]
    if left or not inner:
        yield Note(pair.span.first, path)
    yield from (Note(each.span.first, key) for key, each in left)
