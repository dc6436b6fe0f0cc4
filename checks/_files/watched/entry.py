"""What a service file says of a file to watch. Used by `file`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from attrs import Attribute, field, fields, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.validators import Rule, is_not_negative, is_positive
from checks._files.watched.ages import AGE_BY, AgeBy
from checks._files.watched.names import is_pattern
from supervisor.api import Duration, Limit, Size, lower_limit, upper_limit

Kind: TypeAlias = Literal["file", "directory", "fifo", "socket", "device"]
"""What a path may lead to."""

CHANGED = "changed"
"""The value of `sha256` that tells each change."""

_DIGEST = re.compile("[0-9a-fA-F]{64}")
_MODE = re.compile("0?[0-7]{3,4}")


def _is_absolute(_params: object, _: Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or "\0" in value):
        raise ValueError(f"{value!r} is not an absolute path; write for example '/srv/export.csv'")


def _is_mode(_params: object, _: Attribute[str | int], value: str | int) -> None:
    if isinstance(value, int):  # 644 and 0o644 look alike, and only one is what is meant
        raise ValueError("is a number; write its octal digits in quotes, for example '0640'")  # noqa: TRY004  # the value is wrong
    if value and not _MODE.fullmatch(value):
        raise ValueError(f"{value!r} is not a mode; write its octal digits, for example '0640'")


def _is_checksum(_params: object, _: Attribute[str], value: str) -> None:
    if value and value != CHANGED and not _DIGEST.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a SHA-256; write what sha256sum prints, 64 hexadecimal digits, "
            f"or '{CHANGED}'"
        )


@frozen
class WatchedFile:
    """One file, or the newest of a pattern, and how it must be."""

    path: str = field(
        default="",
        validator=_is_absolute,
        metadata={"help": "the file; a link stands for what it leads to"},
    )
    newest: str = field(
        default="",
        validator=_is_absolute,
        metadata={
            "help": "in place of `path`: a pattern, of whose files the newest is judged",
            "example": '"/backup/pnr-*.sql.gz"',
        },
    )
    name: str = field(
        default="", metadata={"help": "the instance; default: the path, or the pattern"}
    )
    exists: bool = field(
        default=True, metadata={"help": "false: it must not be there, and nothing else is judged"}
    )
    optional: bool = field(default=False, metadata={"help": "true: it may be missing"})
    kind: Kind = field(default="file", metadata={"help": "what it must be"})
    max_age: Limit[Duration] | None = limit_field(
        upper_limit, "fires when its last write is longer ago than this", is_positive
    )
    min_age: Limit[Duration] | None = limit_field(
        lower_limit, "fires when its last write is not as long ago as this", is_positive
    )
    age_by: AgeBy = field(default="modification", metadata=AGE_BY)
    max_size: Limit[Size] | None = limit_field(upper_limit, "fires when it is larger")
    min_size: Limit[Size] | None = limit_field(lower_limit, "fires when it is smaller")
    min_size_percent: Limit[float] | None = limit_field(
        lower_limit,
        "of `newest`: fires when it has less than this percentage of the size of the one before",
        is_not_negative,
    )
    max_growth: Limit[Size] | None = limit_field(
        upper_limit, "fires when it has grown by more since the run before"
    )
    min_growth: Limit[Size] | None = limit_field(
        lower_limit, "fires when it has grown by less since the run before"
    )
    settled: Duration = field(
        default=Duration(0),
        validator=is_not_negative,
        metadata={
            "help": "of `newest`: a file counts when its last write is as long ago as this; "
            "it is still written before"
        },
    )
    mode: str | int = field(
        default="",
        validator=Rule(_is_mode, {"type": "string", "pattern": "^(0?[0-7]{3,4})?$"}),
        metadata={
            "help": "the rights that it must have, as octal digits in quotes",
            "example": '"0640"',
        },
    )
    owner: str = field(
        default="", metadata={"help": "the user to whom it must belong, by name or number"}
    )
    group: str = field(
        default="", metadata={"help": "the group to which it must belong, by name or number"}
    )
    sha256: str = field(
        default="",
        validator=_is_checksum,
        metadata={
            "help": "the SHA-256 that it must have; 'changed': each change makes a report",
            "example": '"changed"',
        },
    )
    event_type: str = event_type_field("E", "when it is not as it must be")

    def __attrs_post_init__(self) -> None:
        if bool(self.path) == bool(self.newest):
            raise ValueError("needs either path or newest; write one of them")
        if self.path and (given := self._given("min_size_percent", "settled")):
            raise ValueError(f"{given}: of no use beside path; remove it, or write newest")
        if self.newest and (given := self._given("sha256", "kind")):
            raise ValueError(f"{given}: of no use beside newest; remove it, or write path")
        if self.newest and not is_pattern(os.path.basename(self.newest)):
            raise ValueError(
                "newest: its last part is not a pattern; write for example '/backup/*.gz', "
                "or write path"
            )
        if "**" in self.newest:
            raise ValueError("newest: ** is not read here; write each directory, such as /srv/*/*")
        if not self.exists and (given := self._given(*JUDGED, "optional")):
            raise ValueError(f"{given}: of no use beside exists = false; remove it")
        if self.kind != "file" and (given := self._given(*SIZES, "sha256")):
            raise ValueError(f"{given}: is only for regular files; remove it")
        for least, most in self._pairs():
            if max(getattr(self, least).numbers) > getattr(self, most).lowest:
                raise ValueError(
                    f"{least} is above {most}, so one of them always fires; exchange the two"
                )

    def _given(self, *keys: str) -> str:
        """Return which of the keys are written, for a message."""
        written = (
            key for key in keys if getattr(self, key) != getattr(fields(WatchedFile), key).default
        )
        return ", ".join(written)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for what in ("age", "size", "growth"):
            least, most = f"min_{what}", f"max_{what}"
            if getattr(self, least) is not None and getattr(self, most) is not None:
                yield least, most

    @property
    def mode_bits(self) -> int | None:
        """The rights that it must have. None: it does not matter."""
        return int(self.mode, 8) if isinstance(self.mode, str) and self.mode else None

    @property
    def instance(self) -> str:
        """Its name in alerts."""
        return self.name or self.path or self.newest

    @property
    def key(self) -> str:
        """The key of what the state keeps of it. With another path, it is another file."""
        text = "\0".join((self.path, self.newest, self.instance))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its measurements."""
        return {"file": self.instance}


SIZES = ("max_size", "min_size", "min_size_percent", "max_growth", "min_growth")
"""The keys that judge a size."""

JUDGED = (*SIZES, "max_age", "min_age", "mode", "owner", "group", "sha256", "kind", "settled")
"""The keys that say how a file must be that is there."""
