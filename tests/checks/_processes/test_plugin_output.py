"""The guidelines' own examples, and hostile output."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.plugin_output import PluginOutput, parse_output, parse_perfdata
from supervisor.api import Measurement


def test_the_first_line_the_long_text_and_both_parts_of_the_perfdata_are_read() -> None:
    stdout = (
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
        "/ 15272 MB (77%);\n"
        "/boot 68 MB (69%); | /boot=68MB;88;93;0;98\n"
        "/home=69357MB;253404;253409;0;253414\n"
    )

    expected = PluginOutput(
        "DISK OK - free space: / 3326 MB (56%);",
        "/ 15272 MB (77%);\n/boot 68 MB (69%);",
        (
            Measurement("/", 2643.0, "MB"),
            Measurement("/boot", 68.0, "MB"),
            Measurement("/home", 69357.0, "MB"),
        ),
    )
    assert expected == parse_output(stdout)


@pytest.mark.parametrize(
    ("perfdata", "expected"),
    [
        ("time=0.002722s;;;0.000000;10.000000", [("time", 0.002722, "s")]),
        (
            "load1=0.010;5.000;9.000;0; load5=0.060;5;9;0;",
            [("load1", 0.01, ""), ("load5", 0.06, "")],
        ),
        ("'with space'=1%;@10:20;~:10", [("with space", 1.0, "%")]),
        ("'it''s'=-1.5ms", [("it's", -1.5, "ms")]),
        ("a=1c   b=+2us\tc=3KB", [("a", 1.0, "c"), ("b", 2.0, "us"), ("c", 3.0, "KB")]),
        ("unknown=U;1;2 known=.5", [("known", 0.5, "")]),
        ("small=1e-05s", [("small", 1e-05, "s")]),
        ("=1 'unclosed=1 a=x b==2 c=1,5 d=1.2.3 e=--1 '' fine=1", [("fine", 1.0, "")]),
        ("infinite=1e999 nan=nan 'a\x07b'=1 f=1", [("f", 1.0, "")]),
        ("", []),
    ],
)
def test_perfdata_is_read_and_garbage_left_out(
    perfdata: str, expected: list[tuple[str, float, str]]
) -> None:
    read = [(found.name, found.value, found.unit) for found in parse_perfdata(perfdata)]

    assert expected == read


def test_a_label_given_twice_is_measured_once() -> None:
    assert (Measurement("a", 2.0),) == parse_output("OK | a=1 a=2").measurements


@given(st.text() | st.text(alphabet="'|= \n\t;0123456789.eEUaAs%-+"))
def test_any_output_can_be_read(stdout: str) -> None:
    output = parse_output(stdout)

    assert stdout.partition("\n")[0].partition("|")[0].strip() == output.text
    for measurement in output.measurements:
        assert measurement.name
        assert measurement.name.isprintable()
        assert math.isfinite(measurement.value)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_what_the_guidelines_allow_comes_back(values: dict[str, float]) -> None:
    values = {label: value for label, value in values.items() if label.isprintable()}
    quoted = ((label.replace("'", "''"), value) for label, value in values.items())
    perfdata = " ".join(f"'{label}'={value!r}ms;1;2" for label, value in quoted)

    read = {found.name: found.value for found in parse_perfdata(perfdata)}

    assert values == read


@pytest.mark.parametrize(
    "hostile", ["'", "''", "' ", "'a", "a=", "a=1", "=", "1", "a=1" + "0" * 50, "'='=", "|", "e"]
)
def test_hostile_output_is_read_in_linear_time(hostile: str) -> None:
    stdout = "|a=" + hostile * (65536 // len(hostile))
    start = time.process_time()
    parse_output(stdout)

    assert time.process_time() - start < 1


def test_thresholds_are_shown_beside_the_value() -> None:
    output = parse_output("OK | a=1;80;@10:90 b=2;~:5;0:7;0;9 c=3 d=4;x;; e=5;-1:1")

    assert [measurement.limits for measurement in output.measurements] == [
        (80, 10, 90),
        (5, 7),
        (),
        (),
        (-1, 1),
    ]
