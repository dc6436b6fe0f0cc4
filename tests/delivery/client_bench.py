"""What the tests of the client share: the time it is told, and a peer with a short time limit."""

from __future__ import annotations

from supervisor.config.service import Alertmanager
from supervisor.observations import Duration

NOW = 1_700_000_000.0
"""Any time."""

TIMEOUT = 0.4
"""Seconds: the time limit of a peer that is quick, or never answers."""

QUICK = Alertmanager(timeout=Duration(TIMEOUT))
"""The settings of this peer."""
