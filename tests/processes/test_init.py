"""As process 1 of a container: strangers live, nothing of commands is left, the dead are reaped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.processes import descendants, procfs
from supervisor.processes.command import run_command
from tests.support.processes import end

ROOT = Path(__file__).parent.parent.parent
PLUGINS = ROOT / "tests" / "plugins"

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="process 1 needs a namespace of its own, which needs root",
)

IN_CONTAINER = """
import json, logging, os, subprocess, sys
import trio
from supervisor.host import inherited
from supervisor.processes import init, procfs
from supervisor.processes.command import end_all_descendants, run_command

init.REAP_INTERVAL = 0.02
logging.basicConfig(format="%(message)s", stream=sys.stderr)
inherited.put_right()

def titles():
    return sorted(
        open(f"/proc/{name}/cmdline").read().replace("\\0", " ").strip()
        for name in os.listdir("/proc") if name.isdigit() and name != "1"
    )

async def until(expected):
    while titles() != expected:
        await trio.sleep(0.005)

async def main():
    found = {"process": os.getpid()}
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(init.reap_strangers)
            # As `docker exec` leaves them: not our commands, and we become their parent.
            subprocess.run(["sh", "-c", "setsid sleep 301 & sleep 0.01 & setsid sleep 0.02 &"])
            found["strays"] = (await run_command([sys.argv[1]])).strays
            await until(["sleep 301"])  # a zombie would have the title ""
            status = await trio.run_process(["sh", "-c", "exit 7"], check=False)
            found["status"] = status.returncode
            nursery.cancel_scope.cancel()
    end_all_descendants()
    found["left"] = titles()
    print(json.dumps(found))

trio.run(main)
"""

WITHOUT_PROC = """
import logging, os, sys
import trio
from supervisor.processes.command import end_all_descendants, run_command

logging.basicConfig(format="%(message)s", stream=sys.stdout)

async def main():
    for _ in range(2):
        print((await run_command([sys.argv[1]])).status)

trio.run(main)
end_all_descendants()
print("ended")
"""


def run(wrapper: list[str], code: str) -> str:
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", code, str(PLUGINS / "daemonises")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@needs_namespaces
def test_process_1_ends_what_commands_leave_reaps_the_dead_and_lets_strangers_live() -> None:
    said = run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"], IN_CONTAINER)

    found = json.loads(said)
    assert 1 == found["process"]
    assert found["strays"] >= 1
    assert 7 == found["status"]  # of a child for which other code waits
    assert ["sleep 301"] == found["left"]


@needs_namespaces
@pytest.mark.parametrize("mount", ["umount -l /proc", "umount -l /proc && mount -t tmpfs x /proc"])
def test_without_proc_commands_run_and_the_log_says_once_what_is_missing(mount: str) -> None:
    """The namespace ends with its process 1, and so does what the commands leave behind."""
    inner = ["sh", "-c", f'{mount} && "$@"; exit $?', "sh"]
    said = run(["unshare", "--pid", "--fork", "--kill-child", "--mount", *inner], WITHOUT_PROC)

    warning, *rest = said.splitlines()
    assert warning.startswith("cannot look at /proc: it is not mounted")
    assert warning.endswith("run: mount -t proc proc /proc")
    assert ["0", "0", "ended"] == rest


async def test_an_orphan_without_our_mark_lives_where_there_may_be_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = set(procfs.children())
    monkeypatch.setattr(descendants, "has_strangers", lambda: True)
    await run_command([str(PLUGINS / "removes_its_limits")])
    (left,) = set(procfs.children()) - before
    monkeypatch.setattr(descendants, "has_strangers", lambda: False)

    assert not descendants.is_command(left)
    end(left)
