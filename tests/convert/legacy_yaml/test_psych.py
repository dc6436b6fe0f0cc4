"""Scalars and documents are read as Ruby's Psych reads them: Ruby itself is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from supervisor.convert.legacy_yaml import document, encoding, psych
from supervisor.convert.legacy_yaml.fault import Fault, Unreadable
from supervisor.convert.legacy_yaml.nodes import Mapping, Scalar
from tests.support.conversions import SAMPLE
from tests.support.ruby import Ruby, read, running

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for thousands of examples rather than a few."""

EMPTY = ["bool", False]
"""What Psych gives for a file without a document."""

SEEDS = (
    *("16:30", "09:00", "00:00-23:55", "1:2:3", "1:2:3.5", "-1:30", "24:00", "1_0:30", "60:61"),
    *("1,000", "1,2", "1_000", "010", "08", "0o7", "0b1_0", "0x1F", "+12", "0_", "-0", "0b", "0x_"),
    *("1.5", ".5", "1.", "1.5e+3", "1.5e3", "1e3", ".e+5", "1,0.5", ".", "-.", ".inf", "-.Inf"),
    *(".NaN", "+.inf", "yes", "No", "ON", "oFF", "true", "y", "N", "null", "~", "Null", "nu"),
    *("2001-12-14 21:59:43.10 -5", "2001-12-15 2:59:43", "2001-12-14t21:59:43Z", "2002-12-14"),
    *("2001-02-30", "2001-02-31 10:00:00", "2001-1-1T1:00:00+530"),
    *("2001-1-1 24:00:00", "2001-1-1 1:00:61", "2001-01-01 1:00:00 +25:00", "1999-13-01"),
    *(":sym", "::", ":'q'", ":a:", "<<", "=", "4V", "1E", "1E,BX", "tw", "http://h:1/x", "a b"),
    *(
        "oﬀ",
        "ye\u017f",
        "가나",
        "é",
        "nö",
        "②",
        "!!str 5",
        "!!float 5",
        "!t yes",
        "! '5'",
        "!!int '7'",
    ),
)
"""Plain scalars at the edges of Psych's rules."""

scalars = st.one_of(
    st.sampled_from(SEEDS),
    st.text("0123456789:.,-+_eExXbobBZ ", min_size=1, max_size=9),
    st.text("yYeEsSnNoOfFtTrRuUaAlL~.:-0123456789 é\u017fﬀ가", min_size=1, max_size=8),
    st.builds(
        lambda seed, at, added: seed[:at] + added + seed[at:],
        st.sampled_from(SEEDS),
        st.integers(0, 12),
        st.text("0159:.,-+_eExyYnN ", min_size=1, max_size=2),
    ),
)
"""The seeds, their neighbours, and texts of the same characters."""

KEYS = ("a", "b", "Name", "<<", "'q'", "1", "yes", "16:30", "&k x", "*a", "가", "? a", "[1]")
"""Keys of mappings, right and wrong."""

VALUES = (
    *("1", "no", "16:30", "1,2", "'it''s'", '"d\\n\\x41\\/"', "|", "|-", "|+", "|2", ">", "> # c"),
    *("*a", "&a 1", "&a", "[1, yes, a: b]", "{a: 1, <<: *a}", "[*a, *a]", "a # c", "a#b", "", "~"),
    *("[", "]", "'un", "- x", "!!str 1", "!t x", "a\tb", "\tx", "x\t", "[a,\n  b]", "'a\n\n   b'"),
    *('"a \\\n   b"', "x\n  y\n\n z", "{a:1}", "[a:b]", "{a: ,b}", "[,]", "(#M)/c.rb", "%x", "@x"),
)
"""Values of all kinds, right and wrong."""

