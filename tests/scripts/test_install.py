"""`scripts/install --with` and `--python`: packages and Python go along from release to release.

The project is a small one without dependencies, so that nothing is fetched. Under systemd, with all
of them, tests/systemd installs.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from attrs import frozen

pytestmark = pytest.mark.timeout(400)  # it makes three virtual environments

ROOT = Path(__file__).parent.parent.parent
LIST = """
from importlib.metadata import entry_points
print(*sorted(each.name + each.dist.version for each in entry_points(group="supervisor.checks")))
"""


@frozen
class Host:
    """A directory in which releases are installed."""

    root: Path
    project: Path

    def install(self, *options: str | Path, status: int = 0) -> str:
        """Run the installer; return what it prints."""
        script = self.project / "scripts" / "install"
        done = subprocess.run(
            ["bash", script, "--root", self.root, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def upgrade(self, version: str) -> None:
        """Let the project be of another version."""
        text = f'__version__ = "{version}"\n'
        (self.project / "supervisor" / "__init__.py").write_text(text, encoding="utf-8")
        (self.project / "supervisor" / "__main__.py").touch()  # writes man pages and completion

    def packages(self) -> tuple[str, str]:
        """Return the version that is installed, and the checks of packages in it."""
        opt = self.root / "opt" / "supervisor"
        (python,) = opt.glob("current/venv/bin/python")
        found = subprocess.run([python, "-c", LIST], check=True, capture_output=True, text=True)
        release = (opt / "current").readlink().name
        return release.partition("-")[0], found.stdout.strip()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    (project / "scripts" / "install").write_bytes((ROOT / "scripts" / "install").read_bytes())
    for name in ("supervisor", "checks", "docs", "configs/systemd"):
        (project / name).mkdir(parents=True)
    units = ("configs/systemd/supervisor@.service", "configs/systemd/back-off.conf")
    for name in (*units, "configs/Demo.toml", "requirements.lock"):
        (project / name).touch()
    made = Host(tmp_path / "root", project)
    made.upgrade("1.0.0")
    return made


def wheel(directory: Path, name: str, version: str, needs: str = "") -> Path:
    """Write a wheel whose package has a check of its name."""
    path, info = directory / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[supervisor.checks]\n{name}={name}\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


def test_packages_go_along_in_an_upgrade(host: Host, tmp_path: Path) -> None:
    host.install("--with", wheel(tmp_path, "spool", "1.0"), wheel(tmp_path, "tape_deck", "2.0"))
    first = host.packages()
    for each in tmp_path.glob("*.whl"):
        each.unlink()
    host.upgrade("1.0.1")
    host.install()

    assert first == ("1.0.0", "spool1.0 tape_deck2.0")
    assert host.packages() == ("1.0.1", "spool1.0 tape_deck2.0")


def test_a_package_is_replaced_by_its_next_version_and_dropped_by_its_name(
    host: Host, tmp_path: Path
) -> None:
    kept = host.root / "opt" / "supervisor" / "packages"
    kept.mkdir(parents=True)
    old, tape = wheel(kept, "spool", "1.0"), wheel(kept, "tape_deck", "2.0")
    new = wheel(tmp_path, "spool", "1.1")
    replaced = host.install("--dry-run", "--with", new)
    dropped = host.install("--dry-run", "--without", "Tape-Deck")

    assert f"--no-index {tape} {new}\n" in replaced
    assert f"+ rm {old}\n" in replaced
    assert f"--no-index {old}\n" in dropped
    assert f"+ rm {tape}\n" in dropped


def test_a_package_that_cannot_be_installed_is_not_remembered(host: Host, tmp_path: Path) -> None:
    said = host.install("--with", wheel(tmp_path, "tape", "1.0", needs="nowhere"), status=1)

    assert "nowhere" in said
    assert not (host.root / "opt" / "supervisor" / "packages").exists()
    assert not (host.root / "opt" / "supervisor" / "current").exists()


def test_a_dry_run_says_what_would_be_installed(host: Host, tmp_path: Path) -> None:
    path = wheel(tmp_path, "spool", "1.0")
    said = host.install("--dry-run", "--with", path)

    assert f"--no-index {path}" in said
    assert f"+ install -D -m 644 {path} {host.root}/opt/supervisor/packages/{path.name}" in said
    assert not host.root.exists()


@pytest.mark.parametrize("given", [[], ["--dry-run"], ["spool.tar.gz"], ["/missing/a-1.whl"]])
def test_what_is_not_a_wheel_is_refused(host: Host, given: list[str]) -> None:
    host.install("--with", *given, status=1)

    assert not host.root.exists()


def python_that(directory: Path, name: str, does: str) -> Path:
    """Write a program in the place of a Python."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_python_that_cannot_be_used_is_refused_with_the_way_out(
    host: Host, tmp_path: Path
) -> None:
    old = python_that(tmp_path, "python3.9", "exit 1")
    bare = python_that(tmp_path, "python3.12", 'case "$*" in *ensurepip*) exit 1 ;; esac')
    missing = host.install("--python", "/nowhere/python3.12", status=1)
    too_old = host.install("--python", old, status=1)
    without_venv = host.install("--python", bare, status=1)

    assert "cannot install: there is no /nowhere/python3.12; " in missing
    assert f"{old} is not a Python of version 3.11 or newer; " in too_old
    assert "--python /usr" in too_old
    assert f"{bare} has no venv; " in without_venv
    assert not host.root.exists()


def test_the_python_that_was_given_is_used_again(host: Host) -> None:
    real = Path(sys.executable).resolve()
    opt = host.root / "opt" / "supervisor"
    host.install("--python", sys.executable)
    first = (opt / "current" / "venv" / "bin" / "python").resolve()
    again = host.install()
    kept = (opt / "python").read_text(encoding="utf-8")

    assert first == real
    assert kept == f"{sys.executable}\n"
    assert "is there already" in again
    assert (opt / "current").readlink().name.endswith(f"-py3.{sys.version_info.minor}")


def test_a_release_whose_python_is_gone_is_made_again(host: Host) -> None:
    opt = host.root / "opt" / "supervisor"
    host.install()
    host.upgrade("1.0.1")
    host.install()
    for link in ("previous", "current"):
        python = opt / link / "venv" / "bin" / "python"
        python.unlink()
        python.symlink_to("/nowhere/python3.11")
    back = host.install("--rollback", status=1)
    said = host.install()

    assert "cannot run: the Python that it was made with is gone" in back
    assert "is there already" not in said
    assert host.packages()[0] == "1.0.1"
