"""The site of the documents: it builds, its links lead somewhere, and it loads nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.reference.markdown import anchor

ROOT = Path(__file__).parent.parent

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|link\b[^>]*\brel="(?:stylesheet|icon|preload)")\b[^>]*?"""
    r"""\s(?:src|href)="(?P<from>[^"]*)"|(?:url\(|@import )\s*["']?(?P<style>https?:|//)""",
)
"""What a browser loads for a page: scripts, pictures, styles, fonts."""


def build(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as scripts/docs does."""
    options = re.search(
        r"-m sphinx (.*?)--conf-dir", (ROOT / "scripts" / "docs").read_text("utf-8"), re.DOTALL
    )
    assert options
    words = options[1].replace("\\\n", " ").split()
    command = [sys.executable, "-m", "sphinx", *words, "--conf-dir", "scripts/site", docs, site]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", made)

    assert (done.returncode, done.stderr) == (0, "")
    return made


def test_each_document_is_a_page(site: Path) -> None:
    documents = (ROOT / "docs").rglob("*.md")
    wanted = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in documents}

    assert {page for page in wanted if not (site / page).is_file()} == set()


def test_each_picture_of_a_document_is_there(site: Path) -> None:
    shown = {
        Path(name).name
        for path in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", path.read_text("utf-8"))
    }

    assert len(shown) > 5
    assert shown == {path.name for path in (site / "_images").iterdir()}


def test_each_page_has_a_list_of_all_pages(site: Path) -> None:
    page = (site / "reference" / "checks.html").read_text("utf-8")
    beside = page.partition('class="sidebar-tree"')[2].partition("</aside>")[0]
    listed = set(re.findall(r'class="reference internal" href="([\w./-]*)', beside))

    assert {"alerts.html", "../how-to/migrate.html", "../explanation/security.html"} <= listed


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = {
        f"{path.relative_to(site)}: {found[0]}"
        for path in site.rglob("*")
        if path.suffix in (".html", ".css")
        for found in LOADS.finditer(path.read_text("utf-8"))
        if found["style"] or re.match(r"https?:|//", found["from"])
    }

    assert loaded == set()


def headings(page: Path) -> set[str]:
    """Return the anchors of a page. A comment in a block is not a heading."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {anchor(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_links_between_the_site_and_other_documents_lead_to_a_heading() -> None:
    """Sphinx does not see them: it knows the pages below docs/ alone."""
    pages = [
        path for part in ("*.md", "docs/**/*.md", "configs/**/*.md") for path in ROOT.glob(part)
    ]
    linked = [
        (page, (page.parent / name).resolve(), title)
        for page in pages
        for name, title in re.findall(r"\]\(([^)#:\s]+\.md)#([^)]+)\)", page.read_text("utf-8"))
    ]

    assert len(linked) > 50
    assert [
        f"{page.relative_to(ROOT)}: {target.name}#{title}"
        for page, target, title in linked
        if title not in headings(target)
    ] == []


DEAD_LINKS = {
    "[a page](reference/gone.md)": "'reference/gone.md'",
    "[a heading](#no-heading)": "'no-heading'",
    "[a heading](reference/index.md#nowhere)": "'nowhere'",
    "[a file](../gone.toml)": "'../gone.toml'",
    "![a picture](gone.png)": "gone.png",
}
"""Links that lead nowhere, with what the warning names."""


def test_a_dead_link_is_an_error(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "reference").mkdir(parents=True)
    (docs / "index.md").write_text("\n\n".join(["# Documents", *DEAD_LINKS]), encoding="utf-8")
    (docs / "reference" / "index.md").write_text("# Reference\n", encoding="utf-8")

    done = build(docs, tmp_path / "site")

    assert done.returncode == 1
    assert [name for name in DEAD_LINKS.values() if name not in done.stderr] == []
