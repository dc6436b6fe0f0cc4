"""Legacy files of the tests, their conversion, and what the result says."""

from __future__ import annotations

from pathlib import Path

from supervisor.config.load import load_service
from supervisor.config.service import Service
from supervisor.convert.conversion import Conversion, convert
from supervisor.convert.service_file.secrets import Secrets
from supervisor.modules.loader import load_check
from tests.support.ruby import SEOUL

LEGACY = Path(__file__).parent.parent / "convert/legacy"
"""The legacy files."""

SAMPLE = LEGACY / "alertmanager_KorPnrTest.conf"
"""The legacy file of the test host."""

HEAD = "ServiceName: KOR\nAlertmanager:\n  URL: http://127.0.14.31:9093\nModules:\n"
"""What stands before the modules."""


def write(directory: Path, modules: str, name: str = "Kor") -> Path:
    """Write a legacy file with these modules, and return its path."""
    path = directory / f"alertmanager_{name}.conf"
    path.write_text(HEAD + modules, encoding="utf-8")
    return path


def made(path: Path, secrets: Secrets | None = None) -> Conversion:
    return convert(path, secrets or Secrets(), SEOUL)


def converted(directory: Path, modules: str, secrets: Secrets | None = None) -> Conversion:
    return made(write(directory, modules), secrets)


def loaded(conversion: Conversion, directory: Path) -> Service:
    """Return what `validate` reads; it raises when the result is not valid."""
    path = directory / f"{conversion.name}.toml"
    path.write_text(conversion.text, encoding="utf-8")
    return load_service(path, lambda name: load_check(name).params)


def warnings(conversion: Conversion) -> str:
    return "\n".join(note.text for note in conversion.journal.warnings)
