"""The program itself: what it inherits, and an output that cannot be written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SERVICE = """
service = "X"
timezone = "UTC"

[[modules]]
check = "command"
every = "1h"

[modules.params]
argv = ["/bin/true"]
protocol = "text"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a directory with the service X."""
    (tmp_path / "X.toml").write_text(SERVICE)
    return tmp_path


def supervisor(
    config: Path, verb: str, shell: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command whose streams a shell redirects."""
    command = [sys.executable, "-P", "-m", "supervisor", verb]
    command += ["--service", "X", "--config-dir", str(config)]
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=config,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_output_to_a_full_disk_is_an_error(config: Path) -> None:
    done = supervisor(config, "validate", ">/dev/full")

    assert (1, "cannot write the output: No space left on device\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.parametrize("verb", ["validate", "once", "plan", "doctor"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_commands_do_without_their_standard_streams(config: Path, verb: str, closed: str) -> None:
    whole, done = supervisor(config, verb, ""), supervisor(config, verb, closed)

    assert whole.returncode == done.returncode
    assert "" == done.stderr
    assert whole.stdout
    assert bool(done.stdout) == (">&-" not in closed.split())


@pytest.mark.parametrize("verb", ["once", "plan", "doctor"])
def test_a_terminal_that_is_not_utf_8_is_no_obstacle(config: Path, verb: str) -> None:
    whole = supervisor(config, verb, "")
    done = supervisor(config, verb, "", PYTHONIOENCODING="ascii:strict")

    assert (whole.returncode, "") == (done.returncode, done.stderr)
    assert done.stdout


def test_nothing_of_the_current_directory_is_run_by_what_is_installed() -> None:
    script = (ROOT / "scripts" / "install").read_text()
    unit = (ROOT / "configs" / "systemd" / "supervisor@.service").read_text()
    script = re.sub(r"^ *#.*|fail \".*", "", script, flags=re.MULTILINE)
    started = re.findall(r"(?:\$\w*python|/bin/python)\"? (-\S+|\S+\.py)", script)
    started += re.findall(r"^ExecStart=\S+ (\S+)", unit, re.MULTILINE)

    assert len(started) >= 6
    assert {"-P"} == set(started)


@pytest.mark.parametrize("module", ["argparse", "json", "supervisor", "checks", "trio"])
def test_with_that_option_the_current_directory_is_not_looked_at(config: Path, module: str) -> None:
    (config / module).mkdir()
    (config / module / "__init__.py").write_text(f"open({str(config / 'run')!r}, 'w')")

    assert 0 == supervisor(config, "validate", "").returncode
    assert not (config / "run").exists()


def test_what_is_needed_for_the_first_hour_or_for_a_peer_is_not_loaded_by_run(
    config: Path,
) -> None:
    text = (
        "import sys, supervisor.__main__, supervisor.commands.run, supervisor.daemon.daemon\n"
        "from argparse import Namespace\n"
        "from pathlib import Path\n"
        "from supervisor.commands.options import load_service_file\n"
        f"load_service_file(Namespace(service='X', config_dir=[Path({str(config)!r})]))\n"
        "print(*sorted(sys.modules), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, check=True)
    loaded = done.stdout.decode().splitlines()
    lazy = (
        *("supervisor.discover", "supervisor.commands.setup", "supervisor.config.json_schema"),
        *("supervisor.delivery.client", "supervisor.delivery.sender", "httpx", "email", "jinja2"),
    )

    assert "supervisor.daemon.daemon" in loaded
    assert [name for name in loaded if name.startswith(lazy)] == []
