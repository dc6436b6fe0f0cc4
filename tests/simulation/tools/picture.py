"""The picture of a report: how often each kind of fault was met, as SVG that a page holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from tests.simulation.generate import OF_A_CHECK, OF_A_PEER, OF_THE_CLOCK, OF_THE_DISK

GROUPS: Mapping[str, tuple[str, ...]] = {
    "process": (),
    "clock": OF_THE_CLOCK,
    "disk": OF_THE_DISK,
    "peer": tuple(dict.fromkeys(OF_A_PEER)),
    "check": OF_A_CHECK,
}
"""What a fault befalls, and its kinds. What is in no other group befalls the process."""

WIDTH = 900
ROW = 22
NAMES = 170
VALUES = 70
"""Lengths in pixels: of the picture, a bar, the space for names, and that for values."""


def faults_by_kind(faults: Mapping[str, int]) -> str:
    """Return bars, in groups and from the most to the least."""
    elements: list[str] = []
    y = 0
    most = max(faults.values())
    known = {kind for kinds in GROUPS.values() for kind in kinds}
    for number, (group, kinds) in enumerate(GROUPS.items()):
        counts = {
            kind: count
            for kind, count in faults.items()
            if kind in kinds or (not kinds and kind not in known)
        }
        if counts:
            elements += _group(number, group, counts, most, y)
            y += ROW * (len(counts) + 1) + 8
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {y}" role="img" aria-label="Faults by kind">',
            *elements,
            "</svg>",
        ]
    )


def _group(number: int, name: str, counts: Mapping[str, int], most: int, y: int) -> Iterator[str]:
    total = f"{name}: {sum(counts.values()):,}"
    yield f'<text class="note" x="{NAMES}" y="{y + 15}">{escape(total)}</text>'
    for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        y += ROW
        width = max(1.0, count / most * (WIDTH - NAMES - VALUES))
        kind = escape(kind.replace("_", " "))
        yield f'<text class="name" x="{NAMES - 8}" y="{y + 14}">{kind}</text>'
        yield (
            f'<rect x="{NAMES}" y="{y + 2}" width="{width:.1f}" height="{ROW - 6}" rx="2"'
            f' style="fill:var(--s{number})"/>'
        )
        yield f'<text x="{NAMES + width + 6:.1f}" y="{y + 14}">{count:,}</text>'
