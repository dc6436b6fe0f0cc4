"""A maintenance window, for the tests of what it holds."""

from __future__ import annotations

from supervisor.config.service import Maintenance, Module
from supervisor.observations import Duration
from tests.support.ledger_bench import LedgerBench, T, service_of

END = T + 800
"""When the window ends: 23:00 in Seoul. `T` is 22:46:40 on a Monday."""

SETTLED = END + 180
"""When it has settled."""

REBOOT = Maintenance("reboot", ("Mon 22:40-23:00",))

OTHER = Module("other", "other", every=Duration(60))
"""A module beside the one of disks."""


def planned(*modules: Module, window: Maintenance = REBOOT, **settings: object) -> LedgerBench:
    return LedgerBench(service_of(*modules, maintenance=(window,), **settings))  # type: ignore[arg-type]  # of many types


def at(bench: LedgerBench, moment: float) -> None:
    """Let time pass up to a moment, with all that is due in between."""
    bench.stay(moment - bench.now)
