"""What `doctor` says of secrets and of the state directory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve, frozen

from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.doctor import state_dir
from supervisor.doctor.findings import Examination
from supervisor.doctor.secrets import examine_secrets
from supervisor.doctor.state_dir import examine_state
from supervisor.host.lock import locked
from tests.support.hanging_call import Hanging, until_no_thread_hangs

NOBODY = 65534


@frozen
class Inner:
    key: Secret | None = None


@frozen
class Params:
    one: Inner = Inner()
    many: tuple[Inner, ...] = ()
    named: Mapping[str, Secret] = {}


SERVICE = Service(path=Path("Test.toml"), service="TEST", timezone=ZoneInfo("UTC"))


def secret(path: Path, text: str = "dummy", mode: int = 0o600) -> Secret:
    path.write_text(text)
    path.chmod(mode)
    return Secret("file", str(path))


def with_token(token: Secret) -> Service:
    return evolve(SERVICE, alertmanager=Alertmanager(bearer_token=token))


def whats(section: Examination) -> list[str]:
    return [finding.what for finding in section.findings]


async def test_every_secret_in_use_is_read_and_none_is_shown(tmp_path: Path) -> None:
    a, b, c, d, e, f = (secret(tmp_path / name, f"dummy-{name}") for name in "abcdef")
    params = Params(Inner(c), (Inner(), Inner(d)), {"name": e})
    service = evolve(
        SERVICE,
        alertmanager=Alertmanager(password=a),
        status=StatusListener(token=b),
        modules=(
            Module("x", "off", enabled=False, params=Params(Inner(f))),
            Module("x", "on", params=params),
            Module("x", "more", params=Params(Inner(c))),
        ),
    )
    section = await examine_secrets(service)

    assert section.findings == ()
    assert section.good == (
        "alertmanager.password: can be read",
        "status.token: can be read",
        "module 'on': one.key, module 'more': one.key: can be read",
        "module 'on': many[1].key: can be read",
        "module 'on': named.name: can be read",
    )


@pytest.mark.parametrize(
    ("make", "what", "remedy"),
    [
        (lambda path: secret(path, mode=0o644), "others may read it", "run: chmod 600"),
        (lambda path: secret(path, ""), "is empty", "write the secret into it"),
        (lambda path: Secret("file", str(path)), "No such file", "create that file"),
        (lambda path: Secret("env", "NO_SUCH_VARIABLE"), "is not set", "set it where"),
        (lambda path: Secret("credential", "x"), "DIRECTORY is not set", "LoadCredential="),
    ],
)
async def test_an_unusable_secret_is_serious(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Secret],
    what: str,
    remedy: str,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (finding,) = (await examine_secrets(with_token(make(tmp_path / "secret")))).findings

    assert finding.what.startswith("alertmanager.bearer_token: ")
    assert what in finding.what
    assert remedy in finding.remedy
    assert finding.serious


async def test_a_secret_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Hanging()
    monkeypatch.setattr(Secret, "read", hanging)
    monkeypatch.setattr(state_dir, "READ_TIMEOUT", 0.05)
    section = await examine_secrets(with_token(Secret("file", str(tmp_path / "dead"))))
    hanging.released.set()
    await until_no_thread_hangs()

    assert len(section.findings) == 1
    assert "does not answer within 0.05 s" in section.findings[0].what


async def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "a" / "b"
    section = await examine_state(SERVICE, [missing])

    assert section.findings == ()
    assert section.good[0] == f"{missing} is not there yet; the first start can make it"
    assert section.good[2] == "no supervisor runs there now"
    assert os.listdir(tmp_path) == []


async def test_the_directory_with_a_lock_is_the_one_in_use(tmp_path: Path) -> None:
    used = tmp_path / "used"
    with locked(used):
        pass
    section = await examine_state(SERVICE, [tmp_path / "default", used])

    unused = await examine_state(SERVICE, [tmp_path / "default", tmp_path / "other"])

    assert section.good[0] == f"{used} is writable"
    assert unused.good[0].startswith(f"{tmp_path / 'default'} is not there yet")


async def test_a_file_in_its_place_is_serious(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    for directory in (tmp_path / "state", tmp_path / "state" / "below"):
        section = await examine_state(SERVICE, [directory])

        assert whats(section) == [f"{tmp_path / 'state'} is not a directory"]


async def test_a_directory_that_everybody_may_write_is_serious(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o777)  # noqa: S103 - what is tested
    section = await examine_state(SERVICE, [tmp_path])

    assert whats(section) == [f"everybody may write to {tmp_path}"]
    assert section.findings[0].remedy == f"run: chmod 700 {tmp_path}"


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
async def test_what_another_user_owns_is_serious() -> None:
    with tempfile.TemporaryDirectory() as name:
        open_to_all, own = Path(name), Path(name, "own")
        os.chmod(open_to_all, 0o755)  # noqa: S103 - the other user must come past it
        with locked(own):
            pass
        with as_nobody():
            above = await examine_state(SERVICE, [open_to_all])
            missing = await examine_state(SERVICE, [open_to_all / "new"])
            closed = await examine_state(SERVICE, [own])
        os.chown(own, NOBODY, -1)
        with as_nobody():
            files = await examine_state(SERVICE, [own])

        assert whats(above) == [f"cannot write to {open_to_all}"]
        assert whats(missing) == [f"cannot make {open_to_all / 'new'} in {open_to_all}"]
        assert whats(closed) == [f"cannot look into {own}: Permission denied"]
        assert whats(files) == [f"cannot read and write {own / 'lock'}"]


async def test_a_disk_without_room_for_the_ledger_is_serious(tmp_path: Path) -> None:
    section = await examine_state(evolve(SERVICE, max_ledger=2**62), [tmp_path])

    (what,) = whats(section)
    assert "MiB are free for the ledger, which may take 4,398,046,511,104 MiB" in what


async def test_a_supervisor_that_does_not_answer_is_serious(tmp_path: Path) -> None:
    with locked(tmp_path):
        section = await examine_state(SERVICE, [tmp_path])
    after = await examine_state(SERVICE, [tmp_path])

    (what,) = whats(section)
    assert what.startswith(f"process {os.getpid()} holds {tmp_path}, but does not answer: ")
    assert after.findings == ()
    assert after.good[-1] == "no supervisor runs there now"
