"""For all tests: the same examples of hypothesis in every run, no blocking step, and the order.

HYPOTHESIS_PROFILE=explore tries other examples.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.all_skipped import pytest_sessionfinish  # noqa: F401 - pytest calls it
from tests.support.blocking import BlockingSteps
from tests.support.own_mounts import have_mounts_of_our_own

# A busy machine is not the fault of an example. The examples are the same ones each time, so a few
# are enough; `explore` looks for new ones.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

if not os.environ.get("SUPERVISOR_SYSTEMD_TESTS"):
    collect_ignore = ["systemd"]  # boots a container: scripts/test-systemd does that

WAITING = ("e2e", "host_weather", "power_cut", "simulation")
"""Folders whose tests take long, most of them because they wait for other programs."""

# A mount that a test makes, and a comparison with all that df shows, must not disturb each other.
if "PYTEST_XDIST_WORKER" in os.environ and os.geteuid() == 0:
    have_mounts_of_our_own()

steps = BlockingSteps()
steps.watch_every_run()


@pytest.fixture(autouse=True)
def no_step_blocks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which one step of one task blocks the event loop.

    `@pytest.mark.may_block("why")` allows it.
    """
    steps.found.clear()
    yield
    if steps.found and request.node.get_closest_marker("may_block") is None:
        pytest.fail(f"the event loop was blocked by {'; '.join(steps.found)}")


@pytest.fixture(autouse=True)
def nothing_stays_frozen() -> Iterator[None]:
    """Show the garbage collector all objects again, which a daemon in a test has frozen.

    Hypothesis asks the collector about objects of its own, and warns if it does not see them.
    """
    yield
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the workers of pytest-xdist, which take a file each, begin with what takes long."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.location[0].split("/")[1] not in WAITING)
