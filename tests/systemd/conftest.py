"""A machine with the supervisor installed, booted once for all tests here."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from platform import machine as machine_type

import pytest

from tests.systemd.machine import CACHE, SUITE, CannotBuild, Machine, base, obstacle

ROOT = Path(__file__).parent.parent.parent
PARTS = (
    "LICENSE",
    "README.md",
    "checks",
    "configs",
    "docs",
    "pyproject.toml",
    "requirements.lock",
    "scripts",
    "supervisor",
)
MANYLINUX = ("2014", "_2_28", "_2_34")
"""The kinds of wheels that fit Debian 12 and later."""

PIP = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def wheels(suite: str = SUITE) -> Path:
    """Return a directory with all that the lock names, for the Python of a machine.

    The machine has no network.
    """
    lock = ROOT / "requirements.lock"
    python = python_of(base(suite))
    digest = hashlib.sha256(f"{python} {machine_type()} {lock.read_text()}".encode()).hexdigest()
    found = CACHE / f"wheels-{digest[:8]}"
    if not found.exists():
        making = found.with_suffix(".making")
        options = ["--quiet", "--no-deps", "--require-hashes", "--dest", str(making)]
        options += ["--only-binary=:all:", f"--python-version={python}"]
        options += [f"--platform=manylinux{each}_{machine_type()}" for each in MANYLINUX]
        pip = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(lock)]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
        making.rename(found)
    return found


def python_of(root: Path) -> str:
    """Return the version of the Python in a root file system, such as 3.13."""
    return (root / "usr/bin/python3").readlink().name.removeprefix("python")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project as it is now, so that work on it disturbs no test."""
    copy = tmp_path_factory.mktemp("project")
    copy.chmod(0o755)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / name)
    return copy


@pytest.fixture(scope="session")
def machine(project: Path) -> Iterator[Machine]:
    if found := obstacle():
        pytest.skip(found)
    try:
        base()
    except CannotBuild as error:
        pytest.skip(f"cannot build a Debian: {error}")
    booted = Machine()
    try:
        booted.boot(f"--bind-ro={project}:/srv/project", f"--bind-ro={wheels()}:/srv/wheels")
        booted.run("/srv/project/scripts/install", PIP, timeout=300)
        yield booted
    finally:
        booted.down()
