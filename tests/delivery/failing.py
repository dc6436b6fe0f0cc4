"""Peers that fail on one alert, for the tests of the delivery."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from supervisor.delivery.replies import Answer, Reply
from tests.support.fake_client import OK, Post, spans
from tests.support.recorder_bench import ONE, RecorderBench

HANGS_UP = Answer(Reply.RETRY, "transport", "server disconnected")

POISON = "/poison"
"""The instance of the alert that is not taken."""


def poisoned(how: Answer, *names: str) -> Callable[[Post], Answer]:
    """Fail each batch that holds one of these instances."""
    bad = set(names or (POISON,))
    return lambda post: how if bad & set(post.instances) else OK


def good_posts(bench: RecorderBench) -> dict[str, list[tuple[float, float]]]:
    """Return when each other instance was taken, and with which end, in seconds since the start."""
    found: dict[str, list[tuple[float, float]]] = {}
    for post in bench.clients[ONE].posts:
        if POISON not in post.instances:
            for alert, (_, end) in zip(post.alerts, spans(post.alerts), strict=True):
                if alert["labels"]["alertname"] == "Disk usage":
                    found.setdefault(alert["labels"]["instance"], []).append((post.at, end))
    return found


def lapses(posts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return where an alert was sent again only after the end that was sent before."""
    return [(end, at) for (_, end), (at, _) in pairwise(posts) if at >= end]
