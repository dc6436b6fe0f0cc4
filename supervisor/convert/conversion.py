"""One legacy file from its bytes to the text of a service file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.convert.legacy_yaml import document, encoding
from supervisor.convert.legacy_yaml.comments import Comment
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Scalar, to_s
from supervisor.convert.mapping.context import Environment, FileContext
from supervisor.convert.mapping.journal import Journal
from supervisor.convert.mapping.service import ServiceConverter
from supervisor.convert.service_file import layout, validation
from supervisor.convert.service_file.secrets import HIDDEN, Secrets, find_secrets, redact
from supervisor.errors import ConfigError, Problem

PREFIX = "alertmanager_"
"""How the name of a legacy file begins."""

SUFFIXES = (".conf", ".yml", ".yaml")
"""How the name of a legacy file may end."""


@frozen
class Conversion:
    """A converted file."""

    source: Path
    """The legacy file."""

    name: str
    """The name of the service file, without `.toml`."""

    service: str
    """The label `service` of its alerts."""

    encoding: str
    """The encoding of the legacy file."""

    text: str
    """The text of the service file."""

    journal: Journal
    """What the report tells."""

    secret_names: tuple[str, ...]
    """The secrets that the service file is the first of this run to refer to."""


def name_of(path: Path) -> str:
    """Return the service's name for `--service`: KorPnrTest for alertmanager_KorPnrTest.conf."""
    name = path.name.removeprefix(PREFIX)
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def convert(path: Path, secrets: Secrets, zone: ZoneInfo, module_path: str = "") -> Conversion:
    """Return the conversion of a file; raises `ConfigError` with the lines of what is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(str(path), "", wrong, "give a file that exists")]) from None
    try:
        return _convert(path, raw, secrets, Environment(module_path or _modules_of(path), zone))
    except Fault as fault:
        raise _error(path, [fault]) from None


def _convert(path: Path, raw: bytes, secrets: Secrets, environment: Environment) -> Conversion:
    decoded = encoding.decode(raw)
    read = document.read(decoded.text)
    journal, name = Journal(), name_of(path)
    context = FileContext(
        name=name,
        journal=journal,
        secrets=secrets,
        secret_scalars=find_secrets(read.root),
        environment=environment,
    )
    _note_oddities(decoded.encoding, read, journal)
    before = set(secrets.values)
    made = ServiceConverter(context)
    made.convert(read.root)
    names = tuple(each for each in secrets.values if each not in before)
    hidden = {*context.secret_scalars.values(), *(secrets.values[each] for each in names)}
    # A faulty text is not written: its comments may have lost the keys that they belong to.
    comments = [] if read.faults or journal.faults else read.comments
    text = layout.lay_out(
        heading=f"Converted from {path.name} by scripts/convert_yaml.py.",
        tables=made.tables,
        comments=[(each, _shown(each, hidden, journal)) for each in comments],
        source=decoded.text,
        start=read.root.span.first,
    )
    faults = _all_faults(read.faults, journal, validation.problems(name, text))
    if faults:
        raise _error(path, faults)
    return Conversion(
        source=path,
        name=name,
        service=str(made.tables[0].entries[0].item.value),
        encoding=decoded.encoding,
        text=text,
        journal=journal,
        secret_names=names,
    )


def _shown(comment: Comment, hidden: set[str], journal: Journal) -> str:
    shown = redact(comment.text.replace("\t", " "), hidden)
    if HIDDEN in shown and HIDDEN not in comment.text:
        journal.warn(comment.line, "a comment seems to hold a password: the password is left out")
    return shown


def _note_oddities(used: str, read: document.Document, journal: Journal) -> None:
    if used == "CP949":
        journal.warn(0, "is not UTF-8; it is read as CP949 (EUC-KR), and the result is UTF-8")
    for pair in read.doubled:
        key = to_s(pair.key) if isinstance(pair.key, Scalar) else "a key"
        said = f"{key[:60]!r} is there twice, first on line {pair.earlier}: the last one counts"
        journal.warn(pair.span.first, said)
    if read.others:
        journal.warn(read.others, "a second document begins, which the agent never read")


def _all_faults(
    unread: Sequence[Fault], journal: Journal, problems: Sequence[Problem]
) -> list[Fault]:
    """Return the faults of values that cannot be read, then of keys, then of the service file.

    What follows from one of them is left out.
    """
    lines = {fault.line for fault in unread}
    later = [
        *journal.faults,
        *(_fault(problem, journal) for problem in problems if not journal.lacks(problem.key)),
    ]
    return [*unread, *(fault for fault in later if fault.line not in lines)]


def _fault(problem: Problem, journal: Journal) -> Fault:
    """Return a problem of the service file at the legacy line that it came from."""
    wrong = f"becomes {problem.key}, which {problem.wrong}" if problem.key else problem.wrong
    return Fault(journal.line_of(problem.key), wrong, problem.remedy)


def _modules_of(path: Path) -> str:
    """Return where the agent that reads this file has its modules: it looks beside `config`."""
    return str(path.resolve().parent.parent / "lib" / "serviceMonitor")


def _error(path: Path, faults: Sequence[Fault]) -> ConfigError:
    ordered = sorted(faults, key=lambda fault: fault.line)
    return ConfigError(
        Problem(str(path), f"line {fault.line}", fault.wrong, fault.remedy) for fault in ordered
    )
