"""The switches of `shim.c`: what the host refuses, delays or changes, for one process."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from attrs import define, field

from tests.support.preloaded import compiled

NAMES = (
    "sync_error",
    "sync_delay",
    "sync_hangs",
    "write_error",
    "write_halves",
    "thread_error",
    "open_error",
    "secret_hangs",
    "names_hang",
    "log_error",
    "clock_offset",
)
"""The fields of `struct switches`, in their order."""

LAYOUT = "@10iq"
"""Their types."""


def compile_shim(directory: Path) -> Path:
    """Compile the library of the switches into a directory, if it is not there yet."""
    return compiled(Path(__file__).with_name("shim.c"), directory / "weather.so")


@define
class Switches:
    """A file that the library maps into the process. All switches are off at first."""

    library: Path
    """The compiled library."""

    path: Path
    """The file that it maps."""

    _values: dict[str, int] = field(init=False)
    """What each switch is set to."""

    _memory: mmap.mmap = field(init=False)
    """The file, mapped into this process."""

    def __attrs_post_init__(self) -> None:
        self.path.write_bytes(bytes(struct.calcsize(LAYOUT)))
        with self.path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.reset()

    @property
    def environment(self) -> dict[str, str]:
        """What lets a process load the library."""
        return {"LD_PRELOAD": str(self.library), "HOST_WEATHER": str(self.path)}

    def set(self, **values: int) -> None:
        """Set some switches. The process sees it at once."""
        assert values.keys() <= self._values.keys()
        self._values.update(values)
        struct.pack_into(LAYOUT, self._memory, 0, *self._values.values())

    def reset(self) -> None:
        """Set all switches to 0."""
        self._values = dict.fromkeys(NAMES, 0)
        self.set()
