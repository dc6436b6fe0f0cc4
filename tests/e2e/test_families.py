"""All commands that take a service take one with a family and fragments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import SupervisorProcess
from tests.support.layered_files import write

FILES = {
    "Test.toml": 'service = "TEST"\nextends = "families/All.toml"\n[vars]\nsite = "one"\n',
    "families/All.toml": """
[vars]
site = { type = "text" }
[labels]
site = { var = "site" }
[[modules]]
check = "daily"
at = ["04:00"]
""",
    "Test.d/50-late.toml": """
[[modules]]
check = "command"
name = "late"
at = ["05:00"]
[modules.params]
protocol = "text"
argv = ["true"]
""",
}

ASKED = (
    ("validate", "Test.toml: ok, 2 modules"),
    ("once", "late"),
    ("plan", "late    command"),
    ("status", "late"),
    ("run-now late", "late"),
    ("tree", "module late"),
    ("doctor", "is valid; 2 of 2 modules are enabled"),
    ("show", 'site = "one"'),
    ("diff", "a reload would change nothing; 2 modules would go on"),
    ("reload", "2 modules go on"),
)


def test_each_command_takes_such_a_service(supervisor: SupervisorProcess) -> None:
    write(supervisor.directory, FILES)
    supervisor.start()
    for command, said in ASKED:
        options = supervisor.options()
        if command in ("validate", "once", "plan", "show"):
            options = [each for each in options if not each.startswith("--state-dir")]
        done = run_supervisor(*command.split(), *options)

        assert (done.returncode, done.stderr) == (0, ""), command
        assert said in done.stdout, command


@pytest.mark.parametrize("name", ["families/All.toml", "families", "Test.d/50-late.toml", "Test.d"])
def test_a_reload_refuses_a_file_that_everybody_may_write(
    supervisor: SupervisorProcess, name: str
) -> None:
    write(supervisor.directory, FILES)
    supervisor.start()
    path: Path = supervisor.directory / name
    path.chmod(path.stat().st_mode | 0o002)
    done = run_supervisor("reload", *supervisor.options())
    path.chmod(path.stat().st_mode & ~0o002)
    again = run_supervisor("reload", *supervisor.options())

    assert (done.returncode, again.returncode) == (78, 0)
    assert "the old configuration stays" in done.stderr
    assert "may be written by everybody" in done.stderr
    assert str(path) in done.stderr
