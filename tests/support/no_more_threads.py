"""A process in which no thread can be started, as when the tasks of a service are used up."""

from __future__ import annotations

import threading

import pytest


def no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no thread be started. The idle ones that trio keeps are out of reach, too."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr("trio._core._thread_cache.THREAD_CACHE._idle_workers", {})
