"""The Debian packages of this tree, and one of a later version. They are built once and kept."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.systemd.machine import CACHE

ROOT = Path(__file__).parent.parent.parent
SOURCES = (
    *("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "requirements.lock"),
    *("checks", "configs", "docs", "scripts", "supervisor"),
)
"""What goes into a package."""

NEWER = "99.0"
"""The later version."""


def directory(suite: str) -> Path:
    """Return a directory with the packages of a suite: `old.deb` of this tree, and `new.deb`."""
    found = CACHE / f"packages-{suite}-{_digest()}"
    if not found.exists():
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
        build = [str(ROOT / "scripts" / "package"), "deb", suite, "--out", str(making)]
        built = subprocess.run(
            build,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if built.returncode:
            shutil.rmtree(making)
        assert built.returncode == 0, built.stdout
        (package,) = making.glob("*.deb")
        package.rename(making / "old.deb")
        _make_newer(making)
        making.chmod(0o755)
        making.rename(found)
    return found


def _digest() -> str:
    found = hashlib.sha256()
    for name in SOURCES:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:8]


def _make_newer(making: Path) -> None:
    """Make the next version of a package, in which nothing but the version is new."""
    tree = making / "tree"
    subprocess.run(["dpkg-deb", "-R", making / "old.deb", tree], check=True)
    (init,) = tree.glob("usr/lib/*/lib/python3*/site-packages/supervisor/__init__.py")
    for path, pattern, new in (
        (tree / "DEBIAN/control", r"^Version: .*", f"Version: {NEWER}-1"),
        (init, r"^__version__ = .*", f'__version__ = "{NEWER}"'),
    ):
        text = re.sub(pattern, new, path.read_text(), flags=re.MULTILINE)
        path.write_text(text)
    pack = ["dpkg-deb", "--root-owner-group", "-Znone", "-b"]
    subprocess.run([*pack, tree, making / "new.deb"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
