"""All that is wrong in a legacy file is told at once, and nothing that only follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import ConfigError
from tests.support.conversions import HEAD, converted, made, warnings

WRONG = """\
ServiceName:
Alertmanager:
  URL: 5
Modules:
- 5
- Interval: 60
- ModuleFileName: x.rb
  Interval: yes
  ExecuteTime: 9:00-nine,16:30-
- ModuleFileName: commonConnectionCheck.rb
  Interval: 60
  Parameter:
    SendingServerList:
    - ServerName: [a]
      HostName: b
      PortNumber: many
    - 7
    - ServerName: c
      HostName: d
      PortNumber: 0
- ModuleFileName: commonSessionCheck.rb
  Interval: 60
  Parameter:
    TotalSessionCount: all
    SessionList:
    - SessionName: a
      SessionPort: 1
      SessionCount: 1
      SessionCheck: Equal
      Alert: perhaps
- ModuleFileName: commonDaemonCheck.rb
  Interval: 60
  Parameter:
    DaemonInfos:
    - DaemonName: *gone
      HostNames: [[1], [2]]
    - DaemonName: x
      SpecificDaemonNames:
      - [y]
      - z
      - {w: v}
- ModuleFileName: pnrLastMessageDateUpdater.rb
  ExecuteTime: "08:00"
  Parameter:
    ServerName: x
    PNRDatabaseServer: no
    MonitoringDatabaseServer:
      UserName: eborder
      Password: [1]
      PollTimeout: long
- ModuleFileName: any.rb
  ExecuteTime: "08:00"
  Parameter: 5
- ModuleFileName: other.rb
  Interval: 60
  Parameter:
    First: .inf
    Second: .nan
    Third: 0x_
- ModuleFileName: pnrReport.rb
  Interval: 60
  Parameter:
    ProcessName:
      U: [1]
      V: [2]
    ADatabaseServer: 1
    BDatabaseServer:
      UserName: eborder
      PortNumber: 99999
- ModuleFileName: commonDiskCheck.rb
  Interval: 60
  Parameter:
    FilesystemList:
    - Filesystem: /
      DiskSizeUse: 150
"""
"""A file with something wrong in nearly every place."""

TOLD = [
    (1, "has an empty ServiceName"),
    (3, "has no URL below Alertmanager"),
    (5, "has an item of Modules that is not a mapping"),
    (6, "has a module without ModuleFileName"),
    (8, "has an Interval that is not a number of seconds"),
    (9, "has an ExecuteTime that the agent cannot read"),
    (14, "has a list for ServerName"),
    (16, "has for PortNumber a text, not a number"),
    (17, "has a number in SendingServerList where a mapping must be"),
    (20, "becomes modules[3].params.servers[1].port, which 0 is not a port"),
    (24, "has for TotalSessionCount a text, not a number"),
    (29, "has for SessionCheck neither Over nor Under"),
    (30, "has for Alert neither Y nor N"),
    (35, "refers to an anchor that is not there"),
    (36, "has a list for HostNames"),
    (39, "has a list for SpecificDaemonNames"),
    (41, "has a mapping for SpecificDaemonNames"),
    (46, "has a boolean for PNRDatabaseServer where a mapping must be"),
    (49, "has for Password a list, not a text"),
    (50, "has for PollTimeout a text, not a number"),
    (53, "has a Parameter that is not a mapping: the agent cannot add ExecuteTimes"),
    (57, "has a number that JSON cannot hold: the agent could not start with it"),
    (58, "has a number that JSON cannot hold: the agent could not start with it"),
    (59, "has a value that looks like a number and is not a number"),
    (64, "has a list for ProcessName"),
    (65, "has a list for ProcessName"),
    (66, "has a number for ADatabaseServer where a mapping must be"),
    (69, "becomes modules[9].params.databases[1].port, which 99999 is not a port"),
    (
        75,
        "becomes modules[10].params.filesystems[0].max_use_percent, which 150 is not a percentage",
    ),
]
"""Its lines, and what is wrong there."""


def told(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        made(path)
    return [(int(each.key.removeprefix("line ")), each.wrong) for each in caught.value.problems]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager_Kor.conf"
    path.write_text(WRONG, encoding="utf-8")

    assert told(path) == TOLD


def test_each_line_of_that_file_is_wrong_by_itself(tmp_path: Path) -> None:
    """So none of them is told only because of another one."""
    path = tmp_path / "alertmanager_Kor.conf"
    modules = WRONG.partition("Modules:\n")[2].replace("\n- ", "\n\f- ").split("\f")
    found: list[str] = []
    for module in modules:
        path.write_text(HEAD + module, encoding="utf-8")
        found += [wrong.partition(", which ")[2] or wrong for _, wrong in told(path)]

    assert found == [wrong.partition(", which ")[2] or wrong for _, wrong in TOLD[2:]]


def test_a_comment_in_a_file_without_right_keys_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager_Kor.conf"
    path.write_text("Service: x  # the name\n", encoding="utf-8")

    assert [wrong for _, wrong in told(path)] == [
        "has no ServiceName",
        "has no Alertmanager with a URL",
        "has no list of Modules",
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("25:00", "ExecuteTime '25:00' is not a time of the day: the agent ran it at 01:00"),
        ("6:5", "ExecuteTime '6:5' is not a time of the day: the agent ran it at 06:05"),
        ("1:30:30", "ExecuteTime '1:30:30' is not a time of the day: the agent ran it at 01:30"),
        ("'6:5,16:30'", "ExecuteTime has '6:5', which the agent read as 06:05"),
        ("09:00,16:30h", "ExecuteTime has '16:30h', which the agent read as 16:30"),
        ("08:00-9:000", "ExecuteTime has '9:000', which the agent read as 09:00"),
    ],
)
def test_a_time_that_is_hardly_meant_is_to_be_looked_at(
    tmp_path: Path, written: str, said: str
) -> None:
    made = converted(tmp_path, f"- ModuleFileName: x.rb\n  ExecuteTime: {written}\n")

    assert said in warnings(made)


@pytest.mark.parametrize(
    "written", ["9:00", "09:00", "23:59", "24:00", "'08:00,24:00'", "0:00-24:00"]
)
def test_a_plain_time_is_not_to_be_looked_at(tmp_path: Path, written: str) -> None:
    made = converted(
        tmp_path, f"- ModuleFileName: x.rb\n  ExecuteTime: {written}\n  Interval: 3600\n"
    )

    assert not [each for each in warnings(made).splitlines() if "ExecuteTime" in each]
