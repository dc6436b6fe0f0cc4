"""The clock of a real process is set or wrong, with libfaketime; the Alertmanager's is right.

The other way round it cannot be: an Alertmanager asks the kernel for the time, not the C library.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.mailing import MailboxSink, ShippedAlertmanager, flushed
from tests.e2e.servers import AlertmanagerServer, SupervisorProcess, wait_for
from tests.e2e.test_lifecycle import write_config
from tests.e2e.test_mail_survives import (
    Host,
    host,
    mailbox,
    messages,
    server,
    wait_for_mails,
)

__all__ = ["host", "mailbox", "server"]  # fixtures

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture
def set_clock(
    supervisor: SupervisorProcess, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Return a function that sets the supervisor's clock by so much: `+1h`."""
    assert LIBRARIES, "the Debian package faketime is not installed"
    offset = supervisor.directory / "offset"

    def set_clock(by: str) -> None:
        offset.with_suffix(".new").write_text(f"{by}\n", encoding="ascii")
        offset.with_suffix(".new").rename(offset)

    set_clock("+0")
    monkeypatch.setenv("LD_PRELOAD", str(LIBRARIES[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return set_clock


@pytest.mark.parametrize("step", ["-1h", "+1d"])
def test_what_fires_stays_active_and_what_is_over_ends(
    supervisor: SupervisorProcess,
    alertmanager: AlertmanagerServer,
    set_clock: Callable[[str], None],
    step: str,
) -> None:
    flag = write_config(
        supervisor,
        top=f'resend_interval = "1s"\n[alertmanager]\nurls = ["{alertmanager.url}"]\n',
    )
    flag.touch()
    supervisor.start()
    wait_for(lambda: "flag" in alertmanager.names(), 20, "does not fire", lambda: supervisor.log)
    set_clock(step)
    side = "back" if step[0] == "-" else "ahead"
    seen: list[str] = []

    def said() -> bool:
        seen.append(" ".join(alertmanager.names()))
        return "PeerClockSkew" in seen[-1]

    wait_for(said, 20, "the difference is not announced", lambda: supervisor.log)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        said()
    flag.unlink()
    wait_for(lambda: "flag" not in alertmanager.names(), 20, "does not end", lambda: supervisor.log)
    set_clock("+0")
    wait_for(lambda: not alertmanager.names(), 20, "the difference stays", lambda: supervisor.log)

    assert f"the clock was set {side} by" in supervisor.log
    assert all("flag" in names for names in seen)


@pytest.mark.parametrize("offset", ["-1h", "+1h"])
def test_each_event_of_a_host_whose_clock_is_an_hour_off_is_one_mail(
    host: Host,
    server: ShippedAlertmanager,
    mailbox: MailboxSink,
    set_clock: Callable[[str], None],
    offset: str,
) -> None:
    set_clock(offset)
    host.configure(server.url)
    server.start()
    host.supervisor.start()
    host.report("the report")
    host.fail()
    # The difference itself is the third.
    wait_for_mails(mailbox, 3, host.log)
    host.mend()
    wait_for_mails(mailbox, 4, host.log)
    flushed(server)

    first_lines = messages(mailbox.mails)
    assert ["Daily check: the report", "FIRING (1)", "FIRING (1)", "RESOLVED (1)"] == first_lines
    side = "behind" if offset == "+1h" else "ahead of"
    assert f"is 60 min {side} this host's; times sent to it are shifted" in host.log()
