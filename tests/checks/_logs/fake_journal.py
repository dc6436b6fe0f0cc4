"""A program in the place of journalctl, for the tests of `log_pattern` on the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

JOURNALCTL = r"""#!/usr/bin/env python3
import json, os, re, sys
state = os.path.dirname(__file__)
arguments = dict(each.partition("=")[::2] for each in sys.argv[1:])
with open(f"{state}/asked", "a") as file:
    print(*sys.argv[1:], file=file)
if os.path.exists(f"{state}/says"):
    text = open(f"{state}/says").read()
    sys.stderr.write(text)
    sys.exit(text.startswith("!"))
entries = [json.loads(line) for line in open(f"{state}/journal")]
since = arguments.get("--cursor", "")
time = int(re.search(";t=([0-9a-f]+)", since)[1], 16) if since else 0
entries = [each for each in entries if each["t"] >= time]
if "--show-cursor" in arguments:
    print("-- No entries --")
    if entries:
        print("-- cursor:", entries[-1]["__CURSOR"])
    sys.exit(0)
priority = arguments.get("--priority", "debug")
names = "emerg alert crit err warning notice info debug".split()
for each in entries:
    if each["p"] <= names.index(priority):
        if "MESSAGE" not in arguments["--output-fields"]:
            each.pop("MESSAGE")
        print(json.dumps(each))
"""
"""A journalctl that knows what the check asks of it, and no more."""


class FakeJournal:
    """A journal in a file, with a journalctl of its own in the PATH."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.time = 1
        (directory / "journal").touch()
        (directory / "journalctl").write_text(JOURNALCTL, encoding="utf-8")
        (directory / "journalctl").chmod(0o755)

    def write(self, message: Any, priority: int = 3, **fields: Any) -> None:
        self.time += 1
        cursor = f"s=a;i={self.time:x};b=b;m=c;t={self.time:x};x=d"
        entry = {"__CURSOR": cursor, "t": self.time, "p": priority, "MESSAGE": message}
        with (self.directory / "journal").open("a", encoding="utf-8") as file:
            print(json.dumps(entry | {"SYSLOG_IDENTIFIER": "sshd"} | fields), file=file)

    def vacuum(self) -> None:
        (self.directory / "journal").write_text("", encoding="utf-8")

    def says(self, text: str) -> None:
        (self.directory / "says").write_text(text, encoding="utf-8")

    def asked(self) -> list[str]:
        asked = (self.directory / "asked").read_text(encoding="utf-8").splitlines()
        (self.directory / "asked").unlink()
        return asked
