"""Routes that the tests of `routing_table` want."""

from __future__ import annotations

from checks.routing_table import WantedRoute

ANY = "0.0.0.0"  # noqa: S104  # it is not listened on
"""The default route, or no gateway."""

NET = WantedRoute("192.0.2.0", ANY, "255.255.255.0", "bond1")
DEFAULT = WantedRoute(ANY, "192.0.2.1", ANY, "bond1")
