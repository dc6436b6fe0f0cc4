"""Kills a process as soon as a file is written: PID FILE TIMEOUT DELAY, the last two in seconds.

A program of its own, since a transaction is on disk sooner than a busy interpreter changes threads.
"""

import os
import signal
import sys
import time


def modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def main() -> None:
    pid, path, timeout, delay = int(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:])
    before = modified(path)
    deadline = time.monotonic() + timeout
    while modified(path) == before and time.monotonic() < deadline:
        pass
    if delay:
        time.sleep(delay)
    os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
