"""What `doctor` says: something that is not as it should be, and what would make it so."""

from __future__ import annotations

from attrs import frozen


@frozen
class Finding:
    """One line of `doctor`; a serious one means that alerts may not be notified as promised."""

    what: str
    remedy: str
    serious: bool = True

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


@frozen
class Section:
    """What was found on one subject: what is as it should be, and what is not."""

    subject: str
    good: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
