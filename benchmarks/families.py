"""How long it takes to read a service file alone, and the same split into a family and fragments.

What the converted file of the tests says is read from one file, and from four: a family, a host and
two fragments. "look for others" is all that a plain file pays, and must be next to nothing:
`scripts/bench families [--quick]`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.stopwatch import milliseconds
from supervisor.commands.options import load_file
from supervisor.config.files import Source, read
from supervisor.config.layers.effective import EXTENDS, VARS, Effective, fragments_of
from supervisor.config.layers.whole import read_whole
from supervisor.modules.loader import load_check

CONFIG = Path(__file__).parent.parent / "tests/convert/converted/KorPnrTest.toml"
"""The service whose file is read."""

MOST_FOR_OTHERS = 0.02
"""Part of the time of a plain file that may go into the look for other files, at most."""


def split(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return files that say the same as one, by their names."""
    modules = document["modules"]
    family: dict[str, Any] = {
        "vars": {
            "zone": {"type": "text"},
            "peers": {"type": "list of text"},
            "most": {"type": "integer", "default": 800},
        },
        "timezone": {"var": "zone"},
        "alertmanager": {"urls": {"var": "peers"}},
        "modules": modules[:-2],
    }
    host = {
        "service": document["service"],
        "extends": "families/Split.toml",
        "vars": {"zone": document["timezone"], "peers": document["alertmanager"]["urls"]},
    }
    return {
        "families/Split.toml": family,
        "Split.toml": host,
        "Split.d/10-one.toml": {"modules": modules[-2:-1]},
        "Split.d/20-two.toml": {"modules": modules[-1:]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer reads")
    times = 20 if parser.parse_args().quick else 200
    with tempfile.TemporaryDirectory(prefix="families-") as name:
        directory = Path(name)
        whole = read_whole(CONFIG, lambda check: load_check(check).params).table
        for file, document in {"Plain.toml": whole, **split(whole)}.items():
            (directory / file).parent.mkdir(exist_ok=True)
            (directory / file).write_text(tomli_w.dumps(document), encoding="utf-8")
        plain, several = directory / "Plain.toml", directory / "Split.toml"
        assert evolve(load_file(several), path=plain) == load_file(plain)
        alone = milliseconds(partial(load_file, plain), times)
        layered = milliseconds(partial(load_file, several), times)
        others = milliseconds(partial(look_for_others, read(plain)), 10 * times)
        print(f"{len(load_file(plain).modules)} modules; median of {times}")
        print(f"  one file           {alone:7.2f} ms")
        print(f"  the same in four   {layered:7.2f} ms   ratio {layered / alone:.2f}")
        print(f"  look for others    {others:7.3f} ms   {others / alone:.1%} of one file")
        sys.exit(others / alone > MOST_FOR_OTHERS)


def look_for_others(source: Source) -> Effective:
    """Do all that a plain file pays for the files of others."""
    assert not {EXTENDS, VARS} & source.table.keys()
    assert not fragments_of(source.path).exists()
    return Effective.alone(source)


if __name__ == "__main__":
    main()
