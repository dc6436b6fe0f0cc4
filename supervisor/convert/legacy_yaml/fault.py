"""What is wrong in a legacy file, and where."""

from __future__ import annotations


class Fault(Exception):
    """One thing that cannot be converted; the texts never hold a value that may be secret."""

    def __init__(self, line: int, wrong: str, remedy: str) -> None:
        self.line = line
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(line, wrong, remedy)
