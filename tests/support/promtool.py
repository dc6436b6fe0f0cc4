"""Prometheus' own judgement of an exposition."""

from __future__ import annotations

import subprocess


def promtool_complaints(text: str) -> str:
    """Return what `promtool check metrics` says about the text; empty if it is sound."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=30,
    )
    assert checked.stdout or checked.returncode == 0
    return checked.stdout
