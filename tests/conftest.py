"""Hypothesis: the same examples in every run; others with HYPOTHESIS_PROFILE=explore."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

if not os.environ.get("SUPERVISOR_SYSTEMD_TESTS"):
    collect_ignore = ["systemd"]  # boots a container: scripts/test-systemd does that
