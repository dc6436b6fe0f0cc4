"""What `scripts/test` and `scripts/lint` run. Their Python only notes it here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parent.parent.parent

PYTHON = """#!/bin/sh
echo "$*" >>calls
case "$*" in *"${FAILS:-nothing}"*) echo "wrong here"; exit 1 ;; esac
"""
COMPILES = ("-m compileall", "-m pytest --collect-only", "-P -c")
VENV = """
[ "$2" != venv ] || { rm .venv/bin/python && cp "$0" .venv/bin/python; }
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

    def run(
        self, script: str, *arguments: str, fails: str = "", path: str = "", status: int = 0
    ) -> str:
        """Run a script; return what it prints."""
        path = path or f"{self.directory / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            [self.directory / "scripts" / script, *arguments],
            # In the world of another Python its environment has another name.
            env=os.environ | {"PATH": path, "FAILS": fails or "nothing", "SUPERVISOR_PYTHON": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def calls(self) -> list[str]:
        """Return what Python was called with, except to compile and to see whether it works."""
        lines = (self.directory / "calls").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if not line.startswith(COMPILES)]


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
    (tmp_path / "tests" / "test_lags.py").write_text("@pytest.mark.alone\n", encoding="utf-8")
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
    assert calls[-1] == "-m pytest -m alone tests/test_lags.py"


def test_no_test_runs_after_a_linter_has_found_something(project: Project) -> None:
    project.run("test", fails="flake8", status=1)

    assert set(project.calls()) == LINTERS


COMPILES_FOR_LONG = """#!/bin/sh
case "$*" in
    *--collect-only*) echo $$ >making && mv making compiling; exec sleep 300 ;;
    *mypy*) until [ -e compiling ]; do sleep 0.01; done; exit 1 ;;
esac
"""


def test_nothing_is_left_running_after_a_linter_has_found_something(project: Project) -> None:
    python = project.directory / ".venv" / "bin" / "python"
    python.write_text(COMPILES_FOR_LONG, encoding="utf-8")
    project.run("test", status=1)
    pid = int((project.directory / "compiling").read_text(encoding="utf-8"))

    assert not Path(f"/proc/{pid}").exists()


def test_what_each_linter_found_is_shown(project: Project) -> None:
    said = project.run("lint", fails="mypy", status=1)

    assert set(project.calls()) == LINTERS
    assert said == "mypy: wrong here\nscripts/lint: mypy found something\n"


HOOK = "from tests.support.all_skipped import pytest_sessionfinish\n"
SKIPPED = "import pytest\n\n@pytest.mark.skip\ndef test_skipped(): pass\n"
PASSES = "\ndef test_passes(): pass\n"


@pytest.mark.parametrize(("tests", "status"), [(SKIPPED, 1), (SKIPPED + PASSES, 0)])
def test_a_run_in_which_all_is_skipped_fails(tmp_path: Path, tests: str, status: int) -> None:
    (tmp_path / "conftest.py").write_text(HOOK, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(tests, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, tmp_path],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status, done.stdout
    assert ("every test was skipped, so this run fails" in done.stdout) is bool(status)


def test_an_environment_whose_python_is_gone_is_made_again(project: Project) -> None:
    python = project.directory / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    new = project.directory / "bin" / "python3"
    new.write_text(PYTHON + VENV, encoding="utf-8")
    new.chmod(0o755)
    (project.directory / "requirements.lock").touch()
    project.run("test", "tests/ledger")

    made, installed, tested = project.calls()
    assert made == "-m venv --clear .venv"
    assert installed.startswith("-m pip install ")
    assert tested == "-m pytest tests/ledger"


def test_a_user_who_may_not_install_is_told_what_root_can_do(project: Project) -> None:
    bin_ = project.directory / "bin"
    (bin_ / "dpkg-query").write_text("#!/bin/sh\n", encoding="utf-8")
    (bin_ / "id").write_text("#!/bin/sh\necho 1000\n", encoding="utf-8")
    (bin_ / "id").chmod(0o755)
    for name in ("bash", "dirname", "cmp", "sed", "tr", "env"):
        (bin_ / name).symlink_to(shutil.which(name) or "")
    said = project.run("test", "tests/ledger", path=str(bin_), status=1)

    assert "this user is not root and there is no sudo; let root run: apt-get install " in said


def test_an_unknown_world_is_refused_and_the_known_ones_are_named(project: Project) -> None:
    said = project.run("test", "--world", "mars", status=2)

    assert said.startswith("there is no world mars; there are bookworm, trixie, ")


def test_one_linter_looks_at_the_files_that_are_named(project: Project) -> None:
    project.run("lint", "ruff", "supervisor/api.py", "checks/disk.py")

    assert project.calls() == ["-m ruff check supervisor/api.py checks/disk.py"]


def test_the_hooks_of_commits_call_a_linter_each() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    called = [line.split()[1:] for line in text.splitlines() if "entry:" in line]

    assert called == [["scripts/lint", each] for each in ("format", "ruff", "flake8", "mypy")]