LINES = st.one_of(
    st.builds("- {}".format, st.sampled_from(VALUES)),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(KEYS),
        st.sampled_from([": ", ":", ":\t", " : "]),
        st.sampled_from(VALUES),
    ),
    st.builds("- {}: {}".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.sampled_from(["", "  ", "# c", "\t", "\t# x", "---", "# 가", "text"]),
)
"""Lines of a document."""

documents = st.builds(
    lambda lines, end: end.join(" " * indent + line for indent, line in lines) + end,
    st.lists(st.tuples(st.sampled_from([0, 0, 2, 2, 4, 1]), LINES), min_size=1, max_size=7),
    st.sampled_from(["\n", "\n", "\r\n"]),
)
"""Documents of a few lines, indented at random."""


@pytest.fixture(scope="module")
def ruby() -> Iterator[Ruby]:
    with running("psych.rb") as process:
        yield process


def many(examples: int) -> settings:
    """Return settings for a short run of the suite, or a hundred times as many."""
    return settings(
        max_examples=examples * (100 if LONG else 1),
        deadline=None,
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
    )


@given(scalar=scalars)
@example(scalar="16:30")
@example(scalar="-")
@example(scalar="!! int")
@example(scalar="!!,str 5")
@many(600)
def test_plain_scalars_are_what_ruby_reads(ruby: Ruby, scalar: str) -> None:
    answer = ruby.ask(f"- {scalar}\n")
    ours = read(f"- {scalar}\n")

    if "value" in answer:
        assert ours == answer["value"] or _beyond(ours), answer
    else:
        assert isinstance(ours, Fault), answer


@pytest.mark.parametrize("scalar", SEEDS)
def test_each_known_scalar_is_what_ruby_reads(ruby: Ruby, scalar: str) -> None:
    answer = ruby.ask(f"- {scalar}\n")
    ours = read(f"- {scalar}\n")

    assert answer.get("value", Fault) == (Fault if isinstance(ours, Fault) else ours)


@given(text=documents)
@example(text="a: &a {x: 1}\nb: {<<: *a, y: 2, x: 3}\n")
@example(text="a: &a [{x: 1}]\nb: {<<: *a}\nc: {<<: [{x: 2}, {x: 3}]}\nd: {<<: 5, '<<': {y: 1}}\n")
@example(text="a: 1\na: 2\n")
@example(text="a: 1\n...\n]")
@example(text="- |\n a\n  b\n\n- >\n a\n b\n\n c\n")
@many(600)
def test_documents_are_what_ruby_reads(ruby: Ruby, text: str) -> None:
    answer = ruby.ask(text)
    ours = read(text)

    if isinstance(ours, Fault):
        assert "error" in answer or answer["value"] == EMPTY or _beyond(ours), answer
    elif "value" in answer:
        assert ours == answer["value"]


def test_nearly_all_documents_that_ruby_reads_are_read(ruby: Ruby) -> None:
    read_by_ruby = refused = 0

    @given(text=documents)
    @many(300)
    def count(text: str) -> None:
        nonlocal read_by_ruby, refused
        answer = ruby.ask(text)
        if "value" in answer and answer["value"] != EMPTY:
            read_by_ruby += 1
            refused += isinstance(read(text), Fault)

    count()

    assert read_by_ruby > 60
    assert refused < read_by_ruby / 20


def _beyond(ours: object) -> bool:
    """Return whether we refuse on purpose what Ruby reads."""
    said = ("itself", "years 2 to 9997", "unprintable", "is not YAML", "too large", "Ruby object")
    return isinstance(ours, Fault) and any(part in ours.wrong for part in said)


