"""Which labels a route, a silence or an inhibition rule is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import frozen


class Operator(Enum):
    """How the value of a label is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@frozen
class Matcher:
    """One comparison. A label that is absent has the value ""."""

    name: str
    value: str
    operator: Operator = Operator.EQUAL

    def matches(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.name, "")
        match self.operator:
            case Operator.EQUAL:
                return found == self.value
            case Operator.NOT_EQUAL:
                return found != self.value
            case Operator.REGEX:
                return re.fullmatch(self.value, found) is not None
            case Operator.NOT_REGEX:
                return re.fullmatch(self.value, found) is None

    @property
    def matches_empty(self) -> bool:
        """Whether a silence may not consist of this alone."""
        match self.operator:
            case Operator.EQUAL | Operator.REGEX:
                return self.matches({})
            case Operator.NOT_EQUAL | Operator.NOT_REGEX:
                return False

    def __str__(self) -> str:
        return f'{self.name}{self.operator.value}"{self.value}"'


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
