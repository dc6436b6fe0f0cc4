"""The files of the page: templates, style sheet and script. They are read and compiled once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup

from supervisor.text import clean, counted
from supervisor.web.page.links import module_path
from supervisor.web.page.page import Page
from supervisor.web.page.view import Mail, View

FILES = {
    "title": "head.html",
    "icon": "head.html",
    "verdict": "head.html",
    "peers": "peers.html",
    "alerts": "alerts.html",
    "modules": "modules.html",
    "timeline": "modules.html",
    "reports": "peers.html",
    "footer": "head.html",
}
"""The ids of the elements that the live page replaces, in their order, and where each is made.

Several small files take less memory to compile than a large one.
"""

AROUND = ("title", "icon", "verdict", "footer")
"""The sections that stand outside of the main part."""

_HERE = Path(__file__).parent

environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["counted"] = counted
environment.globals["module_path"] = module_path
_page = environment.get_template("page.html")
_mail = environment.get_template("mail.html")
_templates = {file: environment.get_template(file) for file in sorted({*FILES.values()})}
_style = (_HERE / "page.css").read_text(encoding="utf-8")
_script = (_HERE / "live.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_hash(_style)}; script-src {_hash(_script)}; "
    "img-src data:; connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""The page's content security policy: it allows our own style sheet and script, and no others."""


def sections(view: View) -> dict[str, str]:
    """Return the HTML of each section by its id."""
    return made(Page(view).values(), FILES)


def made(values: dict[str, object], names: Collection[str]) -> dict[str, str]:
    """Return the HTML of these sections by their ids."""
    files = {FILES[name] for name in names}
    modules = {file: _templates[file].make_module(values) for file in files}
    return {name: clean(str(getattr(modules[FILES[name]], f"{name}_section")())) for name in names}


def document(found: Mapping[str, str], kind: str = "overview", events: str = "api/events") -> str:
    """Return the whole page around its sections.

    `kind` is its class in the style sheet. `events` is the address of its changes.
    """
    safe = {name: Markup(html) for name, html in found.items()}  # noqa: S704 - escaped by `sections`
    return _page.render(
        {name: safe.pop(name) for name in AROUND}
        | {"style": Markup(_style), "script": Markup(_script)}  # noqa: S704 - our own files
        | {"body": list(safe.values()), "kind": kind, "events": events, "filter": "modules" in safe}
    )


def mail(shown: Mail) -> str:
    """Return a mail as a page of its own."""
    detail = Markup(shown.detail)  # noqa: S704 - a detail is HTML; the page is a sandbox
    return clean(_mail.render(title=shown.title, detail=detail, message=shown.message))
