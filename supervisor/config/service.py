"""What a service file says, as frozen values; and which labels it may set.

`load` makes them. docs/reference/service-file.md explains each key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import field, frozen

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.fallback.fallback import Fallback
from supervisor.config.secret import Secret
from supervisor.observations import Duration

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""The form of a label's name that each Alertmanager takes; names of annotations follow it, too."""

UTF8_LABEL_NAME = re.compile(r"[^\W\d][\w.:/-]*")
"""The form with `utf8_labels`. No name of it needs quotes in a matcher."""

RESERVED_LABELS = frozenset({"alertname", "check", "event_id", "event_type", "instance"})
"""Labels that the supervisor alone sets."""

RESERVED_FROM_FILES = RESERVED_LABELS | {"service"}
"""Labels that a service file cannot set. It gives the service's name at its top instead."""

RESERVED_FROM_CHECKS = RESERVED_LABELS | {"host"}
"""Labels that a check cannot set. A service file may name the host, a check may not."""


@frozen
class During:
    """One `[[modules.during]]` table: other parameters of a module at other times."""

    at: tuple[str, ...] = field(metadata={"example": '["23:00-05:00"]'})
    """When they count: ranges, as `at` of a module has them."""
    except_: tuple[Calendar, ...] = ()
    """Files of calendars: no range of `at` begins on their dates."""
    params: object = None
    """An instance of the check's own `Params` class."""


@frozen
class Module:
    """One `[[modules]]` table: a check, when it runs, and what becomes of its conditions."""

    check: str = field(metadata={"example": '"disk"'})
    """Name of a check that is installed, or the dotted path of its module."""
    name: str
    """Unique in the service; the alerts' label `check`. Default: the name of the check."""
    every: Duration | None = None
    """A run each time that this has passed, on a fixed grid."""
    at: tuple[str, ...] = ()
    """Times of the day, "HH:MM", and ranges, "HH:MM-HH:MM"; also of days: "Mon-Fri 09:00"."""
    except_: tuple[Calendar, ...] = ()
    """Files of calendars: no time of `at` begins on their dates."""
    timeout: Duration = Duration(30)
    """A run that takes longer is ended."""
    catch_up: Duration = Duration(600)
    """A missed time of `at` is made up for within this time."""
    fire_after: int | str = 1
    """Runs that see a condition before it fires: so many in a row, or "3 of 5" of the last ones."""
    clear_after: int | Duration = 1
    """How long runs must not see a condition before it resolves: runs in a row, or a time."""
    max_conditions: int = 1000
    """Conditions of one run, at most. More are not sent, and an alert says so."""
    enabled: bool = True
    """False: the module does not run."""
    labels: Mapping[str, str] = field(factory=dict)
    """Labels of its alerts, such as the team."""
    annotations: Mapping[str, str] = field(factory=dict)
    """Annotations of its alerts, such as a link to a runbook."""
    during: tuple[During, ...] = ()
    """Other parameters at other times."""
    params: object = None
    """An instance of the check's own `Params` class."""

    @property
    def runs_to_fire(self) -> tuple[int, int]:
        """How many runs must see a condition before it fires, and of how many of the last ones."""
        if isinstance(self.fire_after, int):
            return self.fire_after, self.fire_after
        seen, _, last = self.fire_after.partition(" of ")
        return int(seen), int(last)

    @property
    def runs_to_clear(self) -> int:
        """Runs in a row that do not see a condition before it resolves."""
        if isinstance(self.clear_after, int):
            return self.clear_after
        return max(1, math.ceil(self.clear_after / self.every)) if self.every else 1

    @property
    def past_events(self) -> frozenset[str]:
        """The alertnames of the check that tell what has happened, and not what is true now."""
        found = getattr(self.params, "past_events", None)
        return found if isinstance(found, frozenset) else frozenset()


@frozen
class Maintenance:
    """One `[[maintenance]]` table: when work is planned, and whose conditions are then held."""

    name: str = field(metadata={"example": '"weekly reboot"'})
    """Unique in the service. What was held says it in its annotation `held`."""
    at: tuple[str, ...] = field(metadata={"example": '["Sun 03:00-03:30"]'})
    """When the work takes place: ranges, as `at` of a module has them."""
    except_: tuple[Calendar, ...] = ()
    """Files of calendars: no range of `at` begins on their dates."""
    modules: tuple[str, ...] = ()
    """Modules whose conditions and reports are held. Empty: all, not the supervisor's own."""
    settle: Duration = Duration(180)
    """For how long after the end conditions are still held."""


@frozen
class Alertmanager:
    """The `[alertmanager]` table: every peer of the cluster, and how to talk to it."""

    urls: tuple[str, ...] = ()
    """Every peer of the cluster, never a load balancer. Empty: alerts go to the log alone."""
    timeout: Duration = Duration(5)
    """For one request, from its start to its end."""
    max_batch: int = 256
    """Alerts of one request, at most."""
    min_visible: Duration = Duration(360)
    """How long a peer must have held an alert as firing so that it surely notified of it."""
    username: str = ""
    """For basic authentication, with `password`."""
    password: Secret | None = None
    """Of `username`."""
    bearer_token: Secret | None = None
    """Instead of `username` and `password`."""
    ca_file: Path | None = None
    """Who is trusted, in PEM. Default: the system's authorities."""
    cert_file: Path | None = None
    """Our own certificate, in PEM, with `key_file`."""
    key_file: Path | None = None
    """The key of `cert_file`, in PEM."""
    strict: bool = False
    """Whether the peers' authorities must keep to each rule of RFC 5280."""
    utf8_labels: bool = False
    """Whether names of labels may have letters of all languages, and dots: each peer takes them."""

    @property
    def shown_after(self) -> float:
        """Seconds after which a peer has surely told what it holds. The log tells it at once."""
        return self.min_visible if self.urls else 0.0


@frozen
class StatusListener:
    """The `[status]` table: where the status page and /metrics are served."""

    listen: str = ""
    """HOST:PORT. Empty: nothing is served."""
    hosts: tuple[str, ...] = ()
    """Further names under which browsers may ask for the page."""
    token: Secret | None = None
    """What a reader of the page must know. It is needed unless `listen` is on loopback."""
    external_url: str = ""
    """The link to the page in alerts."""


@frozen
class Service:
    """One service file."""

    path: Path = field(metadata={"key": False})
    """The file itself; no key of it."""
    service: str = field(metadata={"example": '"SHOP"'})
    """The alerts' label `service`."""
    timezone: ZoneInfo
    """The IANA name of the zone of all times. Default: the machine's."""
    report_lifetime: Duration = Duration(1800)
    """How long a report stays active."""
    resend_interval: Duration = Duration(60)
    """How often a firing alert is sent again."""
    stop_grace: Duration = Duration(10)
    """From SIGTERM to the end of the process, at most."""
    heartbeat: bool = False
    """Whether there is an alert that always fires."""
    max_ledger: int = field(default=64 * 1024 * 1024, metadata={"example": '"64MiB"'})
    """Bytes of all alerts in the ledger, at most, also as "64MiB". Its files may be larger."""
    labels: Mapping[str, str] = field(factory=dict)
    """Of every alert; `host` is among them."""
    alertmanager: Alertmanager = field(factory=Alertmanager)
    """Where alerts are sent."""
    status: StatusListener = field(factory=StatusListener)
    """The status page."""
    fallback: Fallback | None = None
    """Who is told when no Alertmanager takes what is owed."""
    maintenance: tuple[Maintenance, ...] = ()
    """When work is planned."""
    modules: tuple[Module, ...] = ()
    """What is checked."""
