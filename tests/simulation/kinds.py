"""The kinds of hosts that are simulated: how often their modules run, and what befalls them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from attrs import frozen

DAY = 86400.0

Ranges = tuple[tuple[tuple[str, ...], float], ...]

RANGES: Ranges = (
    (("00:00-23:55",), 300.0),
    (("00:00-23:59",), 60.0),
    (("22:10-03:05",), 420.0),
    (("01:00-04:00", "02:30"), 1800.0),
)
"""Times of the day in steps."""

SHORTEST_CALM = 30.0
"""Days that a calm world lasts at least. In less, nothing happens in it."""


@frozen
class Kind:
    """What the hosts of one kind have in common."""

    days: float
    """How long a world lasts, if its length is not asked for."""

    every: tuple[float, ...]
    """Seconds between two runs of a module."""

    ranges: Ranges
    """Times of the day in steps."""

    resend_interval: tuple[float, ...]
    """Seconds between two sendings of what fires."""

    heartbeat: float
    """How likely a host has a heartbeat."""

    faults_per_day: tuple[float, ...]
    """How rough a world is."""

    trouble: float = 1.0
    """How often conditions and reports come, as a part of how often they come elsewhere."""

    spells: tuple[float, ...] = (0.0, 0.2, 1.0, 5.0)
    """How often a day something goes wrong at an instance of a module."""

    only_unseen: bool = False
    """Whether clocks and disks do no harm."""

    group_interval: float = 60.0
    """Seconds after which Alertmanagers look at a group again."""

    rare_looks: float = 1800.0
    """Seconds between two looks at clocks and disks, where these do no harm."""

    short_every: tuple[float, ...] = ()
    """Seconds between two runs of few modules, in worlds of a day or less: they take long."""

    max_batch: tuple[int, ...] = (1, 8, 256)
    """Alerts in a request. Small ones take long while a check floods."""

    without: tuple[str, ...] = ()
    """Faults that do not befall its hosts by chance."""

    small_ledger: float = 1 / 8
    """How likely the ledger is so small that a flood fills it."""

    whole_network: float = 0.0
    """How likely what goes wrong at one peer goes wrong at all of them."""

    reloads_per_day: float = 0.0
    """How often a program that manages the host reloads the service, beside other faults."""

    kill_in_outage: float = 0.0
    """How likely the supervisor is killed while a peer cannot be reached."""

    coincidences: float = 0.0
    """How likely something befalls the supervisor just when a condition begins."""

    modules: tuple[int, ...] = (1, 3, 5, 13)
    """How many modules a host has."""

    outages_per_day: float = 1.0
    """How often no peer can be reached, on a host that has a fallback."""

    after: tuple[float, ...] = (600.0, 1800.0)
    """Seconds until a fallback tells of an outage."""

    tell_every: tuple[float, ...] = (3600.0, 4 * 3600.0)
    """Seconds until it tells of it again."""

    is_asked_for: bool = False
    """Whether no seed decides for this kind."""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "dense": Kind(
            days=2.0,
            every=(30.0, 60.0, 60.0, 300.0, 300.0, 3600.0),
            ranges=RANGES,
            resend_interval=(60.0, 60.0, 300.0),
            heartbeat=0.5,
            faults_per_day=(0.0, 0.1, 1.0, 6.0, 30.0),
            short_every=(1.0, 5.0),
            outages_per_day=4.0,
            after=(60.0, 120.0, 600.0),
            tell_every=(600.0, 3600.0),
        ),
        "ordinary": Kind(
            days=14.0,
            every=(300.0, 600.0, 900.0, 1800.0, 1800.0, 3600.0),
            ranges=(RANGES[0], *RANGES[2:]),
            resend_interval=(300.0, 600.0, 900.0),
            heartbeat=0.5,
            faults_per_day=(0.0, 0.3, 1.0, 3.0),
            trouble=0.3,
            outages_per_day=1.0,
        ),
        "calm": Kind(
            days=365.0,
            every=(12 * 3600.0, DAY, DAY, 7 * DAY),
            ranges=RANGES[3:],
            resend_interval=(1800.0, 3600.0),
            heartbeat=0.0,
            faults_per_day=(0.0, 0.02, 0.1),
            trouble=0.02,
            only_unseen=True,
            without=("check_floods",),  # what it leaves is sent again for days, until the next run
            group_interval=300.0,
            rare_looks=DAY,
            small_ledger=0.0,
            modules=(1, 3, 5),
            outages_per_day=0.03,
        ),
        "rough": Kind(
            days=0.25,
            every=(60.0, 60.0, 300.0),
            ranges=RANGES,
            resend_interval=(120.0, 300.0),
            heartbeat=0.5,
            faults_per_day=(12.0, 24.0),
            trouble=4.0,
            spells=(2.0, 5.0),
            without=("check_floods",),  # they take long, and tell much only in a small ledger
            small_ledger=1 / 4,
            whole_network=1 / 2,
            reloads_per_day=24.0,
            kill_in_outage=1 / 4,
            coincidences=1 / 3,
            modules=(1, 3),
            max_batch=(32, 256),
            short_every=(10.0,),
            outages_per_day=16.0,
            after=(60.0, 120.0, 300.0),
            tell_every=(300.0, 600.0, 1800.0),
            is_asked_for=True,
        ),
    }
)
"""Dense ones are like a lab, ordinary ones like a fleet, calm ones have a few jobs a day.

Rough ones are for the search of faults: in six hours they meet what is rare elsewhere.
"""


def kind_of(seed: int, days: float | None) -> str:
    """Return the kind of a seed's world that lasts so long. None: as long as its kind does."""
    kinds = [name for name, kind in KINDS.items() if not kind.is_asked_for]
    fits = [name for name in kinds if name != "calm" or days is None or days >= SHORTEST_CALM]
    return Random(f"kind {seed}").choice(fits)
