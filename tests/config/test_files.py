"""Finding a service file and reading its TOML."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from supervisor.config import files
from supervisor.config.files import directories, find
from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from tests.support.service_file import SERVICE, Ports, load, params_of, problems


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("service = ", 1, "is not TOML: has no value after =; "),
        ('service = "a"\nservice = "b"', 2, "is not TOML: service is given twice, first in "),
        ('x = "hunter2', 1, "is not TOML: has a text whose quote does not end; "),
        ("\nx = '''hunter2", 2, "is not TOML: begins a text in ''' that does not end; "),
        ("\n\nx = 1979-99-99", 3, "column 9: is not TOML: Expected newline or end "),
        (b'service = "a"\nx = "\xff"', 2, "is not UTF-8: the byte 0xff; save the file as UTF-8"),
        (b"\xff\xfe", 1, "is not UTF-8 but UTF-16; save the file as UTF-8"),
        ("a = " + "[" * 10_000, 0, "is nested too deeply; "),
        ("a = " + "1" * 5_000, 0, "cannot be read as TOML; "),
    ],
)  # fmt: skip
def test_text_that_is_not_toml_is_named_with_its_place(
    tmp_path: Path, text: str | bytes, line: int, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    where = f"{tmp_path / 'KorPnrTest.toml'}:{line or ''}".removesuffix(":")
    assert str(caught.value).startswith(f"{where}: {said}")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "Marked.toml"
    path.write_text(SERVICE, encoding="utf-8-sig")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, b'\xef\xbb\xbf# one\nx = "\xff"')

    assert load_service(path, params_of).service == "KOR-PNR-TEST"
    assert ":2: is not UTF-8: " in str(caught.value)


def test_a_pipe_and_a_huge_file_are_refused_without_a_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml", 0o600)
    (tmp_path / "huge.toml").touch(0o600)
    os.truncate(tmp_path / "huge.toml", 1 << 40)

    for name, wrong in (("pipe", "it is not a regular file"), ("huge", "it is larger than 16 MiB")):
        with pytest.raises(ConfigError, match=f"{name}.toml: cannot be read: {wrong}; give a TOML"):
            load_service(tmp_path / f"{name}.toml", params_of)


def test_deep_dotted_keys_are_refused(tmp_path: Path) -> None:
    deep = "[modules.params.anything]\n" + ".".join("a" * 5_000) + " = 1"

    (problem,) = problems(tmp_path, SERVICE + '[[modules]]\ncheck = "ports"\nevery = 1\n' + deep)

    assert problem.endswith("is nested too deeply; write it flatter")


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path / "absent.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_service(path, params_of)

        remedy = "give a TOML file in UTF-8 that this user may read"
        assert f"{path}: cannot be read: {why}; {remedy}" == str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_service(Path("a\0b"), params_of)


def test_a_service_is_found_in_the_first_directory_that_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for directory, name in ((first, "Demo"), (second, "Demo"), (second, "KorPnrTest")):
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.toml").touch()

    assert first / "Demo.toml" == find("Demo", [first, second])
    assert second / "KorPnrTest.toml" == find("KorPnrTest", [first, second])


def test_an_unknown_service_lists_those_that_exist(tmp_path: Path) -> None:
    for name in ("Demo", "KorPnrTest"):
        (tmp_path / f"{name}.toml").touch()

    for name, remedy in (
        ("KorPnrtest", "did you mean 'KorPnrTest'? There are: Demo, KorPnrTest"),
        ("Xyzzy", "there are: Demo, KorPnrTest"),
    ):
        with pytest.raises(ConfigError) as caught:
            find(name, [tmp_path])

        wrong = f"there is no {name}.toml in {tmp_path}"
        assert f"service {name}: {wrong}; {remedy}" == str(caught.value)
        assert caught.value.exit_code == 78
    with pytest.raises(ConfigError) as caught:
        find("Demo", [tmp_path / "absent"])
    assert str(caught.value).endswith(f"; write {tmp_path}/absent/Demo.toml")


@pytest.mark.parametrize("name", ["", ".", "..", "../Demo", "a/b", "/etc/passwd", "a\0b", "a\nb"])
def test_a_name_of_a_service_is_not_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a name of a service; give the file's name"):
        find(name, [tmp_path])


def test_directories_are_those_given_else_the_variable_else_configs_else_etc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERVISOR_CONFIG_DIR", raising=False)

    assert directories([]) == (Path("/etc/supervisor"),)
    os.mkdir("configs")
    assert directories([]) == (Path("configs"),)
    monkeypatch.setenv("SUPERVISOR_CONFIG_DIR", "/srv/a")
    assert directories([]) == (Path("/srv/a"),)
    assert directories([Path("b"), Path("c")]) == (Path("b"), Path("c"))


@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path, which: str) -> None:
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n', encoding="utf-8")
    writable = path if which == "file" else tmp_path
    writable.chmod(writable.stat().st_mode | 0o002)

    with pytest.raises(ConfigError) as raised:
        load_service(path, lambda _: Ports)
    assert "may be written by everybody" in str(raised.value)
    assert f"; chmod o-w {writable}" in str(raised.value)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a service file that belongs to the user of the tests."""
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n', encoding="utf-8")
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("which", ["file", "directory"])
def test_root_refuses_what_another_user_owns(tmp_path: Path, mine: Path, which: str) -> None:
    others = mine if which == "file" else tmp_path
    os.chown(others, 54321, 0)

    with pytest.raises(ConfigError) as raised:
        load_service(mine, lambda _: Ports)
    assert (
        f"{mine}: is not root's: {others} belongs to UID 54321, whose commands root would run; "
        f"chown root {others}, or run it as UID 54321"
    ) == str(raised.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of root")
def test_root_looks_up_no_user_for_its_own_files(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwnam", lambda _: pytest.fail("a directory service may hang"))

    assert load_service(mine, lambda _: Ports).service == "X"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_takes_what_the_user_of_the_unit_owns(
    tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = pwd.getpwnam("nobody")
    drop_ins = tmp_path / "supervisor@.service.d"
    drop_ins.mkdir()
    (drop_ins / "user.conf").write_text("[Service]\nUser=nobody\nGroup=nogroup\n")
    monkeypatch.setattr(files, "DROP_INS", drop_ins)
    os.chown(mine, user.pw_uid, 0)
    os.chown(tmp_path, user.pw_uid, 0)

    assert load_service(mine, lambda _: Ports).service == "X"
    (drop_ins / "user.conf").unlink()
    with pytest.raises(ConfigError, match="belongs to nobody"):
        load_service(mine, lambda _: Ports)


def test_a_user_may_run_what_another_owns(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(mine).st_uid + 1)

    assert load_service(mine, lambda _: Ports).service == "X"


def test_a_directory_with_the_sticky_bit_is_no_danger(tmp_path: Path) -> None:
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n', encoding="utf-8")
    tmp_path.chmod(0o1777)

    assert load_service(path, lambda _: Ports).service == "X"
