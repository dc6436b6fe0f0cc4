"""What is written with a family says the same as each file alone, or nothing is written."""

from __future__ import annotations

import pytest

from supervisor.convert.family.proof import prove
from supervisor.errors import SupervisorError

ALONE = """\
service = "A"
[[modules]]
check = "system"
every = "1m"
[[modules]]
check = "disk"
every = "1m"
[modules.params]
filesystems = [{ filesystem = "/", max_use_percent = 80 }]
"""

FAMILY = ALONE.partition("\n")[2].replace("80", '{ var = "most" }') + "[vars]\nmost = 0\n"
FAMILY = FAMILY.replace("most = 0", 'most = { type = "integer", default = 80 }')

HOST = 'service = "A"\nextends = "families/F.toml"\n'


def proven(host: str = HOST, family: str = FAMILY) -> None:
    prove("families/F.toml", family, {"A": host}, {"A": ALONE})


def test_the_same_is_proven() -> None:
    proven()


@pytest.mark.parametrize(
    ("host", "family", "said"),
    [
        (HOST + "[vars]\nmost = 81\n", FAMILY, "module 'disk' would differ"),
        (HOST, FAMILY.replace('"1m"', '"2m"', 1), "module 'system' would differ"),
        (HOST + 'report_lifetime = "1h"\n', FAMILY, "report_lifetime would differ"),
        (HOST + '[[modules]]\ncheck = "daily"\nevery = "1m"\n', FAMILY, "the modules would"),
        (HOST + "max_ledger = '48MiB'\n", FAMILY, "max_ledger would differ"),
        (
            HOST + '[[modules]]\nname = "disk"\nmax_conditions = 1000\n',
            FAMILY,
            "its document would",
        ),
        (HOST, FAMILY.replace("default = 80", "default = 800"), "is not valid with a family: "),
        (HOST, "[", "is not valid with a family: families/F.toml:"),
    ],
)
def test_what_differs_is_refused(host: str, family: str, said: str) -> None:
    with pytest.raises(SupervisorError) as raised:
        proven(host, family)

    assert said in str(raised.value)
    assert str(raised.value).startswith("A is not ")
    assert str(raised.value).endswith("; nothing was written; convert without --family")
