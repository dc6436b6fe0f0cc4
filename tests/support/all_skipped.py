"""A run in which every test was skipped fails, since it has shown nothing."""

from __future__ import annotations

import pytest

RAN = {"passed", "failed", "error", "xfailed", "xpassed"}
"""What pytest says of tests that ran."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Change the exit code of such a run. pytest calls it, because `tests/conftest.py` has it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of pytest-xdist
        return
    shown = {name for name, reports in reporter.stats.items() if name and reports}
    if "skipped" in shown and not shown & RAN:
        reporter.write_line("every test was skipped, so this run fails", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
