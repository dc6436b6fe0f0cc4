"""Whatever a legacy file holds: it is converted to a valid file, or refused with its line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.convert.conversion import Conversion
from supervisor.convert.service_file.secrets import Secrets
from supervisor.errors import ConfigError
from tests.convert.legacy_yaml.test_psych import SEEDS, VALUES, documents
from tests.support.conversions import SAMPLE, made

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for ten thousand documents rather than a few."""

HEADER, *MODULES = re.split("(?m)^(?=- ModuleFileName)", SAMPLE.read_text(encoding="utf-8"))
"""The sample, cut before each of its modules."""

ODD = st.one_of(st.sampled_from([*SEEDS, *VALUES]), st.text(max_size=12))
"""Values that a legacy file seldom has."""

PLAIN = st.sampled_from(["1", "0", "-5", "N", "no", "16:30", "1,2", "010", "text", "'quoted'", ""])
"""Values that a legacy file often has."""


@st.composite
def broken_samples(draw: st.DrawFn) -> bytes:
    """Draw some of the sample's modules with a few lines changed, doubled or lost."""
    modules = draw(st.lists(st.sampled_from(MODULES), min_size=1, max_size=4))
    lines = "".join([HEADER, *modules]).split("\n")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = _changed(draw, lines[at])
    codec = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "cp949", "utf-16"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return end.join(lines).encode(codec, "replace")


def _changed(draw: st.DrawFn, line: str) -> Sequence[str]:
    key, colon, _ = line.partition(": ")
    match draw(st.integers(0, 9)):
        case 0:
            return []
        case 1:
            return [line, line]
        case 2:
            return [f" {line}"]
        case 3:
            return [line[: draw(st.integers(0, len(line)))]]
        case 4 | 5:
            return [line, f"{draw(st.sampled_from(['', '  ', '    ']))}# {draw(PLAIN)}"]
        case 6:
            return [f"{key}{colon}{draw(ODD)}"]
    return [f"{key}{colon}{draw(PLAIN)}"]


files = st.one_of(
    *[broken_samples()] * 4,
    st.binary(max_size=60),
    documents.map(str.encode),
    documents.map(
        lambda text: b"ServiceName: K\nAlertmanager: {URL: 'http://h'}\n" + text.encode()
    ),
)
"""Legacy files, most of them nearly right."""


@given(raw=files)
@settings(
    max_examples=10_000 if LONG else 150,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
def test_a_file_is_converted_or_refused_with_its_line(raw: bytes) -> None:
    with TemporaryDirectory() as name:
        path = Path(name, "alertmanager_Kor.conf")
        path.write_bytes(raw)
        secrets = Secrets(Path("/run/secrets"))
        outcome = attempt(path, secrets)

    if isinstance(outcome, ConfigError):
        assert all(re.fullmatch("line [0-9]+", each.key) for each in outcome.problems)
    else:
        assert tomllib.loads(outcome.text)["service"] == outcome.service
        passwords = [value for value in secrets.values.values() if value.startswith("dummy-")]
        assert not [each for each in passwords if each in outcome.text]


def attempt(path: Path, secrets: Secrets) -> Conversion | ConfigError:
    try:
        return made(path, secrets)
    except ConfigError as error:
        return error
