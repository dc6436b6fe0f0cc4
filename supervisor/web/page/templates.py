"""The files of the page: templates, style sheet and script. They are read and compiled once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup

from supervisor.text import clean, counted
from supervisor.web.page.page import Page
from supervisor.web.page.subjects import alert, module
from supervisor.web.page.subjects.view import AlertView, ModuleView
from supervisor.web.page.view import Mail, View

SECTIONS = (
    "title",
    "icon",
    "verdict",
    "peers",
    "alerts",
    "modules",
    "timeline",
    "reports",
    "footer",
)
"""The ids of the elements that the live page replaces."""

MODULE_SECTIONS = ("measured", "output", "runs", "settings", "episodes")
"""The sections that the page of a module has besides its alerts."""

ALERT_SECTIONS = ("measured", "detail", "settings", "episodes")
"""The sections that the page of an alert has besides the alert."""

_AROUND = ("title", "icon", "verdict", "footer")
"""The sections that stand outside of the main part."""

_HERE = Path(__file__).parent

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals["counted"] = counted
_page = _environment.get_template("page.html")
_mail = _environment.get_template("mail.html")
_sections = _environment.get_template("sections.html")
_subjects = _environment.get_template("subjects/subjects.html")
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
    module = _sections.make_module(Page(view).values())
    return {name: clean(str(getattr(module, f"{name}_section")())) for name in SECTIONS}


def module_sections(view: ModuleView) -> dict[str, str]:
    """Return the HTML of each section of a module's page by its id."""
    return _about(module.values(view), MODULE_SECTIONS)


def alert_sections(view: AlertView) -> dict[str, str]:
    """Return the HTML of each section of an alert's page by its id."""
    return _about(alert.values(view), ALERT_SECTIONS)


def _about(values: dict[str, object], names: Iterable[str]) -> dict[str, str]:
    shared, own = _sections.make_module(values), _subjects.make_module(values)
    first = {name: getattr(shared, f"{name}_section") for name in (*_AROUND, "alerts")}
    made = first | {name: getattr(own, f"{name}_section") for name in names}
    return {name: clean(str(section())) for name, section in made.items()}


def document(found: Mapping[str, str], kind: str = "overview", events: str = "api/events") -> str:
    """Return the whole page around its sections.

    `kind` is its class in the style sheet. `events` is the address of its changes.
    """
    safe = {name: Markup(html) for name, html in found.items()}  # noqa: S704 - escaped by `sections`
    return _page.render(
        {name: safe.pop(name) for name in _AROUND}
        | {"style": Markup(_style), "script": Markup(_script)}  # noqa: S704 - our own files
        | {"body": list(safe.values()), "kind": kind, "events": events, "filter": "modules" in safe}
    )


def mail(shown: Mail) -> str:
    """Return a mail as a page of its own."""
    detail = Markup(shown.detail)  # noqa: S704 - a detail is HTML; the page is a sandbox
    return clean(_mail.render(title=shown.title, detail=detail, message=shown.message))
