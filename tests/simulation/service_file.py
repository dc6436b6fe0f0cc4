"""What the service file of the simulated host says, made from a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.observations import Duration
from tests.simulation.events import Timed
from tests.simulation.scenario import HOST, SERVICE, ModuleScript, Settings


def service_of(
    settings: Settings, modules: Iterable[ModuleScript], peers: Iterable[str]
) -> Service:
    """Return the service as `load` would."""
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
        modules=tuple(_module(script) for script in modules),
    )


def told_of(service: Service) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Timed, ...]]:
    """Return its enabled modules, its peers and its timetable, as events tell them."""
    timetable = tuple(
        Timed(each.name, each.every, tuple(each.at), each.catch_up, each.enabled)
        for each in service.modules
    )
    names = tuple(each.name for each in timetable if each.enabled)
    return names, tuple(service.alertmanager.urls), timetable


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
