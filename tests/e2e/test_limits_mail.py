"""A real filesystem fills and is emptied: the mails that a table of limits promises, no more."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from attrs import define, field, frozen

from tests.e2e.mailing import LegacyAlertmanager, ShippedAlertmanager, alert, flushed
from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for
from tests.support.mounts import command, ext4, needs_root
from tests.support.ports import free_port

pytestmark = needs_root

SERVICE = """
service = "SHOP"
timezone = "UTC"
[labels]
host = "shop1"
[alertmanager]
urls = ["{url}"]
min_visible = "2s"
[status]
listen = "127.0.0.1:{port}"
[[modules]]
check = "disk"
every = 0.2
[modules.params]
filesystems = [{{ filesystem = "{point}", max_use_percent = {limit} }}]
"""

BAND = "{ W = 80, E = 95, clear = 75 }"
NO_BAND = "{ W = 80, E = 95 }"

SWINGS = 20
"""How often the value goes above its limit and back where it makes one mail."""


EACH_GROUP = 12
"""After so many looks, a server with three groups has looked at each of them again and again."""


@frozen
class Volume:
    """An ext4 in a loop device, and where the supervisor says how full it is."""

    point: Path
    port: int

    def fill(self, percent: int) -> None:
        """Let it be so full, as `df` counts, and wait until a run has seen that."""
        file, space = self.point / "file", os.statvfs(self.point)
        used = space.f_blocks - space.f_bfree
        # The middle of what is rounded up to this percentage: metadata may take a few blocks.
        wanted = (2 * percent - 1) * (used + space.f_bavail) // 200
        before = file.stat().st_blocks * 512
        after = before + (wanted - used) * space.f_frsize
        if after > before:
            command("fallocate", "--length", str(after), file)
        else:
            length = str(before - after)
            command("fallocate", "--punch-hole", "--offset", str(after), "--length", length, file)
        wait_for(lambda: self.measured() == percent, 15, f"no run sees {percent} %")

    def measured(self) -> float:
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text
        found = re.search(r'(?m)^supervisor_measurement{.*"disk_use_percent".*} (\S+)$', text)
        return float(found[1]) if found else -1


@define
class Setup:
    """A supervisor that watches a volume, and what its Alertmanager mails."""

    directory: Path
    supervisor: SupervisorProcess
    sink: SmtpSink
    servers: list[AlertmanagerServer] = field(factory=list)

    @contextmanager
    def watching(self, server: AlertmanagerServer, limit: str = BAND) -> Iterator[Volume]:
        """Start it with this limit."""
        self.servers.append(server)
        server.start()
        with ext4(self.directory) as point:
            (point / "file").touch()
            volume = Volume(point, free_port())
            text = SERVICE.format(url=server.url, port=volume.port, point=point, limit=limit)
            self.supervisor.config.write_text(text, encoding="utf-8")
            self.supervisor.start()
            try:
                yield volume
            finally:
                self.supervisor.stop()

    def kinds(self) -> list[str]:
        """Return how the subject of each mail begins, in the order in which they came."""
        return [str(mail["Subject"]).partition(",")[0] for mail in self.sink.mails]

    def wait_for_count(self, count: int) -> None:
        wait_for(lambda: len(self.sink.mails) >= count, 15, f"fewer than {count} mails")

    def wait_for_mails(self, *kinds: str) -> None:
        """Wait until that many have come. There must be these, and no other."""
        self.wait_for_count(len(kinds))
        assert self.kinds() == [*kinds]


@pytest.fixture
def setup(tmp_path: Path, supervisor: SupervisorProcess, smtp_sink: SmtpSink) -> Iterator[Setup]:
    (tmp_path / "alertmanager").mkdir()
    found = Setup(tmp_path, supervisor, smtp_sink)
    yield found
    for server in found.servers:
        server.stop()


@pytest.fixture
def shipped(setup: Setup) -> ShippedAlertmanager:
    return ShippedAlertmanager(setup.directory / "alertmanager", f"127.0.0.1:{setup.sink.port}")


def legacy(setup: Setup, *, send_resolved: bool) -> LegacyAlertmanager:
    smarthost = f"127.0.0.1:{setup.sink.port}"
    directory = setup.directory / "alertmanager"
    return LegacyAlertmanager(directory, smarthost, waits="200ms", send_resolved=send_resolved)


def test_a_value_that_swings_round_its_limit_makes_one_mail(
    setup: Setup, shipped: ShippedAlertmanager
) -> None:
    with setup.watching(shipped) as volume:
        for _ in range(SWINGS):
            volume.fill(81)
            volume.fill(79)
        setup.wait_for_mails("SHOP - W")
        flushed(shipped)

    assert setup.kinds() == ["SHOP - W"]


def test_without_a_band_each_crossing_makes_a_mail(
    setup: Setup, shipped: ShippedAlertmanager
) -> None:
    expected = []
    with setup.watching(shipped, NO_BAND) as volume:
        for percent, kind in ((81, "SHOP - W"), (79, "[RESOLVED] SHOP - W")) * 3:
            volume.fill(percent)
            expected.append(kind)
            setup.wait_for_mails(*expected)


def test_each_change_of_type_makes_one_mail(setup: Setup, shipped: ShippedAlertmanager) -> None:
    expected = []
    with setup.watching(shipped) as volume:
        volume.fill(80)
        for percent, kind in ((96, "SHOP - E"), (85, "SHOP - W"), (70, "[RESOLVED] SHOP - W")):
            volume.fill(percent)
            expected.append(kind)
            setup.wait_for_mails(*expected)
        shipped.post(alert("A mark", host="another"))
        setup.wait_for_mails(*expected, "KOR-PNR-TEST - E")


CHANGES = (81, 96, 85, 70)
"""W, E, W again, and over."""


@pytest.mark.parametrize(
    ("send_resolved", "mails"),
    [
        (False, (["SHOP - W"], ["SHOP - E"], ["SHOP - W"], [])),
        (True, (["SHOP - W"], *[["SHOP - E", "SHOP - W"]] * 2, ["SHOP - W"])),
    ],
)
def test_the_legacy_configuration_mails_each_type_for_itself(
    setup: Setup, *, send_resolved: bool, mails: tuple[list[str], ...]
) -> None:
    server = legacy(setup, send_resolved=send_resolved)
    known = ["KOR-PNR-TEST - E"]
    with setup.watching(server) as volume:
        server.post(alert("A mark"))  # so that there is always a group that is looked at
        setup.wait_for_mails(*known)
        for percent, expected in zip(CHANGES, mails, strict=True):
            before = len(known)
            volume.fill(percent)
            setup.wait_for_count(before + len(expected))
            flushed(server, EACH_GROUP)
            known = setup.kinds()
            assert sorted(known[before:]) == expected
