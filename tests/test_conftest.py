"""What a test leaves behind does not reach the next one. These two run one after the other."""

from __future__ import annotations

import gc


def test_a_test_may_freeze_all_objects() -> None:
    gc.freeze()

    assert gc.get_freeze_count() > 0


def test_the_next_test_finds_no_frozen_object() -> None:
    assert gc.get_freeze_count() == 0
