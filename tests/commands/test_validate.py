"""What `validate` takes, and what it says of each file."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.__main__ import main
from tests.support.layered_files import write

RIGHT = 'service = "A"\n[[modules]]\ncheck = "system"\nevery = "1m"\n'
WRONG = RIGHT.replace('"1m"', '"1x"')

NEEDS = """
service = "B"
[alertmanager]
urls = ["http://127.0.0.1:9093"]
bearer_token = { file = "token" }
[[modules]]
check = "command"
every = "1m"
[modules.params]
protocol = "text"
argv = ["/nowhere/program"]
[[modules]]
check = "certificate"
every = "1m"
[[modules.params.certificates]]
name = "shop"
file = "absent.pem"
[[modules.params.certificates]]
name = "other"
file = "token"
[[modules]]
check = "log_pattern"
every = "1m"
[[modules.params.logs]]
path = "/nowhere/app-*.log"
pattern = "ERROR"
[[modules.params.logs]]
path = "/nowhere/other.log"
pattern = "ERROR"
optional = true
"""


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """Return a directory with one right and one wrong service file."""
    (tmp_path / "Right.toml").write_text(RIGHT)
    (tmp_path / "Wrong.toml").write_text(WRONG)
    return tmp_path


def test_files_and_names_may_be_mixed(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", str(configs / "Wrong.toml"), "Right", "--config-dir", str(configs)])

    out, err = capsys.readouterr()
    assert (code, out) == (78, f"{configs}/Right.toml: ok, 1 module\n")
    assert err.startswith(f"{configs}/Wrong.toml:4: module 'system': every: '1x' is not a duration")


def test_all_checks_each_file(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--all", "--config-dir", str(configs)]) == 78
    assert capsys.readouterr().out == f"{configs}/Right.toml: ok, 1 module\n"
    (configs / "Wrong.toml").unlink()
    assert main(["validate", "--all", "--config-dir", str(configs)]) == 0


def test_a_file_that_is_missing_is_named(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(configs / "None.toml")]) == 78
    assert main(["validate", "Rihgt", "--config-dir", str(configs)]) == 78
    err = capsys.readouterr().err
    assert f"{configs}/None.toml: cannot be read: No such file or directory; " in err
    assert "did you mean 'Right'? There are: Right, Wrong\n" in err


def test_a_problem_of_a_family_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = 'service = "A"\nextends = "families/Shop.toml"\n'
    files = {"A.toml": host, "B.toml": host, "families/Shop.toml": WRONG.partition("\n")[2]}
    write(tmp_path, {**files, "Gone.d/x.toml": "", "Right.toml": RIGHT})
    code = main(["validate", "--all", "--config-dir", str(tmp_path)])

    out, err = capsys.readouterr()
    assert (code, out) == (78, f"{tmp_path}/Right.toml: ok, 1 module\n")
    warning, problem, again = err.replace(f"{tmp_path}/", "").splitlines()
    assert problem.startswith(
        "families/Shop.toml:3: module 'system': every: '1x' is not a duration"
    )
    assert again == "B.toml: has the problems above"
    assert warning == (
        "Gone.d: warning: its fragments belong to no service; write Gone.toml, or remove it"
    )


@pytest.mark.parametrize("command", ["validate", "once", "plan", "doctor", "status", "tree"])
def test_without_a_service_those_that_exist_are_listed(
    configs: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--config-dir", str(configs)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("which service? write ")
    assert said.endswith("; there are: Right, Wrong\n")


def test_what_a_run_will_miss_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "B.toml"
    file.write_text(NEEDS)
    (tmp_path / "token").write_text("dummy")
    (tmp_path / "token").chmod(0o644)

    assert main(["validate", str(file)]) == 0

    out, err = capsys.readouterr()
    assert out == f"{file}: ok, 3 modules\n"
    said = [line.partition("; ")[0] for line in err.splitlines()]
    assert said == [
        f"{file}:5: alertmanager.bearer_token: warning: cannot use the secret {tmp_path}/token: "
        "others may read it",
        f"{file}:11: module 'command': argv: warning: cannot run /nowhere/program: "
        "No such file or directory: /nowhere/program",
        f"{file}:17: module 'certificate': certificates[0].file: warning: "
        f"{tmp_path}/absent.pem: no such file or directory",
        f"{file}:20: module 'certificate': certificates[1].file: warning: "
        f"{tmp_path}/token does not hold certificates in PEM",
        f"{file}:25: module 'log_pattern': logs[0].path: warning: no file fits /nowhere/app-*.log",
    ]


def test_what_is_there_is_not_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.log").touch()
    (tmp_path / "token").write_text("dummy")
    (tmp_path / "token").chmod(0o600)
    text = NEEDS.replace("/nowhere/program", "/bin/sh").replace("/nowhere/app-*", f"{tmp_path}/app")
    head, _, rest = text.partition('[[modules]]\ncheck = "certificate"')
    file = tmp_path / "B.toml"
    file.write_text(head + rest[rest.index("[[modules]]") :])

    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: ok, 2 modules\n", "")
