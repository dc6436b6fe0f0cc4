"""Makes a scenario from a seed: what is wrong on the host, and what the world does to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random
from zoneinfo import ZoneInfo

from attrs import evolve

from tests.simulation.channels import CHANNEL_WEATHER
from tests.simulation.coincidences import coincidences
from tests.simulation.faults import CHECK_WEATHER, PEER_WEATHER
from tests.simulation.host import SMALL_LEDGER
from tests.simulation.jobs.plan import jobs_and_kills
from tests.simulation.kinds import DAY, KINDS, Kind, kind_of
from tests.simulation.last_resorts import last_resort, outages
from tests.simulation.planned_work import planned_work
from tests.simulation.scenario import BANDS, Fault, ModuleScript, Scenario, Settings, Spell

FIRST_START = 1_700_000_000
LAST_START = 1_900_000_000
"""Unix seconds between which a scenario begins."""

ZONES = (
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Seoul",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Havana",
)
"""Zones with and without changes of the clocks, one by half an hour, two at midnight."""

SPECIAL_DAYS = ((2, 28), (12, 30), (12, 31))
"""Month and day before a leap day or the end of a year."""

SELDOM_EVERY = (45000.0, DAY, 7 * DAY)
"""Seconds between two runs of few modules, in worlds of more than a day."""

REPORTS = (0.0, 0.0, 0.5, 3.0)
"""How often a day a module has something to report."""

OF_THE_PROCESS = ("kill", "kill", "kill", "cut", "terminate", "reload", "reload", "recorder_sticks")
OF_THE_CLOCK = ("clock_step", "drift", "suspend")
OF_THE_DISK = (
    "disk_refuses",
    "disk_slow",
    "disk_hangs",
    "ledger_vanishes",
    "ledger_is_damaged",
    "ledger_comes_back",
)
OF_A_PEER = (
    *PEER_WEATHER,
    "peer_slow",
    "peer_lies",
    "poison",
    "alertmanager_ends",
    "sender_sticks",
)
OF_A_CHECK = tuple(CHECK_WEATHER)

UNSEEN = frozenset(
    {"kill", "cut", "terminate", "reload", *OF_A_PEER, *OF_A_CHECK, *CHANNEL_WEATHER}
) - {"peer_lies", "sender_sticks"}
"""Faults that no look at a clock or a file can find."""

STOP_BEFORE_END = 300.0
"""Seconds before the end at which a host that is managed by a program stops the service."""


def scenario(seed: int, days: float, modules: int = 0, kind: str = "") -> Scenario:
    """Return the scenario of a seed. It decides what is not said: the kind, how many modules."""
    kind = kind or kind_of(seed, days)
    of = KINDS[kind]
    choose = Random(f"scenario {seed} {float(days)} {modules}")
    count = modules or choose.choice(of.modules)
    peers = tuple(f"http://am-{number}.example.invalid" for number in range(choose.randint(1, 3)))
    seconds = days * DAY
    scripts = tuple(_module(of, choose, number, seconds) for number in range(count))
    resend_interval = choose.choice(of.resend_interval)
    timezone = choose.choice(ZONES)
    start = float(_start(choose, timezone))
    settings = Settings(
        timezone=timezone,
        resend_interval=resend_interval,
        heartbeat=choose.random() < of.heartbeat,
        group_interval=of.group_interval,
        max_batch=choose.choice(of.max_batch),
        max_ledger=_max_ledger(of, seed),
    )
    faults = [
        *_faults(of, choose, seconds, modules=scripts, peers=peers),
        *_floods(of, seed, seconds, scripts),
    ]
    faults += [*_habits(of, seed, seconds, faults)]
    meetings = Random(f"coincidences {seed} {seconds}")
    met = coincidences(meetings, scripts, peers, of.coincidences)
    faults += [fault for fault in met if fault.at < seconds]
    if all(fault.kind in UNSEEN for fault in faults):
        settings = evolve(settings, look_interval=of.rare_looks, watchdog=4 * of.rare_looks)
    windows = planned_work(Random(f"windows {seed} {seconds}"), [each.name for each in scripts])
    by_chance = Random(f"jobs {seed} {seconds}")
    jobs, kills = jobs_and_kills(by_chance, kind, timezone, start=start, seconds=seconds)
    choose = Random(f"last resort {seed} {seconds}")
    if (needed := last_resort(of, choose)) is not None:
        befalls = outages(of, choose, seconds, needed=needed, modules=scripts, peers=peers)
        faults += [fault for fault in befalls if fault.at < seconds]
    return Scenario(
        seed=seed,
        days=days,
        start=start,
        settings=settings,
        modules=scripts,
        peers=peers,
        faults=tuple(sorted([*faults, *kills], key=attrgetter("at"))),
        maintenance=tuple(windows),
        jobs=jobs,
        last_resort=needed,
    )


def _floods(
    of: Kind, seed: int, seconds: float, modules: tuple[ModuleScript, ...]
) -> Iterator[Fault]:
    """Yield what fills a small ledger."""
    choose = Random(f"floods {seed} {seconds}")
    if _max_ledger(of, seed) < SMALL_LEDGER:
        for moment in _moments(choose, of.trouble * 3 / DAY, seconds):
            lasts = round(choose.uniform(60.0, 1200.0), 3)
            yield Fault(round(moment, 3), "check_floods", choose.choice(modules).name, lasts)


def _habits(of: Kind, seed: int, seconds: float, faults: list[Fault]) -> Iterator[Fault]:
    """Yield reloads of a program that manages the host, and kills of people during an outage.

    Shortly before the end comes a stop: it shows the counters of all modules.
    """
    choose = Random(f"habits {seed} {seconds}")
    for moment in _moments(choose, of.reloads_per_day / DAY, seconds):
        yield Fault(round(moment, 3), "reload", amount=_amount(choose, "reload"))
    if of.reloads_per_day:
        yield Fault(seconds - STOP_BEFORE_END, "terminate", seconds=1.0)
    for outage in faults:
        if outage.kind in PEER_WEATHER and choose.random() < of.kill_in_outage:
            moment = outage.at + choose.random() * outage.seconds
            yield Fault(round(moment, 3), "kill", seconds=1.0, amount=_amount(choose, "kill"))


def _max_ledger(of: Kind, seed: int) -> int:
    """Return how many bytes the ledger has. Some are so small that a flood fills them."""
    choose = Random(f"ledger {seed}")
    if choose.random() < of.small_ledger:
        return choose.choice((64, 256, 700)) * 1024
    return 64 * 1024 * 1024


def _start(choose: Random, timezone: str) -> int:
    """Return when it begins: half of all worlds begin on the day before a day that is not usual."""
    start = choose.randint(FIRST_START, LAST_START)
    zone = ZoneInfo(timezone)
    match choose.random():
        case chance if chance < 0.4:
            return _before_a_change(start, zone)
        case chance if chance < 0.5:
            day = choose.choice(SPECIAL_DAYS)
            year = choose.choice((2024, 2028)) if day == (2, 28) else choose.randint(2024, 2029)
            noon = datetime(year, *day, 12, tzinfo=zone)
            return int(noon.timestamp()) + choose.randrange(36000)
    return start


def _before_a_change(start: int, zone: ZoneInfo) -> int:
    """Return a time some hours before the clocks change. Or `start`, where they never do."""
    for moment in range(start, start + 400 * int(DAY), 3600):
        if _offset(moment, zone) != _offset(moment + 3600, zone):
            return moment - start % int(DAY)
    return start


def _offset(moment: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(moment, zone).utcoffset()


def _module(of: Kind, choose: Random, number: int, seconds: float) -> ModuleScript:
    name = f"m{number:02}"
    at: tuple[str, ...] = ()
    every: float | None = choose.choice(of.every)
    match choose.random():
        case chance if chance < 0.2:
            minutes = sorted(choose.sample(range(24 * 60), choose.randint(1, 4)))
            at, every = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in minutes), None
        case chance if chance < 0.3:
            at, every = choose.choice(of.ranges)
        case chance if chance < 0.33:
            every = choose.choice((seconds <= DAY and of.short_every) or SELDOM_EVERY)
    busy = of.trouble * choose.choice(of.spells) / DAY
    return ModuleScript(
        name=name,
        every=every,
        at=at,
        timeout=choose.choice((10.0, 30.0)),
        fire_after=choose.choice((1, 1, 1, 2, 3)),
        of_last=choose.choice((0, 0, 0, 4, 5)),
        clear_after=choose.choice((1, 1, 1, 2, 3)),
        spells=tuple(_spells(choose, busy, seconds)),
        reports=tuple(_moments(choose, of.trouble * choose.choice(REPORTS) / DAY, seconds)),
    )


def _moments(choose: Random, rate: float, seconds: float) -> Iterator[float]:
    moment = 0.0
    while rate and (moment := moment + choose.expovariate(rate)) < seconds:
        yield moment


def _spells(choose: Random, rate: float, seconds: float) -> Iterator[Spell]:
    """Yield what goes wrong: mostly for minutes, at times for days, at times again and again."""
    for number in range(choose.randint(1, 3)):
        over = 0.0
        for began in _moments(choose, rate, seconds):
            for _ in range(choose.choice((1, 1, 1, 5))):
                start = max(began, over + 1.0)
                lasts = min(choose.lognormvariate(math.log(600), 1.5), 5 * DAY)
                over = start + lasts
                kind = choose.choice(("W", "E", "W", "E", *BANDS))
                yield Spell(f"i{number}", round(start, 3), round(over, 3), kind)


def _faults(
    of: Kind,
    choose: Random,
    seconds: float,
    *,
    modules: tuple[ModuleScript, ...],
    peers: tuple[str, ...],
) -> Iterator[Fault]:
    rate = choose.choice(of.faults_per_day) / DAY
    kinds = [OF_THE_PROCESS, OF_THE_CLOCK, OF_THE_DISK, OF_A_PEER, OF_A_PEER, OF_A_CHECK]
    if of.only_unseen:
        unseen = (tuple(kind for kind in group if kind in UNSEEN) for group in kinds)
        kinds = [group for group in unseen if group]
    kinds = [tuple(kind for kind in group if kind not in of.without) for group in kinds]
    wanted = choose.sample(kinds, choose.randint(1, len(kinds)))
    for moment in _moments(choose, rate, seconds):
        kind = choose.choice(choose.choice(wanted))
        targets: tuple[str, ...] = ("",)
        if kind in OF_A_PEER:
            targets = (choose.choice(peers),)
            if of.whole_network and choose.random() < of.whole_network:
                targets = peers
        elif kind in OF_A_CHECK:
            targets = (choose.choice(modules).name,)
        lasts, amount = _seconds(choose, kind), _amount(choose, kind)
        for target in targets:
            yield Fault(round(moment, 3), kind, target, lasts, amount)


def _seconds(choose: Random, kind: str) -> float:
    if kind in ("kill", "cut", "terminate", "ledger_is_damaged"):
        return choose.choice((1.0, 1.0, 5.0, 60.0, 1200.0, 20000.0))
    if kind == "clock_step":
        return choose.choice((0.0, 30.0, 600.0))
    longest = {"drift": 7 * DAY, "check_floods": 600.0}.get(kind, 6 * 3600.0)
    return round(min(choose.lognormvariate(math.log(300), 1.5), longest), 3)


def _amount(choose: Random, kind: str) -> float:
    match kind:
        case "kill":
            return float(choose.randint(1, 400))
        case "cut":
            return float(choose.randint(0, 2))
        case "reload":
            return float(choose.randrange(1 << 30))
        case "clock_step":
            return choose.choice((-1, 1)) * choose.choice((2.0, 40.0, 3600.0, 40000.0))
        case "drift":
            return choose.choice((-1, 1)) * choose.choice((1e-5, 2e-4))
        case "disk_refuses" | "alertmanager_ends":
            return float(choose.randint(0, 1))
        case "disk_slow":
            return choose.choice((0.2, 2.0, 15.0))
        case "ledger_is_damaged":
            return choose.choice((1.0, 30.0))
        case "peer_503" | "peer_429":
            return choose.choice((0.0, 1.0, 120.0))
        case "peer_slow":
            return choose.choice((0.5, 3.0, 8.0))
        case "peer_lies":
            return choose.choice((-1, 1)) * choose.choice((3.0, 60.0, 7200.0))
    return 0.0
