"""Each block of commands in the documents is run, or says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.doc_blocks import MARK, ROOT, Block, blocks, pages
from tests.support.doc_host import DocHost, doc_host
from tests.support.network_namespace import needs_root

BLOCKS = [block for path in pages() for block in blocks(path)]
RUN = [block for block in BLOCKS if block.mark in ("", "run")]

PAGE = """\
Text:

    first \\
        go on

    second
and text

<!-- run: exit 1 -->

    third

<!-- not run: needs a moon -->
```sh
fourth
```
```toml
no = "command"
```
- entry

      not a block
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocHost]:
    with doc_host(tmp_path_factory.mktemp("host")) as made:
        yield made


def test_blocks_are_found_with_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")

    assert [(each.text, each.mark, each.exit_code, each.line) for each in blocks(page)] == [
        ("first \\\n    go on\n\nsecond\n", "", 0, 3),
        ("third\n", "run", 1, 11),
        ("fourth\n", "not run", 0, 14),
    ]


def test_there_are_blocks_that_are_run() -> None:
    assert len(RUN) >= 8
    assert any(block.page == "README.md" for block in RUN)


def test_what_a_mark_says_is_so() -> None:
    """A reason is a sentence of its own; a test that runs a block is there; no mark is lost."""
    marked = [block for block in BLOCKS if block.mark]
    wrong = [str(block) for block in marked if block.mark == "run" and not block.exit_code]
    for block in marked:
        if block.mark == "run by" and not (ROOT / block.note).is_file():
            wrong.append(str(block))
        if block.mark == "not run" and len(block.note.split()) < 3:
            wrong.append(str(block))
    marks = [mark for path in pages() for mark in re.findall(MARK, path.read_text("utf-8"))]

    assert wrong == []
    assert len(marks) == len(marked)


@needs_root
@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", RUN, ids=str)
def test_the_commands_of_the_block_work(host: DocHost, block: Block) -> None:
    done = host.run(block.text)

    assert done.returncode == block.exit_code, f"{block}\n{block.text}\n{done.stdout}"


def test_the_service_of_the_readme_is_shipped() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```toml\n(.*?)^```$", readme, re.M | re.S)

    assert (ROOT / "configs" / "Shop.toml").read_text(encoding="utf-8") in shown
