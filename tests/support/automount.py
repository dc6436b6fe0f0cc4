"""The least automounter of autofs(5): mounts IMAGE at POINT/data when somebody looks at it.

Run as `python automount.py IMAGE POINT`. It prints a line when POINT is ready. It refuses what it
cannot mount. The format of the packets is that of linux/auto_fs4.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path

PACKET_BYTES = 304
READY, FAIL = 0x9360, 0x9361
MISSING_INDIRECT = 3


def main(image: str, point: str) -> None:
    os.setsid()
    reading, writing = os.pipe()
    options = f"fd={writing},pgrp={os.getpgrp()},minproto=5,maxproto=5,indirect"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"test", point.encode(), b"autofs", 0, options.encode()):
        sys.exit(os.strerror(ctypes.get_errno()))
    root = os.open(point, os.O_RDONLY)
    print("ready", flush=True)
    while True:
        packet = os.read(reading, PACKET_BYTES)
        kind, token = struct.unpack_from("=iI", packet, 4)
        (length,) = struct.unpack_from("=I", packet, 40)
        failed = 1
        if kind == MISSING_INDIRECT and packet[44 : 44 + length] == b"data":
            Path(point, "data").mkdir(exist_ok=True)
            failed = subprocess.call(["mount", "-o", "loop", image, f"{point}/data"])
        fcntl.ioctl(root, FAIL if failed else READY, token)


main(*sys.argv[1:])
