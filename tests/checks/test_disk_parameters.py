"""What the `disk` check refuses before it runs."""

from __future__ import annotations

import pytest

from checks._files.filesystems import DiskFilesystem as Filesystem
from supervisor.api import Limit
from tests.support.mounts import watching

pytestmark = pytest.mark.may_block("the tests mount, and ask df")


def test_a_filesystem_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^has /var more than once; "):
        watching("/var", "/", "/var/")


@pytest.mark.parametrize("limit", [-1, 101])
def test_a_limit_that_is_no_percentage_is_refused(limit: int) -> None:
    for number in (Limit.of(limit), Limit((("W", 50), ("E", limit))), Limit((("W", 50),), limit)):
        with pytest.raises(ValueError, match=rf"{limit}\b.* is "):
            Filesystem("/", number)


def test_an_empty_name_or_no_time_is_refused() -> None:
    for name in ("", " ", "/\0"):
        with pytest.raises(ValueError, match="is not the name of a filesystem; "):
            Filesystem(name, Limit.of(90))
    with pytest.raises(ValueError, match="is 0 or less; "):
        watching("/", timeout=0)
