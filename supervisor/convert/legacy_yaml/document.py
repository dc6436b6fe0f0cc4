"""Reads the first YAML document of a text into nodes, as `YAML.unsafe_load` reads it.

ruamel.yaml composes the nodes; what their scalars are is decided here, by Psych's rules.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.docinfo import DocInfo
from ruamel.yaml.error import MarkedYAMLError

from supervisor.convert.legacy_yaml.builder import Builder, Untagged
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.libyaml import Comment, LibyamlScanner
from supervisor.convert.legacy_yaml.nodes import Node, Pair, children

DEEPEST = 90
"""Levels of nesting: Ruby's `to_json` refuses more than 100."""

LARGEST = 200_000
"""Values, each alias counted anew."""


@define
class Document:
    """The root, where further documents begin (0 if there are none), and what was odd."""

    root: Node
    text: str
    others: int = 0
    comments: list[Comment] = field(factory=list)
    doubled: list[Pair] = field(factory=list)


def read(text: str) -> Document:
    """Return the first document; raises `Fault` for what is no YAML."""
    composed, others, comments = _compose(text)
    builder = Builder()
    try:
        document = Document(builder.build(composed), text, others, comments, builder.doubled)
        _measure(document.root, {}, ())
    except RecursionError:
        raise Fault(1, "is nested too deeply", "write it flatter") from None
    return document


def _compose(text: str) -> tuple[Any, int, list[Comment]]:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    yaml.Resolver = Untagged
    yaml.Scanner = LibyamlScanner
    yaml.max_depth = DEEPEST
    yaml.doc_infos.append(DocInfo())  # where the scanner notes a %YAML line
    try:
        _, parser = yaml.get_constructor_parser(text)
        yaml.composer.warn_double_anchors = False
        node = yaml.composer.get_node() if yaml.composer.check_node() else None
    except MaxDepthExceededError as error:
        raise Fault(_line(error), "is nested too deeply", "write it flatter") from None
    except MarkedYAMLError as error:
        raise _syntax_fault(error) from None
    except RecursionError:
        raise Fault(1, "is nested too deeply", "write it flatter") from None
    except Exception:  # ruamel has many ways to fail on what is no YAML
        raise Fault(1, "is no YAML", "correct it until Ruby reads it") from None
    if node is None:
        raise Fault(1, "is empty", "give it ServiceName, Alertmanager and Modules")
    comments = list(yaml.scanner.noted)
    # Psych stops after the first document, whatever follows.
    try:
        others = parser.peek_event().start_mark.line + 1 if yaml.composer.check_node() else 0
    except Exception:  # as above, but it does not matter here
        others = yaml.reader.line + 1
    return node, others, [each for each in comments if not others or each.line < others]


def _line(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return 1 if mark is None else int(mark.line) + 1


def _syntax_fault(error: MarkedYAMLError) -> Fault:
    # The library's own text may quote a value, and that may be a password.
    problem = str(error.problem or "")
    remedy = "correct it; `ruby -ryaml -e 'YAML.unsafe_load_file(ARGV[0])' FILE` must read it"
    wrong = "is no YAML"
    if "alias" in problem:
        wrong, remedy = "refers to an anchor that is not there", "put a text with * in quotes"
    elif "\\t" in problem or "tab" in problem:
        wrong, remedy = "is indented with a tab", "indent with spaces"
    elif "mapping values are not allowed" in problem:
        wrong, remedy = "has a ': ' too many", "put a text with ': ' in quotes"
    elif "<block end>" in problem:
        wrong, remedy = "is indented otherwise than what it belongs to", "indent alike"
    elif problem and "'" not in problem and '"' not in problem:
        wrong = f"is no YAML: {problem}"
    return Fault(_line(error), wrong, remedy)


def _measure(node: Node, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Return how many values the node has, each alias counted anew."""
    if id(node) in above:
        wrong = "contains itself by an alias, which JSON cannot hold"
        raise Fault(node.span.first, wrong, "write the value out")
    if id(node) not in known:
        inner = (_measure(child, known, (*above, id(node))) for child in children(node))
        known[id(node)] = 1 + sum(inner)
    if known[id(node)] > LARGEST:
        raise Fault(node.span.first, "grows too large by its aliases", "write it out")
    return known[id(node)]
