"""Text as man(7) has it: the macros of manual pages, and what must be escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def escaped(text: str) -> str:
    """Return text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    text = text.replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{text}" if text.startswith(".") else text


def section(title: str) -> Iterator[str]:
    """Yield the head of a section."""
    yield f'.SH "{escaped(title.upper())}"'


def subsection(title: str) -> Iterator[str]:
    """Yield the head of a part of a section."""
    yield f'.SS "{escaped(title)}"'


def paragraph(text: str) -> Iterator[str]:
    """Yield a paragraph. Words between ` are bold."""
    yield ".PP"
    yield inline(text)


def inline(text: str) -> str:
    """Return text in which words between ` are bold."""
    parts = (
        f"\\fB{escaped(part)}\\fR" if number % 2 else escaped(part)
        for number, part in enumerate(" ".join(text.split()).split("`"))
    )
    line = "".join(parts)
    return f"\\&{line}" if line.startswith(".") else line


def item(term: str, text: str, value: str = "") -> Iterator[str]:
    """Yield a term in bold, with a value in italics, and what it means."""
    yield ".TP"
    yield f"\\fB{escaped(term)}\\fR" + (f" \\fI{escaped(value)}\\fR" if value else "")
    yield inline(text) or "\\&"


def example(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that stay as they are."""
    yield ".PP"
    yield ".RS 4"
    yield ".nf"
    yield from map(escaped, lines)
    yield ".fi"
    yield ".RE"


def page(name: str, number: int, version: str, lines: Iterable[str]) -> str:
    """Return a whole page."""
    head = f'.TH "{escaped(name.upper())}" "{number}" "" "{name} {version}" ""'
    # Neither hyphenated nor adjusted: keys and commands stay as they are.
    return "\n".join([f'.\\" Made by: {name} manual', head, ".nh", ".ad l", *lines]) + "\n"
