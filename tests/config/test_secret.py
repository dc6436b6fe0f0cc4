"""A secret is read where it is kept, refused when others may read it, and never shown."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from supervisor.config.secret import Secret
from supervisor.errors import SecretUnreadable

VALUE = "hunter2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{VALUE}\n")
    path.chmod(0o600)
    return path


def refusal(secret: Secret) -> str:
    with pytest.raises(SecretUnreadable) as caught:
        secret.read()
    shown = "".join(traceback.format_exception(caught.value))
    assert VALUE not in shown
    return str(caught.value)


def test_each_form_is_read_without_the_end_of_its_line(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    monkeypatch.setenv("PASSWORD", VALUE)

    assert Secret("file", str(file)).read() == VALUE
    assert Secret("credential", "password").read() == VALUE
    assert Secret("env", "PASSWORD").read() == VALUE


def test_spaces_are_part_of_a_secret(file: Path) -> None:
    file.write_text(f" {VALUE} \r\n\n")

    assert f" {VALUE} " == Secret("file", str(file)).read()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o610])
def test_a_file_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)

    said = f"cannot use the secret {file}: others may read it; run: chmod 600 {file}"
    assert said == refusal(Secret("file", str(file)))


def test_a_credential_may_be_open_to_its_group(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    file.chmod(0o440)

    assert Secret("credential", "password").read() == VALUE


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    absent = tmp_path / "absent"
    assert refusal(Secret("env", "ABSENT")) == (
        "cannot read the secret: the variable ABSENT is not set"
    )
    assert refusal(Secret("file", str(absent))) == (
        f"cannot read the secret {absent}: [Errno 2] No such file or directory: '{absent}'"
    )
    assert refusal(Secret("credential", "password")) == (
        "cannot read the credential password: $CREDENTIALS_DIRECTORY is not set; "
        "start under systemd with LoadCredential=, or use { file = … }"
    )


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(Secret("file", str(tmp_path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(file: Path) -> None:
    file.chmod(0)

    assert "Permission denied" in refusal(Secret("file", str(file)))


def test_a_pipe_a_device_and_a_huge_file_are_refused_without_a_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "huge").touch(0o600)
    os.truncate(tmp_path / "huge", 300 << 20)

    for path, wrong in (
        (tmp_path / "pipe", "it is not a regular file"),
        (Path("/dev/zero"), "it is not a regular file"),
        (tmp_path / "huge", "it is larger than 64 KiB"),
    ):
        assert refusal(Secret("file", str(path))) == f"cannot read the secret {path}: {wrong}"


def test_a_secret_may_have_64_kib(file: Path) -> None:
    file.write_text("x" * 65536)

    assert Secret("file", str(file)).read() == "x" * 65536


def test_a_byte_order_mark_is_not_part_of_a_secret(file: Path) -> None:
    file.write_text(f"{VALUE}\r\n", encoding="utf-8-sig")

    assert Secret("file", str(file)).read() == VALUE


def test_a_path_with_a_nul_is_refused() -> None:
    assert "cannot read the secret a\0b: " in refusal(Secret("file", "a\0b"))


def test_bytes_that_are_not_text_are_not_shown(file: Path) -> None:
    file.write_bytes(VALUE.encode() + b"\xff")

    assert refusal(Secret("file", str(file))).startswith(f"cannot read the secret {file}: ")


def test_a_secret_shows_where_it_is_kept_and_never_its_value(file: Path) -> None:
    secret = Secret("file", str(file))
    secret.read()

    assert f"Secret(kind='file', name='{file}')" == repr(secret) == str(secret)
    assert VALUE not in repr(secret.__getstate__())