def entries(raw: bytes) -> dict[str, str]:
    found = document.read(encoding.decode(raw).text)
    for fault in found.faults:
        raise fault
    root = found.root
    assert isinstance(root, Mapping)
    return {
        pair.key.text: pair.value.text
        for pair in root.pairs.values()
        if isinstance(pair.key, Scalar) and isinstance(pair.value, Scalar)
    }


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16"),
        ("cp949", "CP949"),
        ("euc-kr", "CP949"),
    ],
)
def test_a_file_is_read_in_the_encoding_that_it_was_saved_in(codec: str, name: str) -> None:
    raw = "# 모니터링 설정\r\n이름: 값\t\r\nb: 똠방각하\r\n".replace(
        "똠방각하", "똠방각하" if codec != "euc-kr" else "각하"
    ).encode(codec)
    expected = "각하" if codec == "euc-kr" else "똠방각하"

    assert {"이름": "값", "b": expected} == entries(raw)
    assert name == encoding.decode(raw).encoding


@pytest.mark.parametrize(
    ("raw", "line", "wrong"),
    [
        (b"a: 1\nb: \xff\xff\n", 2, "is neither UTF-8 nor CP949 (EUC-KR)"),
        (b"a: 1\nb: \x07\n", 2, "has the unprintable character U+0007"),
        ("a: 1\nb: x\u2028y\n".encode(), 2, "has the unprintable character U+2028"),
        (b"a: 1\n\tb: 2\n", 2, "is indented with a tab"),
        (b"a: 1\nb: *gone\n", 2, "refers to an anchor that is not there"),
        (b"a: 1\nb: c: d\n", 2, "has a ': ' too many"),
        (b"a: 1\nb: &x [*x]\n", 2, "contains itself by an alias, which JSON cannot hold"),
        (b"a: 1\nb: !ruby/object:Object {}\n", 2, "has a tag that makes a Ruby object"),
        (b"", 1, "is empty"),
        (b"a: " + b"[" * 2000, 1, "is nested too deeply"),
        (b"a: 0x_\n", 1, "has a value that looks like a number and is not a number"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(raw: bytes, line: int, wrong: str) -> None:
    with pytest.raises(Fault) as caught:
        entries(raw)

    assert (line, wrong) == (caught.value.line, caught.value.wrong)


def test_a_fault_never_quotes_a_value() -> None:
    for value in ("*hunter2", "hunter2: x: y", "'hunter2", "&a+hunter2 [", "%hunter2"):
        with pytest.raises(Fault) as caught:
            entries(f"Password: {value}\n".encode())
        assert "hunter2" not in str(caught.value.args)


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(Fault, match="grows too large"):
        document.read("\n".join(lines))


@pytest.mark.parametrize(
    ("last", "wrong"),
    [
        ("? *a299\n: x\n", "is nested too deeply"),
        ("b: {&b x: [*a299]}\n", "is nested too deeply"),
        ("? &b {*b : x}\n: y\n", "contains itself"),
    ],
)
def test_what_only_aliases_make_deep_or_endless_is_refused(last: str, wrong: str) -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300)), last]
    text = last if "*b" in last else "\n".join(lines)

    with pytest.raises(Fault, match=wrong):
        document.read(text)


def test_a_key_that_aliases_multiply_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"? &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n: x" for n in range(1, 9)]

    with pytest.raises(Fault, match="grows too large"):
        document.read("\n".join(lines))


def test_a_double_key_and_a_second_document_are_noticed() -> None:
    read_document = document.read("a: 1\nb: 2\na: 3\n---\nc: 4\n")

    assert [(3, 1)] == [(pair.span.first, pair.earlier) for pair in read_document.doubled]
    assert 4 == read_document.others


def test_comments_keep_their_places() -> None:
    text = "# one\na: 1 # two\nb: | # three\n  # text\nc: '# text' # four\n"

    noted = [(each.line, each.text, each.follows) for each in document.read(text).comments]

    assert noted == [
        (1, "# one", False),
        (2, "# two", True),
        (3, "# three", True),
        (5, "# four", True),
    ]


def test_the_sample_is_what_ruby_reads(ruby: Ruby) -> None:
    text = SAMPLE.read_text(encoding="utf-8")

    assert ruby.ask(text)["value"] == read(text)


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    with pytest.raises(Unreadable):
        psych.scalar("9" * 5000)
