"""Since when a file is as it is: by its last write, or by its last change of any kind. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

AgeBy: TypeAlias = Literal["modification", "change"]
"""Which time of a file tells its age."""

AGE_BY: Mapping[str, str] = {
    "help": "what tells the age: the last write, or the last change, as ctime has it: that is a "
    "write, a move, or new rights"
}
"""The metadata of a parameter of this type."""


def begin(status: os.stat_result, age_by: AgeBy) -> float:
    """Return when the age of a file begins, in Unix seconds."""
    return status.st_ctime if age_by == "change" else status.st_mtime


def age(status: os.stat_result, age_by: AgeBy, now: float) -> float:
    """Return the age of a file in seconds.

    A program may give a file a time in the future. Then the last change counts, which the kernel
    notes. Otherwise such a file would be new for ever.
    """
    since = begin(status, age_by)
    return max(0.0, now - (since if since <= now else min(since, status.st_ctime)))
