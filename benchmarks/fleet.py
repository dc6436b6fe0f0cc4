"""A fleet on one machine: the load of its central servers, and the mails of faults.

For each host there is a supervisor with 20 modules and a heartbeat. There are two Alertmanagers in
a cluster and a Prometheus, all with the shipped files. Only two intervals differ: Prometheus
scrapes more often, and heartbeats are passed on every 30 s. The quiet fleet is measured first. Then
servers that all hosts look at go and come back, a host dies, and an Alertmanager dies. Prints how
long each took, and the load in proportion for 500 hosts: `scripts/bench fleet [--hosts 50]`, about
six minutes. Exits with 1 if a mail is missing or came twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from attrs import define, field

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.fleet_load import Counters, Load
from tests.e2e import grafana
from tests.e2e.fleet import Fleet, Settings
from tests.e2e.servers import wait_for

SCRAPE_INTERVAL = 15.0
"""Seconds between two scrapes here."""

SHIPPED_SCRAPE_INTERVAL = 30.0
"""Seconds between two scrapes with the shipped file."""

WARM_UP = 30.0
"""Seconds from the start to the measurement."""

WINDOW = 60.0
"""Seconds of a measurement, in which each firing alert is sent again once."""

TIMEOUT = 240.0
"""Seconds for what must happen, at most."""

MANY_HOSTS = 500
"""Hosts for which the load is computed."""

SILENCE = 60.0
"""Seconds in which every host's heartbeat must come at least once."""


@define
class Trial:
    """A fleet in which one fault comes after another."""

    fleet: Fleet
    is_wrong: bool = False
    """Whether anything was not as expected."""
    before: Counter[str] = field(factory=Counter)
    """Mails of the gateway before the present fault, for each host."""

    @property
    def names(self) -> list[str]:
        """Return the names of the hosts that live."""
        return [host.name for host in self.fleet.hosts if host.process is not None]

    def timed(self, what: str, done: Callable[[], object]) -> None:
        """Wait until `done` returns something true; print how long that took."""
        begun = time.monotonic()
        wait_for(done, TIMEOUT, f"not so: {what}")
        say(f"{what:<58} {time.monotonic() - begun:10.1f} s")

    def expect(self, what: str, expected: object, found: object) -> None:
        """Print what was found; it must be as expected."""
        self.is_wrong |= expected != found
        shown = found.total() if isinstance(found, Counter) else found
        wrong = "" if expected == found else f"   WRONG: {found}, not {expected}"
        say(f"{what:<58} {shown!s:>12}{wrong}")

    def gateway_mails(self, *, resolved: bool = False) -> Counter[str]:
        """Return how many mails of the present fault there are for each host."""
        return self.fleet.mails("gateway", resolved=resolved) - self.before

    def shared_fault(self) -> None:
        """Close two servers that all hosts look at; one is in a module with `scope = "fleet"`."""
        fleet = self.fleet
        for server in (fleet.gateway, fleet.shared):
            server.close()
        self.timed(
            "two servers gone: every host's alert of both is mailed",
            lambda: all(
                len(fleet.mails(each)) == len(self.names) for each in ("gateway", "shared")
            ),
        )
        before = Counters.read(fleet)
        time.sleep(WINDOW)
        rates = Counters.read(fleet).since(before)
        say(f"{'… each Alertmanager: requests/s':<58} {rates.requests:12.2f}")
        say(f"{'… each Alertmanager: alerts/s':<58} {rates.alerts:12.2f}")
        self.expect("… mails as grouped by default: one for each host", *self._one_each())
        together = fleet.count("Connection failed") - len(self.names)
        say(f"{'… mails with scope = fleet: for all hosts together':<58} {together:12}")

    def mended(self) -> None:
        """Open both again."""
        for server in (self.fleet.gateway, self.fleet.shared):
            server.open()
        self.timed(
            "two servers back: every host's end is mailed",
            lambda: len(self.gateway_mails(resolved=True)) == len(self.names),
        )
        self.expect("… mails: one for each host", *self._one_each(resolved=True))

    def dead_host(self) -> None:
        """Kill a supervisor while one of its alerts fires: Prometheus misses it."""
        victim = self.fleet.hosts[-1]
        killed = time.time()
        victim.kill()
        down = f"{victim.name} - TE, SupervisorDown"
        self.timed("a host dead: mailed", lambda: self.fleet.count(down))
        alerts = [
            alert
            for alert in self.fleet.alertmanagers[0].alerts()
            if alert["labels"].get("host") == victim.name
        ]
        heard = [each for each in alerts if each["status"]["state"] == "active"]
        names = sorted(each["labels"]["alertname"] for each in heard)
        self.expect("… its alerts that are not held back", ["Heartbeat", "SupervisorDown"], names)
        (end,) = (each["endsAt"] for each in heard if each["labels"]["alertname"] == "Heartbeat")
        left = datetime.fromisoformat(end).timestamp() - killed
        say(f"{'… after its death its heartbeat is gone within':<58} {left:10.1f} s")
        self.expect("… mails", 1, self.fleet.count(down))

    def dead_alertmanager(self) -> None:
        """Kill one Alertmanager of two: the other one mails what fires then."""
        self.before = self.fleet.mails("gateway")
        self.fleet.alertmanagers[0].stop()
        self.fleet.gateway.close()
        self.timed(
            "an Alertmanager dead, then a server gone: all mailed",
            lambda: len(self.gateway_mails()) == len(self.names),
        )
        self.expect("… mails: one for each host", *self._one_each())

    def panels(self, started: float) -> None:
        """Ask Prometheus the queries of the dashboards."""
        found = [*grafana.answers(self.fleet.prometheus, started, time.time(), SCRAPE_INTERVAL)]
        empty = [f"{each.where}: {each.expr}" for each in found if not each.series]
        say(f"{'queries of the dashboards':<58} {len(found):12}")
        self.expect("… that give no series", [], empty)

    def silence(self) -> None:
        """Wait until only the heartbeat of the dead host is missing."""

        def heard() -> set[str]:
            before = self.fleet.heartbeats()
            time.sleep(2 * SILENCE)
            return set(self.fleet.heartbeats() - before)

        everyone = {*self.names, "prometheus"}
        self.timed("only the dead host's heartbeat is missed", lambda: heard() == everyone)

    def _one_each(self, *, resolved: bool = False) -> tuple[Counter[str], Counter[str]]:
        """Return how many mails there must be for each host, and how many there are."""
        return Counter(self.names), self.gateway_mails(resolved=resolved)


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--silence", action="store_true", help="wait for a heartbeat's end, too")
    options = parser.parse_args()
    settings = Settings(
        options.hosts, scrape=f"{SCRAPE_INTERVAL:g}s", patience="30s", alertmanagers=2
    )
    started = time.time()
    with tempfile.TemporaryDirectory() as name, Fleet.running(Path(name), settings) as fleet:
        say(f"started {options.hosts} supervisors in {time.time() - started:.0f} s")
        time.sleep(WARM_UP)
        load = Load.measure(fleet, WINDOW)
        for line in load.lines(options.hosts, MANY_HOSTS, SCRAPE_INTERVAL, SHIPPED_SCRAPE_INTERVAL):
            say(line)
        trial = Trial(fleet)
        trial.shared_fault()
        trial.dead_host()
        trial.mended()
        trial.dead_alertmanager()
        trial.panels(started)
        if options.silence:
            trial.silence()
    return 1 if trial.is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
