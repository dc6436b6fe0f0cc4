"""Hypothesis: the same examples in every run; others with HYPOTHESIS_PROFILE=explore."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A machine that is busy is no fault of an example.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

if not os.environ.get("SUPERVISOR_SYSTEMD_TESTS"):
    collect_ignore = ["systemd"]  # boots a container: scripts/test-systemd does that
