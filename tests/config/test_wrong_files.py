"""Service files with a slip that people make: the line, what is wrong and what would be right.

Each file of `wrong_files/` begins with what it must be answered, a line `#! ` for each problem.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from supervisor.modules.loader import load_check

FILES = sorted((Path(__file__).parent / "wrong_files").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_slip_is_answered_with_its_line_and_the_remedy(path: Path) -> None:
    lines = path.read_bytes().decode(errors="replace").removeprefix("\ufeff").splitlines()
    wanted = [line.removeprefix("#! ") for line in lines if line.startswith("#! ")]

    with pytest.raises(ConfigError) as caught:
        load_service(path, lambda check: load_check(check).params)

    found = str(caught.value).replace(f"{path}:", "").replace(f"{path.parent}/", "")
    assert wanted == found.splitlines()
    assert "hunter2" not in str(caught.value)


def test_there_are_many_of_them() -> None:
    assert len(FILES) >= 80
