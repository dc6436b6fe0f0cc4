"""How sphinx makes the site of the documents: see scripts/docs."""

from __future__ import annotations

import re
from pathlib import Path

from pygments.lexers import TextLexer
from sphinx.application import Sphinx

from supervisor import __version__

KINDS = {
    ".": "",
    "tutorial": "Tutorial",
    "how-to": "How to",
    "reference": "Reference",
    "explanation": "Explanation",
}
"""The folders of the documents, and what the list of all pages calls them."""

LINK = re.compile(r"\]\((?P<path>\.\./[^)#\s]+)(#[^)]*)?\)")
"""A link that may lead out of the documents."""

project = "alertmanager-supervisor"
author = "the authors of alertmanager-supervisor"
version = release = __version__
html_title = f"{project} {release}"
html_theme = "furo"
html_copy_source = False
smartquotes = False  # a quotation mark in a help text may belong to TOML
extensions = ["myst_parser"]
root_doc = "index"
myst_heading_anchors = 4


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """Change what only the site needs, so that the pages stay plain Markdown."""
    docs = Path(app.srcdir)
    folder = (docs / page).parent
    source[0] = LINK.sub(lambda link: _link(link, folder, docs), source[0])
    if page == root_doc:
        source[0] += _list_of_pages(docs)


def _link(link: re.Match[str], folder: Path, docs: Path) -> str:
    """Return a link to a file of the project that is not a page as one to the file itself."""
    target = (folder / link["path"]).resolve()
    if target.suffix != ".md" or target.is_relative_to(docs):
        return link[0]
    return f"](<path:{link['path']}>)"


def _list_of_pages(docs: Path) -> str:
    """Return the lists of pages that are shown beside each page."""
    lines = [""]
    for folder, caption in KINDS.items():
        # The index of a folder, which says what its pages are, comes first.
        pages = sorted(docs.glob(f"{folder}/*.md"), key=lambda path: (path.stem != "index", path))
        lines += [
            "",
            "```{toctree}",
            ":hidden:",
            *([f":caption: {caption}"] if caption else []),
            "",
        ]
        names = [str(path.relative_to(docs).with_suffix("")) for path in pages]
        lines += [f"/{name}" for name in names if name != root_doc]
        lines += ["```"]
    return "\n".join(lines)


def setup(app: Sphinx) -> None:
    """Called by sphinx."""
    # What draws such a diagram would have to be loaded from elsewhere: its text is shown.
    app.add_lexer("mermaid", TextLexer)
    app.connect("source-read", adapt)
