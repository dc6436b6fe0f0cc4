"""The check before a network that the kernel makes bad, with netem on a pair of veth devices.

Where the kernel has no netem, tests/checks/test_ping.py has the same faults, made by a TUN device.
"""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from checks import ping
from checks.ping import Params, PingedHost
from supervisor.api import Duration, Measurement
from tests.support.check_context import context
from tests.support.echo_network import V4, in_namespace
from tests.support.network_namespace import needs_root

pytestmark = needs_root

HOSTS = 50
"""Asked 200 times each, 10,000 requests are drawn by lot. 3 % are then six standard deviations."""

FAR = "link set lo up\n" + "".join(f"addr add {V4}.{n + 2}/24 dev far\n" for n in range(HOSTS))


@contextmanager
def bad_network(netem: str) -> Iterator[None]:
    """Make a pair of devices. Requests meet `netem`; at the other end all hosts answer."""
    waits = ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]
    with subprocess.Popen(waits, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            near = f"""
                ip link add near type veth peer far netns {other.pid}
                ip addr add {V4}.1/24 dev near
                ip link set near up
                tc qdisc add dev near root netem limit 100000 {netem}
            """
            made = subprocess.run(["sh", "-ec", near], check=False, capture_output=True, text=True)
            if "qdisc kind is unknown" in made.stderr:
                pytest.skip("this kernel has no netem")
            assert made.returncode == 0, made.stderr
            far = ["nsenter", "-t", str(other.pid), "-n", "ip", "-batch", "-"]
            subprocess.run(far, check=True, input=f"{FAR}link set far up\n", text=True)
            yield
        finally:
            other.kill()


def measured(netem: str, count: int, hosts: int = 1) -> dict[str, list[float]]:
    """Return the measurements of all hosts behind such a network, by name."""
    wanted = tuple(PingedHost(f"{n}", f"{V4}.{n + 2}") for n in range(hosts))
    params = Params(wanted, count=count, interval=Duration(0.02), timeout=Duration(15))

    def look() -> dict[str, list[float]]:
        with bad_network(netem):
            seen = [*trio.run(ping.run, context(), params)]
        found: dict[str, list[float]] = {}
        for item in seen:
            if isinstance(item, Measurement):
                found.setdefault(item.name, []).append(item.value)
        return found

    return in_namespace(look)


def test_a_loss_of_40_percent_is_measured() -> None:
    losses = measured("loss 40%", 200, HOSTS)["ping_loss_percent"]

    assert len(losses) == HOSTS
    assert statistics.fmean(losses) == pytest.approx(40, abs=3)


def test_a_delay_of_100_ms_is_measured() -> None:
    found = measured("delay 100ms", 10)

    assert found["ping_loss_percent"] == [0]
    assert 0.1 <= found["ping_seconds"][0] < 10


def test_duplicates_count_once() -> None:
    assert measured("duplicate 100%", 20)["ping_loss_percent"] == [0]


def test_answers_in_another_order_are_not_lost() -> None:
    assert measured("delay 50ms reorder 50%", 50)["ping_loss_percent"] == [0]
