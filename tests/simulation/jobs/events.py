"""What happens with the jobs of a simulated host."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class JobActed:
    """A job has done something, and its report is in the spool if it made one."""

    job: str
    at: float
    """True Unix seconds."""
    clock: float
    """Unix seconds, as the host saw them."""
    kind: str
    """The kind of its act."""
    run: str
    is_success: bool = False


@frozen
class JobsBegan:
    """A run of the check `jobs` has begun."""

    life: int
    at: float
    clock: float
    """Unix seconds, as the host saw them."""


@frozen
class JobsSeen:
    """What such a run has returned."""

    life: int
    at: float
    successes: Mapping[str, int]
    """By job: the ends that it has counted."""
    failures: Mapping[str, int]
    conditions: tuple[tuple[str, str], ...]
    """Alertname and job, sorted."""
