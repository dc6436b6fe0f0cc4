"""One Ruby process that answers many questions: a JSON string in, a JSON object out."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.convert.legacy_yaml import document, encoding
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Sequence
from supervisor.convert.legacy_yaml.psych import Symbol
from supervisor.convert.legacy_yaml.psych_time import Date, Time

HERE = Path(__file__).parent
"""Where the Ruby scripts are."""

SEOUL = ZoneInfo("Asia/Seoul")
"""The zone in which Ruby runs."""


@frozen
class Ruby:
    """A running script."""

    process: subprocess.Popen[str]
    """Its process."""

    def ask(self, question: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def running(script: str) -> Iterator[Ruby]:
    with subprocess.Popen(
        ["ruby", HERE / script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "TZ": SEOUL.key, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    ) as process:
        yield Ruby(process)
        assert process.stdin is not None
        process.stdin.close()


def read(text: str) -> Any:
    """Return the document as `psych.rb` describes it, or the first fault."""
    try:
        found = document.read(encoding.decode(text.encode()).text)
    except Fault as fault:
        return fault
    return found.faults[0] if found.faults else described(found.root)


def described(node: Node) -> list[Any]:
    match node:
        case Sequence():
            return ["seq", [described(item) for item in node.items]]
        case Mapping():
            return [
                "map",
                [[described(pair.key), described(pair.value)] for pair in node.pairs.values()],
            ]
    value = node.value
    match value:
        case None:
            return ["nil"]
        case bool():
            return ["bool", value]
        case int():
            return ["int", str(value)]
        case float():
            return ["float", struct.pack(">d", value).hex()]
        case Symbol(name=name):
            return ["sym", name]
        case Date(text=text):
            return ["date", text]
        case Time():
            return ["time", value.shown(SEOUL)]
    return ["str", value]
