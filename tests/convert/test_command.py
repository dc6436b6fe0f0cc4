"""`scripts/convert_yaml.py` as a person types it: exit codes, files, reports."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from supervisor.convert.command import main
from tests.support.conversions import HEAD, SAMPLE, write

ROOT = Path(__file__).parent.parent.parent
"""The checkout."""

SCRIPT = ROOT / "scripts/convert_yaml.py"
"""What a person runs."""

GOOD = "- ModuleFileName: (#ModuleFilePath)/commonDailyCheck.rb\n  ExecuteTime: 09:00\n"
"""A module with a check of its own."""

PROGRAM = "- ModuleFileName: x.rb\n  Interval: 60\n  Parameter: {Password: hunter2, Host: db}\n"
"""A module that stays a program and has a password."""


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def convert(path: Path, *options: str) -> int:
    return main([str(path), f"--out={path.parent / 'out'}", *options])


@pytest.mark.parametrize("directory", [ROOT, Path("/")])
def test_it_runs_from_anywhere(tmp_path: Path, directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, SAMPLE, "--out", tmp_path],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "178 keys mapped, 0 not" in done.stdout
    assert ["KorPnrTest.toml"] == list(contents(tmp_path))


def test_it_says_what_to_install_when_pyyaml_is_missing(tmp_path: Path) -> None:
    script = tmp_path / "scripts/convert_yaml.py"
    script.parent.mkdir()
    shutil.copy(SCRIPT, script)
    done = subprocess.run(
        [sys.executable, "-S", "-E", script, "x"], capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert "pyyaml with libyaml" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_written_for_the_owner_alone(tmp_path: Path) -> None:
    path = write(tmp_path, PROGRAM)

    assert 0 == convert(path, f"--secrets-dir={tmp_path / 'secrets'}")
    (secret,) = (tmp_path / "secrets").iterdir()
    assert b"hunter2" == secret.read_bytes()
    assert 0o600 == stat.S_IMODE(secret.stat().st_mode)
    assert 0o700 == stat.S_IMODE(secret.parent.stat().st_mode)
    toml = tmp_path / "out/Kor.toml"
    assert 0o644 == stat.S_IMODE(toml.stat().st_mode)
    text = toml.read_text(encoding="utf-8")
    assert f'Kor-x-Password = {{ file = "{secret}" }}' in text
    assert 'Password = "{secret:Kor-x-Password}"' in text


def test_passwords_are_in_no_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, PROGRAM)
    convert(path, f"--secrets-dir={tmp_path / 'secrets'}")
    convert(path, "--json", "--force")
    convert(path, "--check")

    said = capfd.readouterr()
    assert "hunter2" not in said.out + said.err
    assert b"hunter2" not in contents(tmp_path / "out")["Kor.toml"]


def test_the_report_is_json_when_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, f"{GOOD}  Interval: 60\n  Comment: x\n")
    convert(path, "--json")
    (report,) = json.loads(capfd.readouterr().out)["files"]

    assert [str(path), str(tmp_path / "out/Kor.toml"), "written", "KOR", "UTF-8"] == [
        report[key] for key in ("input", "output", "state", "service", "encoding")
    ]
    assert [("daily", "daily", "commonDailyCheck.rb", "09:00", 5)] == [
        tuple(module[key] for key in ("name", "check", "legacy", "schedule", "line"))
        for module in report["modules"]
    ]
    assert [{"line": 8, "key": "Modules[0].Comment"}] == report["unmapped"]
    assert {"legacy": "ServiceName", "key": "service", "line": 1} in report["mapped"]
    assert ["Interval is not used"] == [note["text"][:20] for note in report["warnings"]]


def test_an_output_that_differs_is_kept_without_force(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD)
    assert 0 == convert(path)
    before = contents(tmp_path / "out")
    assert 0 == convert(path)
    write(tmp_path, GOOD.replace("09:00", "10:00"))

    assert 1 == convert(path)
    assert before == contents(tmp_path / "out")
    assert "use --force to overwrite" in capfd.readouterr().err
    assert 0 == convert(path, "--force")
    assert before != contents(tmp_path / "out")


def test_check_writes_nothing_and_tells_a_difference_by_its_exit_code(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    before = contents(tmp_path)

    assert 1 == convert(path, "--check")
    assert before == contents(tmp_path)
    assert 0 == convert(path)
    assert 0 == convert(path, "--check")
    (tmp_path / "out/Kor.toml").write_text("changed", encoding="utf-8")
    before = contents(tmp_path)
    assert 1 == convert(path, "--check")
    assert 1 == convert(path, "--check", "--force")
    assert before == contents(tmp_path)


def test_check_notices_a_secret_that_is_missing_or_open_to_others(tmp_path: Path) -> None:
    path, option = write(tmp_path, PROGRAM), f"--secrets-dir={tmp_path / 'secrets'}"
    assert 0 == convert(path, option)
    (secret,) = (tmp_path / "secrets").iterdir()

    assert 0 == convert(path, option, "--check")
    secret.chmod(0o644)
    assert 1 == convert(path, option, "--check")
    secret.unlink()
    assert 1 == convert(path, option, "--check")


def test_bad_input_exits_78_with_file_and_line_and_writes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good, bad = write(tmp_path, PROGRAM, "Good"), write(tmp_path, GOOD, "Bad")
    text = f"{HEAD}{GOOD}- ModuleFileName: x.rb\n- ModuleFileName: y.rb\n  Interval: no\n"
    bad.write_text(text, encoding="utf-8")
    before = contents(tmp_path)
    out = [f"--out={tmp_path / 'out'}", f"--secrets-dir={tmp_path / 'secrets'}"]

    assert 78 == main([str(good), str(bad), *out])
    assert [
        f"{bad}: line 7: has neither Interval nor ExecuteTime; write Interval: 300",
        f"{bad}: line 9: has an Interval that is not a number of seconds; "
        "write for example Interval: 300",
    ] == capfd.readouterr().err.splitlines()
    assert before == contents(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("ServiceName: x\nModules: []\n", 1, "has no Alertmanager with a URL"),
        ("ServiceName: x\nAlertmanager: {URL: 5}\nModules: []\n", 2, "has no URL below"),
        ("Alertmanager: {URL: 'http://h'}\nModules: []\n", 1, "has no ServiceName"),
        ("ServiceName: x\nAlertmanager: {URL: 'http://h'}\nModules: 5\n", 3, "no list of Modules"),
        ("- a\n", 1, "is not a mapping"),
        (HEAD + "- 5\n", 5, "has an item of Modules that is not a mapping"),
        (HEAD + "- ModuleFileName:\n  Interval: 60\n", 5, "has a ModuleFileName without a name"),
        (HEAD.replace("http:", "ftp:") + GOOD, 3, "is not a URL of http or https"),
        (
            HEAD + "- ModuleFileName: commonConnectionCheck.rb\n  Interval: 60\n  Parameter:\n"
            "    SendingServerList:\n    - {ServerName: a, HostName: b, PortNumber: 0}\n",
            9,
            "becomes modules[0].params.servers[0].port, which 0 is not a port",
        ),
        (
            HEAD + "- ModuleFileName: commonSessionCheck.rb\n  Interval: 60\n  Parameter:\n"
            "    SessionList:\n    - SessionName: a\n      SessionCheck: Equal\n",
            10,
            "has for SessionCheck neither Over nor Under",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, line: int, said: str
) -> None:
    path = write(tmp_path, "")
    path.write_text(text, encoding="utf-8")

    assert 78 == convert(path)
    error = capfd.readouterr().err
    assert f"{path}: line {line}: " in error
    assert said in error
    assert not (tmp_path / "out").exists()


def test_a_missing_input_exits_78_and_a_wrong_command_line_2(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)

    assert 78 == convert(tmp_path / "alertmanager_Gone.conf")
    assert 2 == main([str(path), str(path.rename(tmp_path / "Kor.yml"))])
    with pytest.raises(SystemExit) as raised:
        main([])
    assert 2 == raised.value.code


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path, option = write(tmp_path, PROGRAM), f"--secrets-dir={tmp_path / 'secrets'}"
    convert(path, option)
    write(tmp_path, PROGRAM.replace("hunter2", "hunter3").replace("60", "61"))
    before = contents(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr(os, "fsync", full)

    assert 1 == convert(path, option, "--force")
    assert "No space left on device" in capfd.readouterr().err
    assert before == contents(tmp_path)


def test_nothing_can_be_written_into_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "out").write_text("a file", encoding="utf-8")

    assert 1 == convert(path)
    assert "cannot " in capfd.readouterr().err


def test_the_module_path_is_where_the_agent_has_it_or_as_given(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    path = write(tmp_path / "config", "- ModuleFileName: (#ModuleFilePath)/x.rb\n  Interval: 60\n")
    found = []
    for options in ((), ("--force", "--module-path=/opt/modules")):
        convert(path, *options)
        toml = tomllib.loads((tmp_path / "config/out/Kor.toml").read_text(encoding="utf-8"))
        found.append(toml["modules"][0]["params"]["argv"])

    assert [
        ["ruby", f"{tmp_path}/lib/serviceMonitor/x.rb"],
        ["ruby", "/opt/modules/x.rb"],
    ] == found


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    outputs: list[dict[str, bytes]] = []
    for run in ("one", "two"):
        environment = {**os.environ, "PYTHONHASHSEED": str(len(outputs))}
        subprocess.run(
            [sys.executable, SCRIPT, SAMPLE, "--out", tmp_path / run],
            env=environment,
            check=True,
            capture_output=True,
        )
        outputs.append(contents(tmp_path / run))

    assert outputs[0] == outputs[1]
