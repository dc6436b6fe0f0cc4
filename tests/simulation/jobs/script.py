"""The jobs of a simulated host, and what they do. Times are true, since the start of a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from attrs import evolve, frozen

MODULE = "jobs"
"""The name of the module, and of its check."""


@frozen
class ScriptedJob:
    """A job, as the service file says it."""

    name: str

    at: tuple[str, ...] = ()
    """Times of the day at which a success is due."""

    every: float | None = None
    """Seconds from one success to the next."""

    grace: float = 1800.0
    """Seconds for which a success may be late."""


@frozen
class Act:
    """Something that a job does, or that befalls it."""

    at: float
    """When. A host that is suspended then is late."""

    job: str

    kind: str
    """The name of a method of `Reporter`."""

    run: str = ""
    """Names the run, in hexadecimal. Empty: it is reported by hand."""

    exit: int = 0
    """The exit code of an end."""

    signal: int = 0
    """The signal that has ended it, or 0."""


@frozen
class Jobs:
    """The module with the check `jobs`, and all that its jobs do."""

    every: float
    """Seconds between two runs of the module. A report makes it run at once."""

    jobs: tuple[ScriptedJob, ...]

    acts: tuple[Act, ...] = ()
    """In the order of time."""

    enabled: bool = True
    """Whether the module runs. A reload may change that."""

    def only(self, jobs: Iterable[ScriptedJob]) -> Self:
        """Return some of them, and what these do."""
        left = tuple(jobs)
        names = {job.name for job in left}
        acts = (act for act in self.acts if act.job in names)
        return evolve(self, jobs=left, acts=tuple(acts))

    def after(self, cut: float) -> Self:
        """Return them without what they do in the first seconds."""
        acts = (evolve(act, at=act.at - cut) for act in self.acts if act.at >= cut)
        return evolve(self, acts=tuple(acts))
