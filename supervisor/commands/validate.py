"""The command `validate`: check the service file and print all of its problems."""

from __future__ import annotations

import argparse

from supervisor.commands.options import load_service_file
from supervisor.text import counted


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments of its own."""


def run(options: argparse.Namespace) -> int:
    """Return 0. Raises `ConfigError` with every problem."""
    service = load_service_file(options)
    print(f"{service.path}: ok, {counted(len(service.modules), 'module')}")
    return 0
