"""The `ping` check without a route, a buffer, descriptors or enough time, and with many hosts."""

from __future__ import annotations

import resource
import subprocess
from functools import partial

import pytest
import trio

from checks._ping import sockets
from supervisor.api import CheckFailed, Duration, Observation
from tests.checks.ping_bench import conditions, host, look, loss, on_loopback
from tests.support.echo_network import V4, in_namespace
from tests.support.network_namespace import needs_root

pytestmark = needs_root


def test_a_network_without_a_route_is_named_and_others_are_judged() -> None:
    hosts = (host("198.51.100.1"), host("127.0.0.9", "other"), host("2001:db8::1", "sixth"))
    seen = on_loopback(*hosts)

    assert loss(seen) == {"gateway": 100, "other": 0, "sixth": 100}
    found = {message for _, _, message in conditions(seen)}
    assert "gateway (198.51.100.1): cannot be asked: network is unreachable" in found


def test_hosts_that_block_the_send_buffer_keep_no_other_from_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests to hosts that do not answer ARP lie in the buffer until that gives up."""
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)  # the least that the kernel gives

    def main() -> list[Observation]:
        script = f"""
            ip link add ve0 type veth peer name ve1
            ip addr add {V4}.1/24 dev ve0
            ip link set ve0 up && ip link set ve1 up
            echo 20 >/proc/sys/net/ipv4/neigh/ve0/retrans_time_ms
        """
        subprocess.run(["sh", "-ec", script], check=True)
        dead = [host(f"{V4}.{number}", f"{number}") for number in range(2, 32)]
        return trio.run(
            partial(look, *dead, host("127.0.0.9", "other"), count=2, timeout=Duration(2))
        )

    seen = in_namespace(main)

    assert set(loss(seen).values()) == {0, 100}
    assert [name for name, lost in loss(seen).items() if lost == 0] == ["other"]


def test_a_host_of_which_nothing_is_known_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)
    hosts = [host(f"127.0.0.{number}", f"{number}") for number in range(2, 10)]

    with pytest.raises(CheckFailed, match="answers came faster than this host could take them in"):
        on_loopback(*hosts, timeout=Duration(0.2))


def test_a_thousand_hosts_are_asked_in_time_and_none_is_lost() -> None:
    hosts = [host(f"127.0.{1 + n // 250}.{1 + n % 250}", f"{n}") for n in range(1000)]
    seen = on_loopback(*hosts, count=2, interval=Duration(0.5))

    assert loss(seen) == {f"{n}": 0 for n in range(1000)}


def test_a_module_without_enough_time_says_what_it_needs() -> None:
    async def main() -> None:
        with trio.fail_after(5):
            await look(host("127.0.0.9"), count=10, interval=Duration(1), timeout=Duration(2))

    with pytest.raises(CheckFailed, match=r"may take 11 s, and the module has 4\.\d* s; give"):
        in_namespace(partial(trio.run, main))


def test_a_process_without_descriptors_has_failed() -> None:
    def main() -> list[Observation]:
        before_it = resource.getrlimit(resource.RLIMIT_NOFILE)

        async def run() -> list[Observation]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, before_it[1]))
            try:
                return await look(host("127.0.0.9"))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before_it)

        return trio.run(run)

    with pytest.raises(CheckFailed, match="cannot open an ICMP socket: Too many open files"):
        in_namespace(main)
