"""Whatever the legacy files of several hosts hold: each host stays the service that it is alone."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from supervisor.commands.options import load_file
from supervisor.convert.conversion import Conversion
from supervisor.convert.family.files import Family, family_of
from supervisor.convert.service_file.secrets import Secrets
from supervisor.errors import ConfigError
from tests.convert.test_fuzz import HEADER, MODULES, broken_samples
from tests.support.conversions import made

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for some hundred families rather than a few."""

VALUES = st.sampled_from(["1", "2", "55", "Y", "N", "text", "127.0.0.9", "/srv/x", "'1m'", "09:00"])
"""What a host may have in place of a value of the sample."""


@st.composite
def hosts(draw: st.DrawFn) -> bytes:
    """Draw a legacy file that is much like that of other hosts."""
    if draw(st.integers(0, 9)) == 0:
        return draw(broken_samples())
    left_out = draw(st.sets(st.integers(0, len(MODULES) - 1), max_size=2))
    kept = [each for number, each in enumerate(MODULES) if number not in left_out]
    lines = "".join([HEADER, *kept]).split("\n")
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        key, colon, value = lines[at].partition(": ")
        match draw(st.integers(0, 4)):
            case 0:
                lines[at : at + 1] = []
            case 1:
                lines[at] += f"  # {draw(VALUES)}"
            case _ if value:
                lines[at] = f"{key}{colon}{draw(VALUES)}"
    return "\n".join(lines).encode()


def conversions(directory: Path, files: list[bytes]) -> list[Conversion]:
    """Return the conversions of those that are valid."""
    secrets, found = Secrets(), []
    for number, raw in enumerate(files):
        path = directory / f"alertmanager_Host{number}.conf"
        path.write_bytes(raw)
        try:
            found.append(made(path, secrets))
        except ConfigError:
            continue
    return found


@given(files=st.lists(hosts(), min_size=2, max_size=4))
@settings(
    max_examples=300 if LONG else 25,
    deadline=None,
    derandomize=not LONG,
    phases=[Phase.explicit, Phase.generate],  # a smaller case of several files takes minutes
    suppress_health_check=list(HealthCheck),
)
def test_each_host_stays_the_same_service(files: list[bytes]) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        found = conversions(directory, files)
        assume(len(found) > 1)
        family = family_of("Fam", found)
        alone = {}
        for each in found:
            path = directory / f"{each.name}.toml"
            path.write_text(each.text, encoding="utf-8")
            alone[each.name] = load_file(path)
        write(directory, family)

        assert alone == {each: load_file(directory / f"{each}.toml") for each in alone}
        assert {*tomllib.loads(family.text).get("vars", {})} == {*family.names}


def write(directory: Path, family: Family) -> None:
    (directory / "families").mkdir()
    (directory / family.path).write_text(family.text, encoding="utf-8")
    for name, text in family.hosts.items():
        (directory / f"{name}.toml").write_text(text, encoding="utf-8")
