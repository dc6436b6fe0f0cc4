"""Checks a converted file as `validate` does, before it is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from supervisor import config
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.mapping.journal import Journal
from supervisor.errors import ConfigError, Problem
from supervisor.modules.loader import load_check


def problems(name: str, text: str, journal: Journal) -> list[Fault]:
    """Return what is wrong with the text of a service file, at the lines that it came from."""
    with tempfile.TemporaryDirectory(prefix="convert-") as directory:
        path = Path(directory, f"{name}.toml")
        path.write_text(text, encoding="utf-8")
        try:
            load_service(path, lambda check: load_check(check).params)
        except ConfigError as error:
            return [_fault(problem, journal) for problem in error.problems]
    return []


def _fault(problem: Problem, journal: Journal) -> Fault:
    wrong = f"becomes {problem.key}, which {problem.wrong}" if problem.key else problem.wrong
    return Fault(journal.line_of(problem.key), wrong, problem.remedy)
