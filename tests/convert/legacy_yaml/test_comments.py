"""Comments are what stands between the scalars of a document, wherever libyaml skips one."""

from __future__ import annotations

import pytest

from supervisor.convert.legacy_yaml import document


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# one\r\na: 1 # two\r\n", ["# one", "# two"]),
        ("a: 'x'# after a quote\n", ["# after a quote"]),
        ("a: [# in\n  1, # a\n  'b # c' # list\n]\n", ["# in", "# a", "# list"]),
        ("a: http://h/#x\nb: c#d # e\n", ["# e"]),
        ('a: "x # y\n  z" # end\n', ["# end"]),
        ("a: one\n  # two\n", ["# two"]),
        ("a: | # head\n  # text\n # behind\nb: 1\n", ["# head", "# behind"]),
        ("a: >- # head\n\n  text # text\n\n# behind\n", ["# head", "# behind"]),
        ("a: &x # anchor\n  1 # value\n", ["# anchor", "# value"]),
        ("a: !!str # tag\n  | # head\n  # text\n", ["# tag", "# head"]),
        ("a: &x\n  # below an anchor\nb: *x # alias\n", ["# below an anchor", "# alias"]),
        ("--- # start\na: 1\n... # end\n# last\n", ["# start", "# end", "# last"]),
        ("%YAML 1.1 # directive\n---\na: 1\n", ["# directive"]),
        ("가: 나 # 다\n라: 마 # 바\n", ["# 다", "# 바"]),
    ],
)
def test_comments_are_found_outside_of_scalars_alone(text: str, found: list[str]) -> None:
    assert found == [comment.text for comment in document.read(text).comments]


def test_a_comment_knows_its_place() -> None:
    read = document.read(" # one\r\n가: 1\t # two \r\n")

    assert [(1, 1, False), (2, 6, True)] == [
        (comment.line, comment.column, comment.follows) for comment in read.comments
    ]


@pytest.mark.parametrize("second", ["---\nb: 2 # two\n", "...\n] # two\n"])
def test_comments_of_a_second_document_are_left_out(second: str) -> None:
    read = document.read(f"a: 1 # one\n{second}")

    assert ["# one"] == [comment.text for comment in read.comments]
