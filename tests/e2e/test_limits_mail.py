"""A real filesystem fills and is emptied: the mails that a table of limits promises, no more."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from attrs import frozen

from tests.e2e.mailing import ShippedAlertmanager, alert
from tests.e2e.servers import SmtpSink, SupervisorProcess, wait_for
from tests.support.mounts import needs_root, tmpfs
from tests.support.ports import free_port

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
filesystems = [{{ filesystem = "{point}", max_use_percent = {{ W = 80, E = 95, clear = 75 }} }}]
"""

SWINGS = 20
"""How often the value crosses its limit."""


@frozen
class Volume:
    """A filesystem of 4 MiB, and where the supervisor says how full it is."""

    point: Path
    port: int

    def fill(self, percent: int) -> None:
        """Let it be so full, and wait until a run has seen that."""
        with (self.point / "file").open("r+b") as file:
            size = percent * 4 * 1024**2 // 100 // 4096 * 4096
            file.truncate(min(size, os.fstat(file.fileno()).st_size))
            if size:
                os.posix_fallocate(file.fileno(), 0, size)
        wait_for(lambda: self.measured() == percent, 15, f"no run sees {percent} %")

    def measured(self) -> float:
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text
        found = re.search(r'(?m)^supervisor_measurement{.*"disk_use_percent".*} (\S+)$', text)
        return float(found[1]) if found else -1


@pytest.fixture
def shipped(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[ShippedAlertmanager]:
    directory = tmp_path / "shipped"
    directory.mkdir()
    server = ShippedAlertmanager(directory, f"127.0.0.1:{smtp_sink.port}")
    server.start()
    yield server
    server.stop()


def kinds(sink: SmtpSink) -> list[str]:
    """Return how the subject of each mail begins, in the order in which they came."""
    return [str(mail["Subject"]).partition(",")[0] for mail in sink.mails]


@needs_root
def test_a_value_that_swings_makes_one_mail_and_each_change_of_type_another(
    tmp_path: Path,
    supervisor: SupervisorProcess,
    shipped: ShippedAlertmanager,
    smtp_sink: SmtpSink,
) -> None:
    def came(count: int) -> bool:
        return len(smtp_sink.mails) >= count

    with tmpfs(tmp_path / "volume", "size=4m") as point:
        (point / "file").touch()
        volume = Volume(point, free_port())
        text = SERVICE.format(url=shipped.url, port=volume.port, point=point)
        supervisor.config.write_text(text, encoding="utf-8")
        supervisor.start()
        try:
            for _ in range(SWINGS):
                volume.fill(81)
                volume.fill(79)
            expected = ["SHOP - W"]
            wait_for(lambda: kinds(smtp_sink) == expected, 15, "no mail of the limit")
            for percent, mail in ((80, ""), (96, "SHOP - E"), (85, "SHOP - W"), (70, "[RESOLVED]")):
                volume.fill(percent)
                if mail:
                    expected.append(mail)
                    wait_for(partial(came, len(expected)), 15, f"no mail of {percent} %")
            shipped.post(alert("A mark", host="another"))
            wait_for(lambda: "A mark" in str(smtp_sink.subjects()), 15, "no mark")
        finally:
            supervisor.stop()

    found = [kind for kind in kinds(smtp_sink) if "PNR" not in kind]
    assert [kind.partition(" SHOP")[0] for kind in found] == expected
