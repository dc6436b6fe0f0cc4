"""Spawns commands evenly, waits for each, and does nothing else.

No program that runs plugins can cost less. `peers` runs it with two arguments: the seconds in which
each command runs once, and a file with the commands, a JSON array of arrays.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    commands = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    step = float(sys.argv[1]) / len(commands)
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    begun = time.monotonic()
    for number, argv in enumerate(itertools.cycle(commands), 1):
        os.waitpid(os.posix_spawn(argv[0], argv, os.environ, file_actions=null), 0)
        time.sleep(max(0.0, begun + number * step - time.monotonic()))


if __name__ == "__main__":
    main()
