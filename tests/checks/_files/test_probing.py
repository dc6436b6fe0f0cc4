from __future__ import annotations

import errno
import os

import pytest

from checks._files.probing import probe_within
from tests.support.hanging_call import Hanging, until_no_thread_hangs


async def test_a_call_that_hangs_is_given_up_and_not_made_again_while_it_hangs() -> None:
    hanging = Hanging()
    said = []
    for seconds in (0.1, 30):
        with pytest.raises(TimeoutError) as raised:
            await probe_within(seconds, "read of /srv", hanging)
        said.append(str(raised.value))
    hanging.released.set()
    await until_no_thread_hangs()

    assert hanging.calls == 1
    assert said == ["no answer within 0.1 s", "no answer within 30 s"]


async def test_what_a_call_returns_or_raises_is_handed_on() -> None:
    def refused() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    assert await probe_within(5, "read of /srv", lambda: 7) == 7
    with pytest.raises(PermissionError):
        await probe_within(5, "read of /srv", refused)
