"""What a peer was sent, and what it believes because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

SCRIPTED = "Scripted"
SCRIPTED_REPORT = "Scripted report"


@frozen
class Post:
    """One alert as a peer was sent it at `at`. Times are Unix seconds.

    `key` is module and instance of a condition, module and token of a report. `taken` tells
    whether the peer kept it, whatever it answered; `body` is all of it but its end, as text.
    """

    at: float
    alertname: str
    key: tuple[str, str]
    starts: float
    ends: float
    labels: str
    body: str
    taken: bool
    message: str = ""
    delayed: bool = False

    @property
    def is_firing(self) -> bool:
        return self.ends > self.at


@frozen
class Spell:
    """A time during which a peer showed an alert as active without a break."""

    first: float
    last: float

    @property
    def length(self) -> float:
        return self.last - self.first


@define
class History:
    """All that one peer was sent, in order."""

    url: str
    posts: list[Post] = field(factory=list)

    def of(self, alertname: str) -> dict[tuple[str, str], list[Post]]:
        """Return the posts of the alerts of one name, by their key."""
        found: dict[tuple[str, str], list[Post]] = {}
        for post in self.posts:
            if post.alertname == alertname:
                found.setdefault(post.key, []).append(post)
        return found

    def active(self, now: float) -> set[tuple[str, tuple[str, str]]]:
        """Return name and key of what the peer shows at `now`."""
        last = {post.labels: post for post in self.posts if post.taken}
        return {(post.alertname, post.key) for post in last.values() if post.ends > now}


def spells(posts: Iterable[Post]) -> list[Spell]:
    """Return when one alert was active, from the posts of it that the peer kept."""
    found: list[Spell] = []
    first = last = 0.0
    for post in posts:
        if last and (post.at > last or not post.is_firing):
            found.append(Spell(first, min(last, post.at)))
            first = last = 0.0
        if post.is_firing:
            first, last = first or post.at, max(last, post.ends)
    if last:
        found.append(Spell(first, last))
    return found


def read_post(alert: Mapping[str, Any], text: str, at: float, *, taken: bool) -> Post:
    """Return what was posted; `text` is the alert as it was sent."""
    labels, notes = alert["labels"], alert["annotations"]
    is_report = "event_id" in labels
    second = notes["message"] if is_report else labels.get("instance", "")
    return Post(
        at=at,
        alertname=labels["alertname"],
        key=(labels.get("check", ""), second),
        starts=datetime.fromisoformat(alert["startsAt"]).timestamp(),
        ends=datetime.fromisoformat(alert["endsAt"]).timestamp(),
        labels=repr(sorted(labels.items())),
        body=text if is_report else "",
        taken=taken,
        message=notes["message"],
        delayed="delayed" in notes,
    )
