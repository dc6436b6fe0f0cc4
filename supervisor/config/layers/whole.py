"""Reads a service file with all that belongs to it. Whoever needs its values calls this."""

from __future__ import annotations

from pathlib import Path

from supervisor.config.files import read
from supervisor.config.layers.effective import EXTENDS, VARS, Effective, fragments_of
from supervisor.config.problems import ParamsOf


def read_whole(path: Path, params_of: ParamsOf) -> Effective:
    """Return what a service file says, with the files that it extends and its fragments.

    Raises `ConfigError` for a file that cannot be read. What is wrong between files that can be
    read is among the `faults`.
    """
    source = read(path)
    if not {EXTENDS, VARS} & source.table.keys() and not fragments_of(path).exists():
        return Effective.alone(source)
    from supervisor.config.layers.compose import compose  # few files have others

    return compose(source, params_of)
