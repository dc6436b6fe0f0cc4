"""The silences of an Alertmanager, for tests in virtual time and for a fake peer on a socket."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field

from supervisor.delivery.replies import Answer, Reply
from supervisor.text import rfc3339

_numbers = itertools.count(1)
"""No two silences have the same ID, wherever they are."""

MISSING = Answer(Reply.MISCONFIGURED, "HTTP 404")
DOWN = Answer(Reply.RETRY, "connect", "Connection refused")


@define
class FakeSilences:
    """Answers requests about silences as Alertmanager does."""

    now: Callable[[], float]
    silences: dict[str, dict[str, Any]] = field(factory=dict)
    log: list[str] = field(factory=list)
    """Method and path of each request."""

    failing: dict[str, Answer] = field(factory=dict)
    """What each method is answered instead. "*" stands for all."""

    def add(self, *, comment: str = "until resolved: 4711", **more: str) -> str:
        """Add a silence whose matchers are these labels. Return its ID."""
        identity = f"{next(_numbers):08x}-0000-4000-8000-000000000000"
        self.silences[identity] = {
            "id": identity,
            "status": {"state": "active"},
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in more.items()
            ],
            "startsAt": rfc3339(self.now()),
            "endsAt": rfc3339(self.now() + 3600),
            "createdBy": "kim",
            "comment": comment,
        }
        return identity

    def state(self, identity: str) -> str:
        state: str = self.silences[identity]["status"]["state"]
        return state

    def __call__(self, method: str, path: str, body: bytes = b"") -> Answer:
        self.log.append(f"{method} {path}")
        for each in (method, "*"):
            if each in self.failing:
                return self.failing[each]
        parts = urlsplit(path)
        if parts.path == "/api/v2/silences":
            return self._made(json.loads(body)) if method == "POST" else self._listed(parts.query)
        silence = self.silences.get(parts.path.rpartition("/")[2])
        if silence is None:
            return MISSING
        if method == "DELETE":
            silence["status"]["state"] = "expired"
            return _ok(b"")
        return _ok(silence)

    def _made(self, silence: dict[str, Any]) -> Answer:
        identity = silence.get("id") or self.add()
        self.silences[identity] = {**silence, "id": identity, "status": {"state": "active"}}
        return _ok({"silenceID": identity})

    def _listed(self, query: str) -> Answer:
        """Return those that have each matcher of the filter."""
        wanted = [re.match(r'(\w+)="(.*)"', each) for each in parse_qs(query).get("filter", [])]
        pairs = {(found[1], found[2]) for found in wanted if found}
        return _ok(
            [
                silence
                for silence in self.silences.values()
                if pairs <= {(each["name"], each["value"]) for each in silence["matchers"]}
            ]
        )


def _ok(document: object) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(Reply.DELIVERED, "HTTP 200", body=body)
