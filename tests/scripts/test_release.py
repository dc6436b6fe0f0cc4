"""`scripts/release` in a repository of its own, which holds this project as it is now."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parent.parent.parent
PARTS = (
    *(".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"),
    *("checks", "configs", "docs", "scripts", "supervisor", "tests/ledger/data"),
)
LOCKS = ("requirements.lock", "requirements-dev.lock")
CHANGES = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A word.\n\n## 0.0.1\n\n- All.\n"


@frozen
class Repository:
    """The repository, and what is run in it."""

    directory: Path

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command; return what it prints."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def release(self, *arguments: str, status: int = 0) -> str:
        return self.run("scripts/release", *arguments, status=status)

    def write(self, name: str, text: str) -> None:
        """Write a file and commit it."""
        (self.directory / name).write_text(text, encoding="utf-8")
        self.run("git", "add", name)
        self.run("git", "commit", "-q", "-m", f"Write {name}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "project")
    bin_ = made.directory / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (bin_ / "python").chmod(0o755)
    for name in LOCKS:  # so that nothing is installed
        shutil.copy(ROOT / name, made.directory)
        shutil.copy(ROOT / name, made.directory / ".venv")
    for name in PARTS:
        source, target = ROOT / name, made.directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    made.run("git", "init", "-q")
    for key, value in (("user.name", "Test"), ("user.email", "test@example.invalid")):
        made.run("git", "config", key, value)
    (made.directory / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    made.run("git", "add", ".")
    made.run("git", "commit", "-q", "-m", "Begin")
    return made


def test_a_dry_run_builds_all_and_changes_nothing(repository: Repository) -> None:
    before = repository.run("git", "for-each-ref"), repository.run("git", "status", "--porcelain")
    said = repository.release("7.0.0")

    assert "alertmanager_supervisor-7.0.0-py3-none-any.whl" in said
    assert "alertmanager_supervisor-7.0.0.tar.gz" in said
    assert "this was a dry run" in said
    assert before == (
        repository.run("git", "for-each-ref"),
        repository.run("git", "status", "--porcelain"),
    )
    assert not (repository.directory / "dist").exists()


def test_a_release_is_a_commit_a_tag_a_wheel_and_an_sdist(repository: Repository) -> None:
    repository.release("7.0.0", "--make", "--no-tests", "--no-debs")
    wheel = repository.directory / "dist" / "alertmanager_supervisor-7.0.0-py3-none-any.whl"
    changelog = (repository.directory / "CHANGELOG.md").read_text(encoding="utf-8")

    assert repository.run("git", "status", "--porcelain") == ""
    assert repository.run("git", "log", "--format=%s").splitlines()[0] == "Release 7.0.0"
    assert repository.run("git", "rev-parse", "HEAD") == repository.run(
        "git", "rev-parse", "v7.0.0^{commit}"
    )
    assert "- A word." in repository.run("git", "tag", "-l", "--format=%(contents)", "v7.0.0")
    assert "## Unreleased\n\n## 7.0.0 (2" in changelog
    with zipfile.ZipFile(wheel) as archive:
        assert b'"7.0.0"' in archive.read("supervisor/__init__.py")
    assert wheel.with_name("alertmanager_supervisor-7.0.0.tar.gz").exists()
    said = repository.release("7.0.0", status=1)
    assert said == "cannot release: the tag v7.0.0 is there already\n"


def test_what_stands_in_the_way_of_a_release_is_named(repository: Repository) -> None:
    def refused(version: str) -> str:
        return repository.release(version, status=1).removeprefix("cannot release: ")

    assert refused("7.0") == "7.0 is not a version; write for example 1.2.3\n"
    assert refused("0.0.2").startswith("0.0.2 is older than ")
    repository.write("CHANGELOG.md", CHANGES.replace("- A word.\n", ""))
    assert refused("7.0.0").startswith("CHANGELOG.md says nothing under Unreleased")
    repository.write("CHANGELOG.md", CHANGES.replace("Added", "Mended"))
    assert "there may only be Added, Changed and Fixed" in refused("7.0.0")
    repository.write("CHANGELOG.md", CHANGES)
    (repository.directory / "new").touch()
    assert refused("7.0.0").endswith("\n?? new\n")
    (repository.directory / "new").unlink()
    shutil.rmtree(repository.directory / "tests")
    repository.run("git", "commit", "-q", "-a", "-m", "Forget the old formats")
    assert "python -m tests.ledger.data.make" in refused("7.0.0")
