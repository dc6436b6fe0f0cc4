"""What the tests of the client share: a quick peer's settings, secrets, and certificates."""

from __future__ import annotations

from supervisor.config.service import Alertmanager
from supervisor.observations import Duration

NOW = 1_700_000_000.0
TIMEOUT = 0.4
QUICK = Alertmanager(timeout=Duration(TIMEOUT))
