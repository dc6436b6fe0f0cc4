"""Trees of sysfs that were recorded on a kernel which has what this one may lack.

    .venv/bin/python -m tests.support.sysfs_tree /sys/class/net bond1 eth0 eth1 >bond.tree

writes each file below these directories in a line: its path, a tab, and what it says. A link is
`-> TARGET`, a file that cannot be read is `! ERROR`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

READ = (
    *("flags", "ifindex", "ifalias", "operstate", "carrier", "speed", "duplex"),
    *(
        f"statistics/{way}_{what}"
        for way in ("rx", "tx")
        for what in ("bytes", "errors", "dropped")
    ),
    *("bonding/mode", "bonding/slaves", "bonding/ad_aggregator"),
    *("bonding_slave/mii_status", "bonding_slave/ad_aggregator_id"),
    *("md/level", "md/array_state", "md/metadata_version", "md/raid_disks", "md/degraded"),
    *("md/sync_action", "md/sync_completed", "md/sync_speed", "md/mismatch_cnt", "md/dev-*/state"),
)
"""The files that are recorded, below the directory of a device: those that checks read."""


def record(device: Path) -> Iterator[str]:
    """Yield a line for each file of a device, and for each link to a device below it."""
    for pattern in READ:
        for file in sorted(device.glob(pattern)):
            yield f"{file.relative_to(device.parent)}\t{_said(file)}"
    for link in sorted(device.glob("lower_*")):
        yield f"{device.name}/{link.name}\t-> ../{link.name.removeprefix('lower_')}"


def _said(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError as error:
        return f"! {error.strerror}"


def lay(tree: Path, root: Path) -> Path:
    """Make the files of a recorded tree. One that could not be read is left out."""
    for line in tree.read_text(encoding="utf-8").splitlines():
        name, _, said = line.partition("\t")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if said.startswith("-> "):
            path.symlink_to(said.removeprefix("-> "))
        elif not said.startswith("! "):
            path.write_text(f"{said}\n", encoding="utf-8")
    return root


if __name__ == "__main__":
    for name in sys.argv[2:]:
        print("\n".join(record(Path(sys.argv[1], name))))
