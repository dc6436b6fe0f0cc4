"""What is wrong in a legacy file, and where."""

from __future__ import annotations


class Fault(Exception):
    """One thing that cannot be converted; its texts never hold a value that may be secret."""

    def __init__(self, line: int, wrong: str, remedy: str) -> None:
        self.line = line
        """Where it is, counted from 1."""

        self.wrong = wrong
        """What is wrong, as the end of a sentence that begins with the file."""

        self.remedy = remedy
        """What to do about it."""

        super().__init__(line, wrong, remedy)


class Unreadable(ValueError):
    """A scalar that Ruby itself fails to read, or that is beyond what is supported here."""
