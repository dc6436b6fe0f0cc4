"""`scripts/package`, as far as it needs no network. tests/systemd installs the Debian packages."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.scripts.test_release import ROOT, Repository, repository

__all__ = ["repository"]  # a fixture
DEBIAN = ROOT / "scripts" / "debian"
MAINTAINER_SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def test_the_same_commit_gives_the_same_files_with_complete_metadata(
    repository: Repository, tmp_path: Path
) -> None:
    for out in ("first", "second"):
        repository.run("scripts/package", "wheel", "--out", str(tmp_path / out))
    first, second = (sorted((tmp_path / out).iterdir()) for out in ("first", "second"))

    assert [each.suffix for each in first] == [".whl", ".gz"]
    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in second]
    with zipfile.ZipFile(first[0]) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode().partition("\n\n")[0]
    keys = {line.partition(":")[0] for line in metadata.splitlines()}
    assert {"Author", "Classifier", "Keywords", "License-Expression", "Project-URL"} <= keys


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ((), 2, "scripts/package wheel"),
        (("rpm",), 2, "scripts/package wheel"),
        (("deb", "--fast"), 2, "scripts/package wheel"),
        (("deb", "bookworm", "sid"), 1, "no package for sid:"),
        (("deb", "trixie:i386"), 1, "no package for trixie:i386; there are bookworm and trixie"),
    ],
)
def test_what_it_cannot_package_is_refused_at_once(
    given: tuple[str, ...], status: int, said: str
) -> None:
    script = ROOT / "scripts" / "package"
    done = subprocess.run([script, *given], capture_output=True, text=True, check=False)

    assert done.returncode == status
    assert said in done.stderr


@pytest.mark.parametrize("name", MAINTAINER_SCRIPTS)
def test_the_scripts_of_the_package_are_of_the_shell_that_debian_has(name: str) -> None:
    text = (DEBIAN / name).read_text(encoding="utf-8")

    assert text.startswith("#!/bin/sh\nset -e\n")
    subprocess.run(["sh", "-n", DEBIAN / name], check=True)


def test_each_package_of_the_environment_is_in_the_copyright_file() -> None:
    (directory,) = (each for each in sys.path if each.endswith("site-packages"))
    command = [sys.executable, str(DEBIAN / "copyright.py"), directory]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    trio = next(each for each in said.split("\n\n") if "/trio/*\n" in each)

    assert "Files: *\nCopyright: 2026 The supervisor authors\nLicense: Expat\n" in said
    assert "Copyright: Nathaniel J. Smith\nLicense: MIT-OR-Apache-2.0\n" in trio
    assert "See the metadata of trio " in trio
