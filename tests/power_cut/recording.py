"""Runs a real supervisor before two peers, and records its disk and all that it tells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import trio
from attrs import frozen

from supervisor.config.load import load_service
from supervisor.config.service import Service
from supervisor.modules.loader import load_check
from tests.power_cut.disk import Disk
from tests.power_cut.supervised import SERVICE, Supervised, compiled_shim, require_same
from tests.power_cut.trace import Operation
from tests.power_cut.witness import Taken, WitnessPeer

MODULES = tuple(f"m{number}" for number in range(6))
"""The names of the modules."""


@frozen(kw_only=True)
class Recording:
    """What happened, in order, and what it was made with."""

    config: Path
    """The directory of the service file."""

    service: Service
    """What the service file says."""

    seed: int
    """The seed of the story."""

    before: Disk
    """The disk before the first process."""

    operations: Sequence[Operation]
    """All of all processes."""

    taken: Mapping[str, Mapping[str, Sequence[Taken]]]
    """What each peer accepted, by its URL."""

    ended: float
    """When it ended, in Unix seconds."""


@frozen
class Recorder:
    """Makes a recording in a directory of its own."""

    directory: Path
    """Gets the recorded disk, the service file, and log and trace of each process."""

    seed: int = 1
    """Chooses the story."""

    program: Sequence[str] = ("supervisor",)
    """What `python -m` runs."""

    @property
    def disk(self) -> Path:
        """The recorded directory."""
        return self.directory / "disk"

    def record(self, lives: Sequence[float], *, until_checkpoint: bool = False) -> Recording:
        """Start a supervisor for each of the `lives`, and stop it after so many seconds.

        If wanted, the first one goes on until it has copied its WAL into the database.
        """
        self.disk.mkdir()
        before = Disk.of(self.disk)
        processes = [
            Supervised(
                config=self.directory,
                disk=self.disk,
                shim=compiled_shim(self.directory),
                files=self.directory / f"life-{number}",
                program=self.program,
            )
            for number in range(len(lives))
        ]
        taken = trio.run(self._live, processes, lives, until_checkpoint)
        operations = [operation for process in processes for operation in process.operations()]
        require_same(before, operations, self.disk)
        service = load_service(
            self.directory / f"{SERVICE}.toml", lambda check: load_check(check).params
        )
        return Recording(
            config=self.directory,
            service=service,
            seed=self.seed,
            before=before,
            operations=operations,
            taken=taken,
            ended=time.time(),
        )

    async def _live(
        self, processes: Sequence[Supervised], lives: Sequence[float], until_checkpoint: bool
    ) -> dict[str, dict[str, list[Taken]]]:
        peers = WitnessPeer(), WitnessPeer(is_flaky=True)
        async with trio.open_nursery() as nursery:
            for peer in peers:
                await nursery.start(peer.server.serve)
            self._write_service([peer.server.url for peer in peers])
            for process, seconds in zip(processes, lives, strict=True):
                await process.live(seconds, until_checkpoint=until_checkpoint)
                until_checkpoint = False
            nursery.cancel_scope.cancel()
        return {peer.server.url: peer.taken for peer in peers}

    def _write_service(self, urls: Sequence[str]) -> None:
        listed = ", ".join(f'"{url}"' for url in urls)
        head = f"""
service = "CUT"
timezone = "UTC"
resend_interval = "2s"
report_lifetime = "6h"
[alertmanager]
urls = [{listed}]
timeout = "1s"
min_visible = "1s"
"""
        modules = (
            f"""
[[modules]]
check = "tests.power_cut.story"
name = "{name}"
every = 0.3
params = {{ seed = {self.seed} }}
"""
            for name in MODULES
        )
        path = self.directory / f"{SERVICE}.toml"
        path.write_text(head + "".join(modules), encoding="utf-8")
