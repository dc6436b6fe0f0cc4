"""What `scripts/test` and `scripts/lint` run. Their Python only notes it here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parent.parent.parent

PYTHON = """#!/bin/sh
echo "$*" >>calls
case "$*" in *"${FAILS:-nothing}"*) echo "wrong here"; exit 1 ;; esac
"""
DPKG = """#!/bin/sh
shift 2
for package; do echo "installed $package"; done
"""
LINTERS = {
    "-m ruff format --check .",
    "-m ruff check .",
    "-m flake8 --select=ASYNC1,ASYNC2 --ignore=ASYNC124,ASYNC127 supervisor/waits.py",
    "-m mypy",
}


@frozen
class Project:
    """A directory with the scripts, whose environment is set up already."""

    directory: Path

    def run(self, script: str, *arguments: str, fails: str = "", status: int = 0) -> str:
        """Run a script; return what it prints."""
        bin_ = self.directory / "bin"
        done = subprocess.run(
            [self.directory / "scripts" / script, *arguments],
            env=os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}", "FAILS": fails or "nothing"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def calls(self) -> list[str]:
        """Return what Python was called with, except to compile."""
        lines = (self.directory / "calls").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if not line.startswith("-m compileall")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    programs = {"bin/dpkg-query": DPKG, "bin/apt-get": "#!/bin/sh\necho apt >>calls\n"}
    for name, text in ({".venv/bin/python": PYTHON} | programs).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    for name in ("requirements-dev.lock", ".venv/requirements-dev.lock"):
        (tmp_path / name).touch()
    for name in ("supervisor", "checks", "tests", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adds.py").write_text("def add(): ...\n", encoding="utf-8")
    (tmp_path / "supervisor" / "waits.py").write_text("async def wait(): ...\n", encoding="utf-8")
    return Project(tmp_path)


def test_named_tests_run_alone(project: Project) -> None:
    project.run("test", "tests/ledger", "-k", "full disk")

    assert project.calls() == ["-m pytest tests/ledger -k full disk"]


def test_without_names_the_linters_run_and_then_all_tests(project: Project) -> None:
    project.run("test")
    calls = project.calls()

    assert set(calls[:4]) == LINTERS
    assert len(calls) > 4
    assert all(call.startswith("-m pytest ") for call in calls[4:])


def test_no_test_runs_after_a_linter_has_found_something(project: Project) -> None:
    project.run("test", fails="flake8", status=1)

    assert set(project.calls()) == LINTERS


def test_what_each_linter_found_is_shown(project: Project) -> None:
    said = project.run("lint", fails="mypy", status=1)

    assert set(project.calls()) == LINTERS
    assert said == "mypy: wrong here\nscripts/lint: mypy found something\n"


def test_one_linter_looks_at_the_files_that_are_named(project: Project) -> None:
    project.run("lint", "ruff", "supervisor/api.py", "checks/disk.py")

    assert project.calls() == ["-m ruff check supervisor/api.py checks/disk.py"]


def test_the_hooks_of_commits_call_a_linter_each() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    called = [line.split()[1:] for line in text.splitlines() if "entry:" in line]

    assert called == [["scripts/lint", each] for each in ("format", "ruff", "flake8", "mypy")]
