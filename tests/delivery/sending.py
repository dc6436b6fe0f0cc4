"""What the tests of a sender share: scripted answers, and what is logged of peers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import define, field

from supervisor.delivery.replies import Answer
from tests.support.fake_client import Post


@define
class Script:
    """Answers one after another; the last for ever."""

    answers: Sequence[Answer]
    given: int = field(default=0)

    def __call__(self, _post: Post) -> Answer:
        self.given += 1
        return self.answers[min(self.given, len(self.answers)) - 1]


def said_of_peers(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [item.getMessage() for item in caplog.records if item.name == "supervisor.peers"]
