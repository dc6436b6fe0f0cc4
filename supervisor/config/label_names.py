"""Names of labels and annotations: their form, and which ones the supervisor keeps for itself.

Pure. `notation` uses it for service files, `alerts` for what a check returns.
"""

from __future__ import annotations

import re

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""The form that Alertmanager accepts, for labels and for annotations."""

RESERVED_LABELS = frozenset({"alertname", "check", "event_id", "event_type", "instance"})
"""Labels that the supervisor alone sets."""

RESERVED_FROM_FILES = RESERVED_LABELS | {"service"}
"""Labels that a service file cannot set. It gives the service's name at its top instead."""

RESERVED_FROM_CHECKS = RESERVED_LABELS | {"host"}
"""Labels that a check cannot set. A service file may name the host, a check may not."""
