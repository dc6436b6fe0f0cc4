"""What `doctor` finds: what is wrong, and how to correct it."""

from __future__ import annotations

from attrs import frozen


@frozen
class Finding:
    """One problem."""

    what: str
    """What is wrong."""

    remedy: str
    """How to correct it."""

    serious: bool = True
    """Alerts may not be notified as promised."""

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


@frozen
class Examination:
    """What was found on one subject."""

    subject: str
    """What was looked at, such as "Alertmanager http://…"."""

    good: tuple[str, ...] = ()
    """What is in order."""

    findings: tuple[Finding, ...] = ()
    """The problems."""
