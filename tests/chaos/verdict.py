"""What is judged after a chaos run, and what the judges say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from tests.chaos.history import History, Post
from tests.chaos.truth import Episode, Truth

ROUNDING = 0.005
"""Seconds by which times on the wire may differ from ours."""


@frozen
class Finding:
    """Something that was promised and did not happen, or happened and must not."""

    kind: str
    what: str
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.kind}: {self.what}", *self.evidence))


@define
class Verdict:
    """What was checked, counted, and what was found to be wrong."""

    findings: list[Finding] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    def blame(self, kind: str, what: str, evidence: Iterable[str] = ()) -> None:
        self.findings.append(Finding(kind, what, tuple(evidence)))


@frozen
class Trial:
    """What is judged. `calm_since` is from when all peers were fine and nothing changed.

    Times are Unix seconds; `hopeless` are modules whose alerts every peer refuses, `refused`
    those whose alerts some peer refuses at times.
    """

    truth: Truth
    histories: Sequence[History]
    min_visible: float
    report_lifetime: float
    calm_since: float
    ended: float
    refused: frozenset[str] = frozenset()
    hopeless: frozenset[str] = frozenset()


def span(episode: Episode) -> str:
    return f"from {episode.began:.3f} to {episode.ended:.3f}"


def sent_as(post: Post) -> str:
    kind = "firing" if post.is_firing else "resolved"
    taken = "taken" if post.taken else "not taken"
    return f"{kind} at {post.at:.3f}, {post.starts:.3f} to {post.ends:.3f}, {taken}"
