"""Looks at all of the host. Nothing is asked of other hosts, and no secret is read."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from supervisor.discover.draft import Finding, Survey
from supervisor.discover.sources.alertmanagers import alertmanagers
from supervisor.discover.sources.arrays import arrays
from supervisor.discover.sources.certificates import certificates
from supervisor.discover.sources.filesystems import filesystems
from supervisor.discover.sources.listeners import Listener, listeners
from supervisor.discover.sources.logs import logs
from supervisor.discover.sources.mysql import mysql
from supervisor.discover.sources.ports import daemons, ports
from supervisor.discover.sources.routes import routes
from supervisor.discover.sources.units import units, watched
from supervisor.discover.sources.vitals import vitals
from supervisor.text import shortened


def survey(service: str, file: str, *, with_logs: bool) -> Survey:
    """Return what is found on this host. It takes a few seconds at most."""
    try:
        heard = listeners()
    except OSError:  # there is no /proc
        heard = []
    findings = [*_findings(heard, with_logs=with_logs)]
    return Survey(
        service=service,
        file=file,
        host=socket.gethostname(),
        modules=tuple(draft for finding in findings for draft in finding.modules),
        left_out=tuple(line for finding in findings for line in finding.left_out),
        alertmanagers=alertmanagers(heard),
    )


def _findings(heard: Sequence[Listener], *, with_logs: bool) -> Iterator[Finding]:
    yield _looked("the host's vitals", vitals)
    yield _looked("filesystems", filesystems)
    enabled = _looked("systemd's units", units)
    yield enabled
    yield _looked("ports", partial(ports, heard))
    yield _looked("programs of ports", partial(daemons, heard, watched(enabled)))
    yield _looked("certificates", partial(certificates, heard))
    yield _looked("routes", routes)
    yield _looked("software RAID", arrays)
    yield _looked("databases", mysql)
    if with_logs:
        yield _looked("logs", logs)
    else:
        yield Finding(left_out=("logs: run discover with --logs",))


def _looked(what: str, look: Callable[[], Finding]) -> Finding:
    """Return what a look finds. One that fails does not keep the others from looking."""
    try:
        return look()
    except Exception as error:  # other programs may print anything
        text = shortened(str(error) or type(error).__name__, most=200)
        return Finding(left_out=(f"{what}: cannot be looked at: {text}",))
