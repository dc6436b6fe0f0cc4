"""The events of libyaml, the parser under Ruby's Psych, as PyYAML hands them over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

import yaml
from yaml._yaml import Mark as CMark
from yaml.error import Mark as PythonMark

Mark: TypeAlias = CMark | PythonMark
"""A place in the text; its line, column and index count from 0."""


def parse(text: str) -> Iterator[yaml.Event]:
    """Yield the events of a text; raises `YAMLError` at the place where the text is not YAML."""
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CLoader)
    return events


def start(event: yaml.Event) -> Mark:
    """Return where an event begins."""
    return cast(Mark, event.start_mark)  # libyaml marks each event


def end(event: yaml.Event) -> Mark:
    """Return where an event ends."""
    return cast(Mark, event.end_mark)


def line(event: yaml.Event) -> int:
    """Return the line on which an event begins, counted from 1."""
    return start(event).line + 1
