"""Regular expressions in RE2's syntax, and what is said where RE2 is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from checks._common.patterns import compiled

ALL_CHECKS = """
import sys
sys.modules["re2"] = None
import checks.alertmanager, checks.certificate, checks.http, checks.log_pattern
checks.http.Target(name="a", url="http://127.0.0.1:1")
"""


def test_a_pattern_is_searched_in_bytes() -> None:
    assert compiled("W|E").search(b"a W")
    assert not compiled("^W").search(b"a W")


def test_an_invalid_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^is not a regular expression: missing \): \("):
        compiled("(")


def test_a_pattern_without_re2_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(ValueError, match=r"^needs google-re2, which is not installed here; "):
        compiled("W|E")


def test_checks_without_a_pattern_do_not_need_re2() -> None:
    subprocess.run([sys.executable, "-c", ALL_CHECKS], check=True)
