"""Routes: which alerts go to whom, in which groups, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve, field, frozen

from tests.simulation.alertmanager.matcher import Matcher, all_match

ALL_LABELS = "..."
"""In `group_by`: each alert is a group of its own."""

INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval")
"""What a route may take from the one above."""


@frozen
class Receiver:
    """Who is notified."""

    name: str
    send_resolved: bool = True


@frozen
class Route:
    """A route of the configuration file. What is None is taken from the route above."""

    receiver: Receiver | None = None
    matchers: tuple[Matcher, ...] = ()
    continues: bool = False
    """`continue` of the file: the routes behind it are tried too."""
    group_by: tuple[str, ...] | None = None
    group_wait: float | None = None
    group_interval: float | None = None
    repeat_interval: float | None = None
    routes: tuple[Route, ...] = ()

    def node(self, parent: Node | None = None) -> Node:
        """Return the route as it is used, with those below it."""
        own = "{" + ",".join(sorted(map(str, self.matchers))) + "}"
        values = {name: getattr(self, name) for name in INHERITED}
        values = {name: value for name, value in values.items() if value is not None}
        if parent is None:
            node = Node(key=own, **values)
        else:
            node = evolve(parent, key=f"{parent.key}/{own}", **values)
        node = evolve(node, matchers=self.matchers, continues=self.continues)
        return evolve(node, children=tuple(route.node(node) for route in self.routes))


@frozen(eq=False)
class Node:
    """A route with all its values."""

    key: str
    receiver: Receiver
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    matchers: tuple[Matcher, ...] = ()
    continues: bool = False
    children: tuple[Node, ...] = field(default=(), repr=False)

    def find(self, labels: Mapping[str, str]) -> tuple[Node, ...]:
        """Return the deepest routes for these labels, in their order."""
        if not all_match(self.matchers, labels):
            return ()
        found: list[Node] = []
        for child in self.children:
            below = child.find(labels)
            found += below
            if below and not child.continues:
                break
        return tuple(found) or (self,)

    def group_labels(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return what an alert shares with the others of its group."""
        return tuple(sorted(self._group_labels(labels)))

    def _group_labels(self, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in labels.items():
            if name in self.group_by or ALL_LABELS in self.group_by:
                yield name, value
