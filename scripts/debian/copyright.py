"""Prints Debian's copyright file: of this project, and of each package from PyPI in a directory.

python scripts/debian/copyright.py DIRECTORY: scripts/package gives it the site-packages.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The directory of this project."""

OWN = "alertmanager-supervisor"
"""The name of this project, which is among the packages."""

HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: alertmanager-supervisor
Source: https://supervisor.example.invalid/source/
Comment:
 The environment holds packages of others as their authors have published them.
 Their licences are in the directories *.dist-info of the environment.
"""
"""What comes before all paragraphs."""


def main(directory: Path) -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    holder = next(line for line in text.splitlines() if line.startswith("Copyright"))
    print(HEAD)
    print(f"Files: *\nCopyright: {holder.removeprefix('Copyright (c) ')}\nLicense: Expat")
    for line in text.split("\n\n", 2)[2].splitlines():
        print(f" {line or '.'}")
    found = distributions(path=[str(directory)])
    for package in sorted(found, key=lambda each: each.name.lower()):
        if package.name != OWN:
            print()
            print(paragraph(package, directory))


def paragraph(package: Distribution, directory: Path) -> str:
    """Return the paragraph of a package: its files, its authors and its licence."""
    tops = {str(path).split("/", 1)[0] for path in package.files or ()}
    files = sorted(
        f"{directory.relative_to(directory.parents[5])}/{top}{'/*' * (directory / top).is_dir()}"
        for top in tops
        if top != ".." and (directory / top).exists()
    )
    return (
        "Files:\n"
        + "".join(f" {each}\n" for each in files)
        + f"Copyright: {author(package)}\nLicense: {licence(package).replace(' ', '-')}\n"
        + f" See the metadata of {package.name} {package.version}."
    )


def author(package: Distribution) -> str:
    """Return who has written a package, as it says itself."""
    keys = ("Author", "Author-email", "Maintainer", "Maintainer-email")
    names = (each.partition("<")[0].strip(' "') for key in keys for each in said(package, key))
    return next(filter(None, names), f"the authors of {package.name}")


def licence(package: Distribution) -> str:
    """Return the name of a package's licence, as it says itself."""
    names = [*said(package, "License-Expression"), *said(package, "License")]
    classifiers = said(package, "Classifier")
    names += [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    return next((name for name in names if name and "\n" not in name), "unknown")


def said(package: Distribution, key: str) -> list[str]:
    """Return the values of a key in a package's metadata."""
    return list(package.metadata.get_all(key) or ())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
