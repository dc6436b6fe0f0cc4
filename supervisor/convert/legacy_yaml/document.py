"""Reads the first YAML document of a text into nodes, as Ruby's `YAML.unsafe_load` reads it.

`events` parses the text, `NodeBuilder` makes nodes of the events, and `comments` finds what is
between them.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from attrs import frozen

from supervisor.convert.legacy_yaml import comments, events
from supervisor.convert.legacy_yaml.builder import NodeBuilder
from supervisor.convert.legacy_yaml.comments import Comment
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Node, Pair

_RUBY = "correct it; `ruby -ryaml -e 'YAML.unsafe_load_file(ARGV[0])' FILE` must read it"
"""What to do about a text that is not YAML."""


@frozen
class Document:
    """The first document of a text, and what was odd around it."""

    root: Node
    """The value that the document holds."""

    others: int
    """The line on which a second document begins; 0 if there is none."""

    comments: tuple[Comment, ...]
    """The comments up to the second document."""

    doubled: tuple[Pair, ...]
    """Pairs whose key stands in the same mapping before."""

    faults: tuple[Fault, ...] = ()
    """What is wrong with single values. The rest could be read."""


def read(text: str) -> Document:
    """Return the first document. Raises `Fault` for a text that cannot be read to its end."""
    parsed = events.parse(text)
    builder = NodeBuilder(parsed)
    try:
        next(parsed)  # the start of the stream
        if isinstance(next(parsed), yaml.StreamEndEvent):
            raise Fault(1, "is empty", "give it ServiceName, Alertmanager and Modules")
        root = builder.build(next(parsed))
        next(parsed)  # the end of the document
    except yaml.YAMLError as error:
        raise _syntax_fault(error, text) from None
    others = _second_document(parsed)
    found = comments.find(text, builder.scalars)
    kept = tuple(comment for comment in found if not others or comment.line < others)
    return Document(
        root=root,
        others=others,
        comments=kept,
        doubled=tuple(builder.doubled),
        faults=tuple(builder.faults),
    )


def _second_document(parsed: Iterator[yaml.Event]) -> int:
    """Return the line of what follows the first document, 0 for nothing: Psych stops there."""
    try:
        event = next(parsed)
    except yaml.YAMLError as error:
        return _line(error)
    return 0 if isinstance(event, yaml.StreamEndEvent) else events.line(event)


def _line(error: yaml.YAMLError) -> int:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return 1 if mark is None else mark.line + 1


def _syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    line = _line(error)
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(line, "is not YAML", _RUBY)  # its text may quote a password
    problem, mark = error.problem or "", error.problem_mark
    if "a tab" in problem or (mark is not None and text[mark.index : mark.index + 1] == "\t"):
        return Fault(line, "is indented with a tab", "indent with spaces")
    if "mapping values are not allowed" in problem:
        return Fault(line, "has a ': ' too many", "put a text with ': ' in quotes")
    if problem in ("did not find expected key", "did not find expected '-' indicator"):
        return Fault(line, "is indented otherwise than what it belongs to", "indent alike")
    return Fault(line, f"is not YAML: {problem}", _RUBY)
