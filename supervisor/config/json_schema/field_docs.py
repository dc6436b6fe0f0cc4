"""The docstring under each field of a class. Python drops it, so it is read from the source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping


def field_docs(cls: type) -> Mapping[str, str]:
    """Return the docstrings of a class's fields, each in one line. A field may have none."""
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # the class is not in a file
        return {}
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - for the type checker
    found = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
    return found
