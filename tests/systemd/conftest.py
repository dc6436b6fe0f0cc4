"""A machine with the supervisor installed, booted once for all tests here."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import CACHE, CannotBuild, Machine, base, obstacle

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
PIP = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def wheels() -> Path:
    """Return a directory with all that the lock names: the machine has no network."""
    lock = ROOT / "requirements.lock"
    found = CACHE / f"wheels-{hashlib.sha256(lock.read_bytes()).hexdigest()[:8]}"
    if not found.exists():
        making = found.with_suffix(".making")
        options = ["--quiet", "--no-deps", "--require-hashes", "--dest", str(making)]
        pip = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(lock)]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
        making.rename(found)
    return found


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
