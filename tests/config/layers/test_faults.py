"""Each fault in the files of a family is told once, at the file and the line that has it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from supervisor.__main__ import main
from tests.config.layers.planted import PLANTED
from tests.config.layers.planting import FAMILY_FILE, FRAGMENT_FILE, HOST_FILE, MORE_FILE, Planted
from tests.support.layered_files import FAMILY, FILES, HOST, problems, write


def marked(files: Mapping[str, str], mark: str) -> str:
    """Return the only line that has a mark, as `FILE:LINE`. Empty: there is none."""
    found = [
        f"{name}:{number}"
        for name, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if line.endswith(f"# {mark}")
    ]
    assert len(found) <= 1
    return "".join(found)


def test_there_are_a_hundred() -> None:
    assert len(PLANTED) >= 100
    assert len({each.name for each in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: each.name)
def test_a_planted_fault_is_told_at_its_file_and_line(tmp_path: Path, planted: Planted) -> None:
    files = {**FILES, **planted.files}
    (problem,) = problems(write(tmp_path, files))

    assert problem.startswith(f"{marked(files, 'HERE')}: {planted.said}")
    assert marked(files, "FIRST") in problem
    assert "hunter2" not in problem
    assert re.search("; .", problem)


def test_without_a_fault_nothing_is_told(tmp_path: Path) -> None:
    assert problems(write(tmp_path, FILES)) == []


def as_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_loose_end(path: Path) -> None:
    path.unlink()
    path.symlink_to("absent.toml")


UNREADABLE: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "a directory": (as_directory, "cannot be read: Is a directory"),
    "a pipe": (as_pipe, "cannot be read: it is not a regular file"),
    "a link to nothing": (as_loose_end, "cannot be read: No such file or directory"),
    "a huge file": (lambda path: os.truncate(path, 1 << 40), "cannot be read: it is larger than"),
    "for everybody to write": (lambda path: path.chmod(0o666), "may be written by everybody"),
    "in a directory of everybody": (
        lambda path: path.parent.chmod(0o777),
        "may be written by everybody",
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_fragment_that_cannot_be_used_is_named(tmp_path: Path, what: str) -> None:
    path = write(tmp_path, FILES)
    spoil, said = UNREADABLE[what]
    spoil(tmp_path / FRAGMENT_FILE)

    (problem,) = problems(path)
    assert problem.startswith(f"{FRAGMENT_FILE}: {said}")


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_family_that_cannot_be_used_is_told_where_it_is_named(tmp_path: Path, what: str) -> None:
    path = write(tmp_path, FILES)
    spoil, said = UNREADABLE[what]
    spoil(tmp_path / FAMILY_FILE)

    (problem,) = problems(path)
    assert problem.startswith(f"{HOST_FILE}:2: extends: names {FAMILY_FILE}, which {said}")


def test_no_directory_above_a_family_may_be_written_by_everybody(tmp_path: Path) -> None:
    deep = "families/kor/pnr/All.toml"
    host = HOST.replace(FAMILY_FILE, deep)
    path = write(tmp_path, {**FILES, HOST_FILE: host, deep: FAMILY})
    assert problems(path) == []
    (tmp_path / "families").chmod(0o777)

    (problem,) = problems(path)
    assert problem.startswith(f"{HOST_FILE}:2: extends: names {deep}, which may be written by ")


@pytest.mark.parametrize("name", [FAMILY_FILE, FRAGMENT_FILE, "families", "KorPnrProd1.d"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_no_file_may_be_another_owners(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, FILES)
    os.chown(tmp_path / name, 54321, 0)

    (problem,) = problems(path)
    assert problem.startswith(
        f"{FRAGMENT_FILE}: " if name.startswith("Kor") else f"{HOST_FILE}:2: extends: names "
    )
    assert f"{name} belongs to UID 54321" in problem


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_user_extends_no_file_of_a_third_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, FILES)
    for each in (path, tmp_path):
        os.chown(each, 4711, 0)
    os.chown(tmp_path / FAMILY_FILE, 54321, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)

    (problem,) = problems(path)
    assert problem.startswith(
        f"{HOST_FILE}:2: extends: names {FAMILY_FILE}, which is another owner's: {FAMILY_FILE} "
        f"belongs to UID 54321; chown root {FAMILY_FILE}"
    )


def test_no_link_leads_out_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text(FAMILY)
    path = write(tmp_path / "inside", FILES)
    (path.parent / FAMILY_FILE).unlink()
    (path.parent / FAMILY_FILE).symlink_to(outside)

    (problem,) = problems(path)
    assert problem.startswith(f"{HOST_FILE}:2: extends: leads out of {path.parent}; ")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    host = HOST.replace('"127.0.100.1"', '"gateway"') + '[alertmanager]\nusername = "x"\n'
    path = write(tmp_path, {**FILES, HOST_FILE: host, MORE_FILE: "lables = 1\n"})

    assert [each.partition(": ")[0] for each in problems(path)] == [
        f"{HOST_FILE}:6",
        f"{HOST_FILE}:8",
        f"{MORE_FILE}:1",
    ]


def test_a_plain_file_has_no_variables_and_overrides_nothing(tmp_path: Path) -> None:
    text = 'service = "X"\n[alertmanager]\noverride = true\nusername = { var = "user" }\n'
    path = write(tmp_path, {"Shop.toml": text})

    assert [each for each in problems(path) if "password" not in each] == [
        "Shop.toml:4: alertmanager.username: is a table, not text; "
        "declare the variable under [vars]",
        "Shop.toml:3: alertmanager.override: is not a known key; "
        "remove it: no other file says what this one says",
    ]


def test_a_warning_names_the_file_that_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family = FAMILY.replace('username = "kor"', 'username = "${KOR}"')
    write(tmp_path, {**FILES, FAMILY_FILE: family})

    assert main(["validate", "KorPnrProd1", "--strict", "--config-dir", str(tmp_path)]) == 78
    assert (
        f"{tmp_path}/{FAMILY_FILE}:13: alertmanager.username: warning: has ${{KOR}}, "
        "which is not filled in" in capsys.readouterr().err
    )
