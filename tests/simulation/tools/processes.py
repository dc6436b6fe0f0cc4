"""Processes that run worlds beside each other. None outlives the one that started it."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from threading import Thread


def processes(jobs: int, tasks_of_one: int) -> ProcessPoolExecutor:
    """Return a pool of `jobs` processes. Each is replaced after so many tasks.

    So none grows without end. They end when this process ends, also when it is killed.
    """
    return ProcessPoolExecutor(
        jobs,
        get_context("spawn"),
        initializer=_end_with_the_parent,
        max_tasks_per_child=tasks_of_one,
    )


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    Thread(target=_wait_for_the_end, args=(parent.sentinel,), daemon=True).start()


def _wait_for_the_end(sentinel: int) -> None:
    """End this process when the other end of a pipe is closed, whatever the main thread does."""
    connection.wait([sentinel])
    os._exit(1)
