#!/usr/bin/env python3
"""Turns configuration files of the legacy agent into service files; see --help."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

NEEDED = {
    "attrs": "attrs",
    "cattrs": "cattrs",
    "tomli_w": "tomli-w",
    "yaml._yaml": "pyyaml with libyaml",
}
"""The modules that the converter imports, and the package that each is in."""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def main() -> int:
    """Run the converter, from wherever it is started."""
    sys.path.insert(0, str(ROOT))
    missing = sorted(package for module, package in NEEDED.items() if not _is_installed(module))
    if missing:
        print(
            f"cannot convert: {', '.join(missing)} is not installed; run: "
            f"{sys.executable} -m pip install '{ROOT}', or use {ROOT}/.venv/bin/python",
            file=sys.stderr,
        )
        return 1
    from supervisor.host import inherited

    inherited.put_right()
    from supervisor.convert.command import main as convert

    return convert()


if __name__ == "__main__":
    sys.exit(main())
