"""What the conversion of one file has to tell: the report is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Pair, Scalar, Sequence, to_s


@frozen
class Mapped:
    """A legacy key and the key that it became, both as paths."""

    legacy: str
    key: str
    line: int


@frozen
class Note:
    """Something to know about a line; 0 is the file as a whole."""

    line: int
    text: str


@frozen
class Converted:
    """One module of the result."""

    name: str
    check: str
    legacy: str
    schedule: str
    line: int
    keys: int


@define
class Journal:
    """Notes of one file, in the order in which they were made."""

    modules: list[Converted] = field(factory=list)
    mapped: list[Mapped] = field(factory=list)
    unmapped: list[Note] = field(factory=list)
    defaults: list[str] = field(factory=list)
    warnings: list[Note] = field(factory=list)
    taken: set[int] = field(factory=set)
    """Pairs that were mapped somewhere, by identity: aliases and merges share them."""

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
class Section:
    """A legacy mapping that is read key by key; what was not read is unmapped.

    `path` is where it is in the legacy file, `target` what it becomes.
    """

    node: Mapping
    path: str
    target: str
    journal: Journal
    _taken: set[int] = field(factory=set)

    @property
    def line(self) -> int:
        return self.node.span.first

    def take(self, name: str, target: str = "") -> Pair | None:
        """Return a key's pair, as mapped to a key below the target."""
        pair = self.node.get(name)
        if pair is not None and id(pair) not in self._taken:
            self._taken.add(id(pair))
            self.journal.taken.add(id(pair))
            key = ".".join(part for part in (self.target, target) if part)
            self.journal.mapped.append(Mapped(self.at(name), key, pair.span.first))
        return pair

    def value(self, name: str, target: str = "") -> Node | None:
        """Return a key's value; None if the key is absent or its value null."""
        pair = self.take(name, target)
        if pair is None or (isinstance(pair.value, Scalar) and pair.value.is_null):
            return None
        return pair.value

    def at(self, name: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{name}" if self.path else name

    def close(self) -> None:
        """Note the keys that nobody asked for."""
        for pair in self.node.pairs.values():
            if id(pair) not in self._taken:
                path = self.at(shown(pair.key))
                self.journal.unmapped += _paths(path, pair, self.journal.taken)

    def take_all(self, node: Node, path: str, target: str) -> None:
        """Note all keys inside of a node as mapped."""
        for key, pair in inside(node, path):
            self.journal.taken.add(id(pair))
            mapped = Mapped(key, f"{target}{key.removeprefix(path)}", pair.span.first)
            self.journal.mapped.append(mapped)


def shown(key: Node) -> str:
    """Return a key for people, cut if it is long."""
    text = "".join(each if each.isprintable() else "?" for each in to_s(key))
    return text if len(text) <= 60 else f"{text[:59]}…"


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


def _paths(path: str, pair: Pair, taken: set[int]) -> Iterator[Note]:
    """Yield a key and those inside of it, but not what an alias has carried elsewhere."""
    inner = [each for each in inside(pair.value, path) if not isinstance(each[1].value, Mapping)]
    left = [(key, each) for key, each in inner if id(each) not in taken]
    if left or not inner:
        yield Note(pair.span.first, path)
    yield from (Note(each.span.first, key) for key, each in left)
