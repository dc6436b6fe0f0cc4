"""Checks a converted file as `validate` does, before it is written."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from supervisor.config.load import load_service
from supervisor.errors import ConfigError, Problem
from supervisor.modules.loader import load_check


def problems(name: str, text: str) -> Sequence[Problem]:
    """Return what is wrong with the text of a service file."""
    with tempfile.TemporaryDirectory(prefix="convert-") as directory:
        path = Path(directory, f"{name}.toml")
        path.write_text(text, encoding="utf-8")
        try:
            load_service(path, lambda check: load_check(check).params)
        except ConfigError as error:
            return error.problems
    return ()
