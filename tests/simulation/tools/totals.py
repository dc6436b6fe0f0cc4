"""What many worlds come to, and how it is said in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from attrs import define, field
from cattrs import Converter

from tests.simulation.tools.explore import Result
from tests.simulation.tools.sums import Sums

_CONVERTER = Converter(forbid_extra_keys=True)


@define(eq=False)
class Totals:
    """Sums of all results so far, by the kind of the host."""

    kinds: dict[str, Sums] = field(factory=dict)
    failures: list[Result] = field(factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what an earlier soak has written. Without a file, begin with nothing."""
        if not path.exists():
            return cls()
        return _CONVERTER.structure(json.loads(path.read_text(encoding="utf-8")), cls)

    def write(self, path: Path) -> None:
        """Write the file, so that a soak that is ended at any time loses little."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(_CONVERTER.unstructure(self)), encoding="utf-8")
        new.replace(path)

    def add(self, result: Result) -> None:
        """Add a result."""
        self.kinds.setdefault(result.kind, Sums()).add(result)
        if result.failure is not None:
            self.failures.append(result)

    @property
    def all(self) -> Sums:
        """Of all kinds."""
        return Sums.of(self.kinds.values())

    def lines(self) -> Iterator[str]:
        """Yield all as text."""
        whole = self.all
        yield from _by_kind(self)
        for title, counter in (
            ("Notifications, by what they are for", whole.notifications),
            ("Faults by kind", whole.faults),
            ("Excused, by reason", whole.excused),
        ):
            if counter:
                yield f"{title}:"
            yield from (f"{count:>14,}  {name}" for name, count in counter.most_common())


def _by_kind(totals: Totals) -> Iterator[str]:
    """Yield the figures of all, and those of each kind beside them."""
    kinds = sorted(totals.kinds) if len(totals.kinds) > 1 else []
    columns = [dict(sums.figures()) for sums in (totals.all, *(totals.kinds[k] for k in kinds))]
    if kinds:
        yield " ".join(f"{name:>14}" for name in ("all", *kinds))
    for name in columns[0]:
        yield " ".join(f"{column[name]:>14}" for column in columns) + f"  {name}"
