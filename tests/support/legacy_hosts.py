"""Legacy files of several hosts of one family, made of the sample."""

from __future__ import annotations

from pathlib import Path

from tests.support.conversions import SAMPLE

CHANGES = {
    "KorPnrProd1": {
        "DiskSizeUse: 10\n      DiskBackup": "DiskSizeUse: 20\n      DiskBackup",
        "127.0.14.31": "127.0.14.41",
    },
    "KorPnrProd2": {"TotalSessionCount: 800": "TotalSessionCount: 900"},
    "KorPnrTest": {},
}
"""What each host has instead of what the sample has."""


def legacy_hosts(directory: Path) -> list[Path]:
    """Write the legacy files of three hosts, and return their paths."""
    paths = []
    for name, changes in CHANGES.items():
        server = name.removeprefix("KorPnr")
        text = SAMPLE.read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        for old in ("PNR-TEST", "PnrTest", "ServerName: TEST"):
            new = old.replace("TEST", server.upper()).replace("Test", server)
            text = text.replace(old, new)
        path = directory / f"alertmanager_{name}.conf"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
