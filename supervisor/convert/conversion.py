"""One legacy file from its bytes to the text of a service file."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.convert.legacy_yaml import document, encoding
from supervisor.convert.legacy_yaml.comments import Comment
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Scalar, to_s
from supervisor.convert.mapping.fields import Desk
from supervisor.convert.mapping.journal import Journal
from supervisor.convert.mapping.modules import Surroundings
from supervisor.convert.mapping.service import Builder
from supervisor.convert.service_file import layout, validation
from supervisor.convert.service_file.secrets import HIDDEN, Vault, find, redact
from supervisor.errors import ConfigError, Problem

PREFIX, SUFFIXES = "alertmanager_", (".conf", ".yml", ".yaml")


@frozen
class Conversion:
    """A converted file; `secrets` are the names of those that it refers to."""

    source: Path
    name: str
    service: str
    encoding: str
    text: str
    journal: Journal
    secrets: tuple[str, ...]


def name_of(path: Path) -> str:
    """Return the service's name for `--service`: KorPnrTest for alertmanager_KorPnrTest.conf."""
    name = path.name.removeprefix(PREFIX)
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def convert(path: Path, kept: Vault, zone: ZoneInfo, module_path: str = "") -> Conversion:
    """Return the conversion of a file; raises `ConfigError` with the lines of what is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(str(path), "", wrong, "give a file that exists")]) from None
    try:
        return _convert(path, raw, kept, Surroundings(module_path or _modules_of(path), zone))
    except Fault as fault:
        raise _error(path, [fault]) from None


def _convert(path: Path, raw: bytes, kept: Vault, around: Surroundings) -> Conversion:
    decoded = encoding.decode(raw)
    read = document.read(decoded.text)
    journal, name = Journal(), name_of(path)
    desk = Desk(name, journal, kept, find(read.root))
    _tell_oddities(decoded.encoding, read, journal)
    before = set(kept.values)
    builder = Builder(desk, around)
    builder.build(read.root)
    if builder.faults:
        raise _error(path, builder.faults)
    secrets = tuple(each for each in kept.values if each not in before)
    hidden = {*desk.secret.values(), *(kept.values[each] for each in secrets)}
    comments = [(each, _shown(each, hidden, journal)) for each in read.comments]
    heading = f"Converted from {path.name} by scripts/convert_yaml.py."
    text = layout.lay_out(heading, builder.tables, comments, decoded.text, read.root.span.first)
    if faults := validation.problems(name, text, journal):
        raise _error(path, faults)
    service = builder.tables[0].entries[0].item.value
    return Conversion(path, name, str(service), decoded.encoding, text, journal, secrets)


def _shown(comment: Comment, hidden: set[str], journal: Journal) -> str:
    shown = redact(comment.text.replace("\t", " "), hidden)
    if HIDDEN in shown and HIDDEN not in comment.text:
        journal.warn(comment.line, "a comment seems to hold a password: it is left out of it")
    return shown


def _tell_oddities(used: str, read: document.Document, journal: Journal) -> None:
    if used == "CP949":
        journal.warn(0, "is not UTF-8; it is read as CP949 (EUC-KR), and the result is UTF-8")
    for pair in read.doubled:
        key = to_s(pair.key) if isinstance(pair.key, Scalar) else "a key"
        said = f"{key[:60]!r} is there twice, first on line {pair.earlier}: the last one counts"
        journal.warn(pair.span.first, said)
    if read.others:
        journal.warn(read.others, "a second document begins, which the agent never read")


def _modules_of(path: Path) -> str:
    """Return where the agent that reads this file has its modules: it looks beside `config`."""
    return str(path.resolve().parent.parent / "lib" / "serviceMonitor")


def _error(path: Path, faults: list[Fault]) -> ConfigError:
    ordered = sorted(faults, key=lambda fault: fault.line)
    return ConfigError(
        Problem(str(path), f"line {fault.line}", fault.wrong, fault.remedy) for fault in ordered
    )
