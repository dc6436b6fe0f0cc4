"""A real supervisor under the shim, and whether the shim has missed anything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random

import trio
from attrs import frozen

from supervisor.host.state_dir import LEDGER_NAME
from tests.power_cut.disk import Disk
from tests.power_cut.trace import Operation, read_trace
from tests.support.preloaded import compiled

ROOT = Path(__file__).parent.parent.parent
"""The project."""

SERVICE = "Cut"
"""The name of the service file."""

STATE = "var/state"
"""The state directory in the recorded one. The first start makes both."""

READY = "reporting to"
"""Words of the line that is logged when all modules have started."""


class RecordingFailed(Exception):
    """The recorder has missed something, or the supervisor did not run as it should."""


@frozen(kw_only=True)
class Supervised:
    """One process of the supervisor under the shim."""

    config: Path
    """The directory of the service file."""

    disk: Path
    """The recorded directory."""

    shim: Path
    """The compiled shim."""

    files: Path
    """How the names of log and trace begin."""

    program: Sequence[str] = ("supervisor",)
    """What `python -m` runs."""

    async def live(self, seconds: float, *, until_checkpoint: bool = False) -> None:
        """Run it until it is ready, then for so many seconds, and stop it."""
        with self._log.open("wb") as output:
            process = await trio.lowlevel.open_process(
                [
                    *(sys.executable, "-m", *self.program, "run", "--verbose"),
                    *("--log-format", "json", "--service", SERVICE),
                    *("--config-dir", str(self.config), "--state-dir", str(self.disk / STATE)),
                ],
                cwd=ROOT,
                env=recorded(self.disk, self.shim, self._trace),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            while READY not in self._logged():
                if process.poll() is not None:
                    raise RecordingFailed(f"it ended at once: {self._logged()}")
                await trio.sleep(0.02)
            ledger = self.disk / STATE / LEDGER_NAME
            before = ledger.stat().st_mtime_ns
            await trio.sleep(seconds)
            while until_checkpoint and ledger.stat().st_mtime_ns == before:  # noqa: ASYNC110 - a file
                await trio.sleep(0.05)
            process.terminate()
            code = await process.wait()
        finally:
            if process.poll() is None:
                process.kill()
        if code:
            raise RecordingFailed(f"it ended with {code}: {self._logged()[-2000:]}")

    def operations(self) -> list[Operation]:
        """Return what it did."""
        return list(read_trace(self._trace))

    @property
    def _log(self) -> Path:
        return self.files.with_suffix(".log")

    @property
    def _trace(self) -> Path:
        return self.files.with_suffix(".trace")

    def _logged(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def compiled_shim(directory: Path) -> Path:
    """Compile the shim into a directory, if it is not there yet."""
    return compiled(Path(__file__).with_name("shim.c"), directory / "shim.so")


def recorded(disk: Path, shim: Path, trace: Path) -> dict[str, str]:
    """Return the environment of a process whose operations below `disk` are recorded."""
    return {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "POWER_CUT_ROOT": str(disk),
        "POWER_CUT_TRACE": str(trace),
    }


def require_same(before: Disk, operations: Iterable[Operation], disk: Path) -> None:
    """Raise `RecordingFailed` if the recorded operations do not lead to the real directory.

    The index of the WAL is mapped into memory; what is written there is not recorded.
    """
    model = deepcopy(before)
    for operation in operations:
        model.apply(operation)
    found = model.after_cut(Random(0), 1.0)
    real = {
        path.relative_to(disk).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in disk.rglob("*")
        if path.is_dir() or path.is_file()
    }
    for image in (found, real):
        for name in [name for name in image if name.endswith("-shm")]:
            del image[name]
    wrong = [name for name in found.keys() | real.keys() if found.get(name) != real.get(name)]
    if wrong:
        raise RecordingFailed(f"the recording does not lead to what is on disk: {wrong}")
