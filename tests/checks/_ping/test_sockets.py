"""Who may ping, and what those are told who may not."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pytest
import trio

from checks import ping
from checks.ping import Params, PingedHost
from supervisor.api import CheckFailed
from tests.support.check_context import context
from tests.support.echo_network import in_namespace
from tests.support.network_namespace import needs_root

pytestmark = needs_root

PARAMS = Params((PingedHost("gateway", "127.0.0.9"),))


def test_a_group_that_may_not_ping_is_told_the_sysctl() -> None:
    with pytest.raises(CheckFailed) as failed:
        in_namespace(partial(trio.run, ping.run, context(), PARAMS), groups="1 0")

    said = 'not allowed to ping: net.ipv4.ping_group_range is "1 0", which does not include'
    assert str(failed.value).startswith(said)


AS_ANOTHER_GROUP = """
import os, trio
from checks import ping
params = ping.Params((ping.PingedHost("a", "127.0.0.9"), ping.PingedHost("b", "::1")))
os.setgroups([])
os.setgid(995)
os.setuid(995)
print("".join(trio.run(ping.examine, params)))
"""


def examined_as_another_group(groups: str) -> str:
    """Return what `examine` says in a process of group 995, when `groups` may ping."""
    argv = [sys.executable, "-c", AS_ANOTHER_GROUP]
    ask = partial(subprocess.run, argv, check=True, capture_output=True, text=True)
    return in_namespace(lambda: str(ask().stdout).strip(), groups=groups)


@pytest.mark.parametrize(
    ("groups", "wider"), [("1 0", "995 995"), ("100 200", "100 995"), ("2000 3000", "995 3000")]
)
def test_examine_says_before_that_the_group_may_not_ping(groups: str, wider: str) -> None:
    said = examined_as_another_group(groups)

    assert f'net.ipv4.ping_group_range is "{groups}", which does not include group 995' in said
    assert f'as root: sysctl -w net.ipv4.ping_group_range="{wider}"' in said


def test_examine_has_nothing_to_say_to_a_group_that_may_ping() -> None:
    assert examined_as_another_group("990 1000") == ""


@pytest.mark.parametrize(("groups", "is_told"), [("1 0", True), ("995 995", False)])
def test_root_is_told_only_of_a_range_without_groups(groups: str, *, is_told: bool) -> None:
    """The service runs as another user."""
    found = in_namespace(partial(trio.run, ping.examine, PARAMS), groups=groups)

    assert bool(found) == is_told


def present_network() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def in_a_thread_of_trio() -> str:
    return trio.run(trio.to_thread.run_sync, present_network)


def test_no_later_test_has_a_thread_that_is_in_a_network_of_these() -> None:
    assert in_namespace(in_a_thread_of_trio) != present_network()
    assert in_a_thread_of_trio() == present_network()
