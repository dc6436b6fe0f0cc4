"""Label matchers as Alertmanager reads them."""

from __future__ import annotations

import sys

import pytest

from supervisor.doctor.routing.matchers import Matcher, MatcherUnreadable, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", [Matcher("a", "=", "b")]),
        ('a="b"', [Matcher("a", "=", "b")]),
        (' a != "b c" ', [Matcher("a", "!=", "b c")]),
        ('{a=~"x|y",b!~z,}', [Matcher("a", "=~", "x|y"), Matcher("b", "!~", "z")]),
        ('a="x,y",b=""', [Matcher("a", "=", "x,y"), Matcher("b", "=", "")]),
        (r'a="1\"2\\3\n4\d"', [Matcher("a", "=", '1"2\\3\n4\\d')]),
        ('"한글"="값"', [Matcher("한글", "=", "값")]),
        ("foo.bar=x", [Matcher("foo.bar", "=", "x")]),
        ('région!="x"', [Matcher("région", "!=", "x")]),
        ('a-b!~"z|y"', [Matcher("a-b", "!~", "z|y")]),
        ("", []),
        ("{}", []),
    ],
)
def test_commas_separate_the_matchers_of_a_line(text: str, expected: list[Matcher]) -> None:
    assert parse(text) == tuple(expected)


@pytest.mark.parametrize("text", ["a", "=b", 'a="b', 'a=b"', 'a="b"c"', "a b=c", "a=b,,c=d"])
def test_an_invalid_matcher_is_refused(text: str) -> None:
    with pytest.raises(MatcherUnreadable, match="cannot read the matcher"):
        parse(text)


@pytest.mark.parametrize(
    ("matcher", "yes", "no"),
    [
        (Matcher("a", "=", "x"), ["x"], ["y", "X", "xx", ""]),
        (Matcher("a", "!=", "x"), ["y", ""], ["x"]),
        (Matcher("a", "=", ""), [""], ["x"]),
        (Matcher("a", "=~", "x|y.*"), ["x", "yes"], ["xx", "ax", ""]),
        (Matcher("a", "!~", "x|y.*"), ["xx", ""], ["x", "yes"]),
        (Matcher("a", "=~", "^(W|E)$"), ["W", "E"], ["WE", "TE", "W\n"]),
        (Matcher("a", "=~", ".+"), ["x"], ["", "x\ny"]),
        (Matcher("a", "=~", r"\d+"), ["12"], ["१२"]),
        (Matcher("a", "=~", r"[[:alpha:]]+\z"), ["ab"], ["a1"]),
        (Matcher("a", "=~", "(?i)abc"), ["ABC"], ["ab"]),
        (Matcher("a", "=~", r"\pL+"), ["한글"], ["1", ""]),
    ],
)
def test_a_matcher_compares_the_whole_value(
    matcher: Matcher, yes: list[str], no: list[str]
) -> None:
    assert [value for value in (*yes, *no) if matcher.matches({"a": value})] == yes


def test_a_missing_label_is_an_empty_one() -> None:
    assert Matcher("a", "=", "").matches({})
    assert Matcher("a", "!~", "x").matches({})
    assert not Matcher("a", "=~", ".+").matches({})


def test_a_regular_expression_that_cannot_be_judged_is_named() -> None:
    with pytest.raises(MatcherUnreadable, match=r"cannot judge .*\\\\pX"):
        Matcher("a", "=~", r"\pX")


def test_python_alone_judges_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)

    assert Matcher("a", "=~", "W|E").matches({"a": "W"})
    with pytest.raises(MatcherUnreadable, match="cannot judge"):
        Matcher("a", "=~", r"\pL")
