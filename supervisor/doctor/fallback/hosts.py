"""Whether the fallback's mail server is the host of an Alertmanager, or one that it mails by."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

import trio
from attrs import frozen

from supervisor.config.fallback.fallback import FallbackMail
from supervisor.config.service import Service
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.doctor import peer_metrics
from supervisor.doctor.findings import Finding
from supervisor.doctor.peer import MAX_ANSWER_BYTES
from supervisor.errors import SupervisorError

RESOLVE_TIMEOUT = 10.0
"""Seconds to look up all hosts."""

_SMARTHOST = re.compile(r"(?m)^[\s-]*(?:smtp_)?smarthost:\s*['\"]?([^'\"\s#]+)")
"""The mail server of a receiver, or of all of them, in an Alertmanager's configuration."""


@frozen
class Host:
    """A host on which the fallback should not depend."""

    name: str
    """Its name or address."""

    what: str
    """What it is: "the host of the Alertmanager http://…"."""


async def shared_hosts(mail: FallbackMail, service: Service) -> list[Finding]:
    """Return a warning for each host that is the mail server's, by name or by address."""
    hosts = [*_peers(service), *await _smarthosts(service)]
    same = [host for host in hosts if host.name.lower() == mail.host.lower()]
    others = [host for host in hosts if host not in same]
    with trio.move_on_after(RESOLVE_TIMEOUT):
        look = partial(_of_the_same_address, mail.host, others)
        same += await trio.to_thread.run_sync(look, abandon_on_cancel=True)
    remedy = "name another mail server in fallback.mail.server: both may fail together"
    return [Finding(f"mail: {mail.server} is {host.what}", remedy, serious=False) for host in same]


def _peers(service: Service) -> Iterator[Host]:
    for url in service.alertmanager.urls:
        yield Host(urlsplit(url).hostname or "", f"the host of the Alertmanager {url}")


async def _smarthosts(service: Service) -> list[Host]:
    """Return the mail servers of each Alertmanager whose configuration can be read."""
    found = []
    for url in service.alertmanager.urls:
        try:
            async with Client(url, service.alertmanager) as client:
                answer = await client.get("/api/v2/status", time.time(), MAX_ANSWER_BYTES)
            if answer.reply is Reply.DELIVERED:
                text = peer_metrics.read_status(answer.body).configuration
                found += [Host(name, f"the smarthost of {url}") for name in smarthosts(text)]
        except SupervisorError:
            continue  # its own examination says why
    return found


def smarthosts(configuration: str) -> list[str]:
    """Return the hosts of the mail servers that a configuration names, each once."""
    names = (each.rpartition(":")[0].strip("[]") for each in _SMARTHOST.findall(configuration))
    return [*dict.fromkeys(filter(None, names))]


def _of_the_same_address(name: str, hosts: Sequence[Host]) -> list[Host]:
    ours = _addresses(name)
    return [host for host in hosts if ours & _addresses(host.name)]


def _addresses(name: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return set()
