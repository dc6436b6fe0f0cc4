"""The units that systemd starts with the host: a module of `systemd_unit`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from supervisor.discover.draft import Draft, Finding, Item, quoted

SYSTEMD = Path("/run/systemd/system")
"""The directory that systemd makes when it runs."""

KINDS = ("service", "socket", "timer")
"""The kinds of units that are looked at."""

ENABLED = ("enabled", "enabled-runtime")
"""The states of unit files that systemd starts by itself."""

ANSWER_SECONDS = 15
"""How long systemctl may take."""

OURS = "supervisor@"
"""The unit of a supervisor, which cannot tell that it does not run."""


@frozen
class Unit:
    """A unit and its state."""

    name: str
    file_state: str
    """Such as `enabled`."""
    active: str
    sub_state: str


def units() -> Finding:
    """Return a module with each unit that is enabled and active."""
    if not SYSTEMD.is_dir():
        return Finding(left_out=("systemd's units: systemd does not run here",))
    try:
        names = [*_enabled()]
        found = [*_states(names)] if names else []
        failed = [row.split()[0] for row in _systemctl("list-units", "--state=failed", "--plain")]
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(left_out=(f"systemd's units: systemctl does not answer: {error}",))
    items, left_out = [], []
    for unit in found:
        if unit.name.startswith(OURS):
            left_out.append(f"{unit.name}: a supervisor cannot tell that it does not run")
        elif unit.file_state not in ENABLED:
            continue  # a session's, such as user@0.service
        elif unit.active != "active":
            left_out.append(f"{unit.name}: enabled, but {unit.active}")
        else:
            short = unit.name.removesuffix(".service")
            text = f"{{ name = {quoted(unit.name if '.' in short else short)} }}"
            items.append(Item(text, instance=unit.name, note=unit.sub_state))
    also: tuple[str, ...] = ()
    if failed:
        ignored = ", ".join(map(quoted, sorted(failed)))
        also = (f"ignore = [{ignored}]  # these have failed now: mend them, then remove this line",)
    about = "Units that start with the host; and any unit that fails."
    draft = Draft("systemd_unit", about, tuple(items), key="units", also=also)
    return Finding((draft,), tuple(left_out))


def watched(finding: Finding) -> set[str]:
    """Return the full names of the units that a module watches."""
    return {item.instance for draft in finding.modules for item in draft.watched}


def _enabled() -> Iterator[str]:
    """Yield the enabled units. A template is not one: its units are."""
    kinds = ",".join(KINDS)
    for row in _systemctl("list-unit-files", f"--type={kinds}", f"--state={','.join(ENABLED)}"):
        name = row.split()[0]
        if "@." not in name:
            yield name
    for row in _systemctl("list-units", f"--type={kinds}", "--plain", "*@*"):
        yield row.split()[0]


def _states(names: Sequence[str]) -> Iterator[Unit]:
    show = _systemctl("show", "--property=Id,UnitFileState,ActiveState,SubState", "--", *names)
    for block in "\n".join(show).split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if name := values.get("Id", ""):
            states = (values.get(key, "") for key in ("UnitFileState", "ActiveState", "SubState"))
            yield Unit(name, *states)


def _systemctl(*arguments: str) -> list[str]:
    """Return the lines that systemctl prints."""
    done = subprocess.run(
        ["systemctl", "--no-pager", "--no-legend", *arguments],  # noqa: S607  # where PATH has it
        env={**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWER_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.splitlines()
