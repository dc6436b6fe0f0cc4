"""What the service file of the simulated host says, made from a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from checks.jobs import Job, Params
from supervisor.config.service import Alertmanager, Maintenance, Module, Service
from supervisor.observations import Duration
from tests.simulation.channels import table_of
from tests.simulation.events import Timed
from tests.simulation.jobs.reporter import SPOOL
from tests.simulation.jobs.script import MODULE, Jobs
from tests.simulation.scenario import (
    HOST,
    SERVICE,
    LastResort,
    ModuleScript,
    Planned,
    Settings,
)


def service_of(
    settings: Settings,
    modules: Iterable[ModuleScript],
    peers: Iterable[str],
    maintenance: Iterable[Planned] = (),
    jobs: Jobs | None = None,
    last_resort: LastResort | None = None,
) -> Service:
    """Return the service as `load` would. A window names only modules that there are."""
    modules = tuple(modules)
    return Service(
        path=Path("Simulated.toml"),
        service=SERVICE,
        timezone=ZoneInfo(settings.timezone),
        report_lifetime=Duration(settings.report_lifetime),
        resend_interval=Duration(settings.resend_interval),
        heartbeat=settings.heartbeat,
        max_ledger=settings.max_ledger,
        labels={"host": HOST},
        alertmanager=Alertmanager(
            urls=tuple(peers),
            timeout=Duration(settings.request_timeout),
            max_batch=settings.max_batch,
            min_visible=Duration(settings.min_visible),
        ),
        modules=(*(_module(script) for script in modules), *_module_of_jobs(jobs)),
        maintenance=tuple(_windows(maintenance, {script.name for script in modules})),
        fallback=table_of(last_resort),
    )


def told_of(
    service: Service,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Timed, ...], tuple[Planned, ...]]:
    """Return its enabled modules, its peers, its timetable and its windows, as events tell them.

    The module of jobs is left out: it has a judge of its own, and runs when a report comes.
    """
    timetable = tuple(
        Timed(each.name, each.every, tuple(each.at), each.catch_up, each.enabled)
        for each in service.modules
        if each.check != MODULE
    )
    names = tuple(each.name for each in timetable if each.enabled)
    planned = tuple(
        Planned(each.name, each.at, each.modules, each.settle) for each in service.maintenance
    )
    return names, tuple(service.alertmanager.urls), timetable, planned


def _windows(planned: Iterable[Planned], names: set[str]) -> Iterator[Maintenance]:
    for each in planned:
        modules = tuple(name for name in each.modules if name in names)
        if modules or not each.modules:
            settle = Duration(each.settle)
            yield Maintenance(name=each.name, at=each.at, modules=modules, settle=settle)


def _module_of_jobs(jobs: Jobs | None) -> Iterator[Module]:
    if jobs is None:
        return
    params = Params(
        jobs=tuple(
            Job(
                name=each.name,
                at=each.at,
                every=None if each.every is None else Duration(each.every),
                grace=Duration(each.grace),
            )
            for each in jobs.jobs
        ),
        spool=SPOOL,
    )
    every = Duration(jobs.every)
    yield Module(check=MODULE, name=MODULE, every=every, enabled=jobs.enabled, params=params)


def _module(script: ModuleScript) -> Module:
    return Module(
        check="scripted",
        name=script.name,
        every=None if script.every is None else Duration(script.every),
        at=script.at,
        timeout=Duration(script.timeout),
        fire_after=(
            f"{script.fire_after} of {script.of_last}"
            if script.of_last > script.fire_after
            else script.fire_after
        ),
        clear_after=script.clear_after,
        enabled=script.enabled,
        params=script,
    )
