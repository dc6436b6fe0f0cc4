"""Libraries in C that tests preload into a process."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FLAGS = ("-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC")
"""Makes a library that can be preloaded."""

LIBRARIES = ("-ldl", "-lpthread")
"""What it is linked with."""


def compiled(source: Path, library: Path) -> Path:
    """Return the library, made by the C compiler of this host if it is not there yet."""
    if not library.exists():
        compiler = shutil.which("cc")
        if compiler is None:
            raise RuntimeError("the C compiler `cc` is missing; install gcc")
        subprocess.run([compiler, *FLAGS, "-o", library, source, *LIBRARIES], check=True)
    return library
