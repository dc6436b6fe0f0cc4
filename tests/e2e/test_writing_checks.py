"""The package of docs/how-to/write-a-check.md: built, installed, tested and run.

All of it is offline: the new environment borrows the dependencies of this one, but has a
supervisor and a check of its own, installed from their wheels.
"""

from __future__ import annotations

import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from attrs import frozen

from tests.e2e.servers import ROOT

PAGE = (ROOT / "docs" / "how-to" / "write-a-check.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.M | re.S))
WHEEL = "spool_check-1.0-py3-none-any.whl"


@frozen
class Environment:
    """A fresh virtual environment, and the directory of the package."""

    directory: Path
    package: Path

    @property
    def python(self) -> str:
        return str(self.directory / "bin" / "python")

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command in the package's directory and return what it prints."""
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        kept = {name: os.environ[name] for name in os.environ if not name.startswith("PYT")}
        done = subprocess.run(
            command,
            cwd=self.package,
            env=kept | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        assert (done.returncode, command) == (status, command), done.stdout
        return done.stdout

    def pip(self, *arguments: str) -> None:
        offline = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
        self.run(sys.executable, "-m", "pip", *arguments, *offline)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    top = tmp_path_factory.mktemp("writing")
    made = Environment(top / "venv", top / "spool-check")
    made.package.mkdir()
    for name, text in FILES.items():
        (made.package / name).write_text(text, encoding="utf-8")
    venv.create(made.directory, symlinks=True)
    (packages,) = made.directory.glob("lib/python3*/site-packages")
    borrowed = [each for each in site.getsitepackages() if os.path.isdir(each)]
    (packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    built = str(top / "dist")
    made.pip("wheel", "--no-build-isolation", f"--wheel-dir={built}", ".", str(ROOT))
    wheels = sorted(map(str, (top / "dist").iterdir()))
    assert WHEEL in map(os.path.basename, wheels)
    made.pip("--python", made.python, "install", *wheels)
    return made


def session() -> list[tuple[str, str]]:
    """Return each command that the page shows being typed, with what it shows it to print."""
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S)
    commands = block.split("$ ")[1:]
    return [(command, output) for command, _, output in (one.partition("\n") for one in commands)]


def shape(output: str) -> list[str]:
    """Return the lines that are printed, whatever the time that something took."""
    # pytest adds the minutes if it takes more than one.
    times = re.sub(r"\d+\.\d\d ?s(?: \(\d:\d\d:\d\d\))?", "0.00 s", output)
    return [line.rstrip() for line in times.splitlines() if line.strip()]


def test_the_page_shows_every_file_of_the_package() -> None:
    assert [*FILES] == ["pyproject.toml", "spool_check.py", "test_spool_check.py", "Spool.toml"]
    assert WHEEL in PAGE


def test_what_the_page_shows_being_typed_prints_what_it_shows(environment: Environment) -> None:
    shown = session()
    printed = [
        (command, environment.run("sh", "-c", command, status=int("2 jobs wait" in output)))
        for command, output in shown
    ]

    assert [(command, shape(output)) for command, output in shown] == [
        (command, shape(output)) for command, output in printed
    ]


def test_the_supervisor_of_the_new_environment_lists_the_check(environment: Environment) -> None:
    listed = environment.run("python", "-m", "supervisor", "checks")
    whose = environment.run("python", "-c", "import supervisor; print(supervisor.__file__)")

    line = "Watches a spool directory: how many jobs wait, and whether the next one moves."
    assert f"spool {line}" in [" ".join(row.split()) for row in listed.splitlines()]
    assert str(environment.directory) in whose


def test_the_check_fires_and_fails_in_the_supervisor(environment: Environment) -> None:
    once = ("python", "-m", "supervisor", "once", "--json", "--config-dir=.", "--service=Spool")
    jobs = environment.package / "jobs"
    jobs.mkdir(exist_ok=True)
    for name in ("a", "b"):
        (jobs / name).touch()
    (full,) = json.loads(environment.run(*once, status=1))
    for job in jobs.iterdir():
        job.unlink()
    (fine,) = json.loads(environment.run(*once))
    jobs.rmdir()
    (failed,) = json.loads(environment.run(*once, status=3))

    assert (full["check"], full["conditions"][0]["alertname"]) == ("spool", "Spool full")
    assert [(item["name"], item["value"]) for item in fine["measurements"]] == [("spool_jobs", 0)]
    assert failed["error"] == "cannot list jobs: No such file or directory"


def test_a_wrong_parameter_is_refused_with_file_key_and_remedy(environment: Environment) -> None:
    wrong = environment.package / "Wrong.toml"
    wrong.write_text(FILES["Spool.toml"].replace("most = 1", "most = -1"), encoding="utf-8")
    said = environment.run(
        *("python", "-m", "supervisor", "validate", "--config-dir=.", "--service=Wrong"), status=78
    )
    wrong.unlink()

    assert said == (
        "Wrong.toml:8: module 'spool': most: -1 is not a number of jobs; write 0 or more\n"
    )


def test_the_files_are_clean_for_a_linter_and_a_type_checker(environment: Environment) -> None:
    config = f"--config={ROOT / 'pyproject.toml'}"
    environment.run("python", "-m", "ruff", "check", "--no-cache", config, "--ignore=S101", ".")
    environment.run("python", "-m", "ruff", "format", "--check", "--no-cache", config, ".")
    environment.run("python", "-m", "mypy", "--strict", "spool_check.py", "test_spool_check.py")
