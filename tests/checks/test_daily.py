"""The `daily` check on this host."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from checks import daily
from supervisor.api import Report
from supervisor.observations import Duration
from tests.support.daily_report import context
from tests.support.mail_page import Page
from tests.support.mounts import hung, needs_root


async def report(**params: Any) -> Report:
    (found,) = await daily.run(context(), daily.Params(**params))
    assert isinstance(found, Report)
    return found


async def test_the_report_tells_of_this_host() -> None:
    found = await report(top_processes=20)
    text = Page(found.detail).text

    assert found.alertname == "Daily check"
    assert found.event_type == "I"
    assert found.message.startswith("All well, up ")
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert f"of {total / (1 << 30):.1f} GiB available" in text
    assert f"{os.cpu_count()} processors" in text
    assert "Filesystems / " in text
    assert "Monday 23 November 2026, 16:30 KST" in text


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_filesystem_that_does_not_answer_is_shown_beside_the_others(
    tmp_path: Path,
) -> None:
    with hung(tmp_path / "source", tmp_path / "hung"):
        text = Page((await report(probe_timeout=Duration(0.3))).detail).text

    assert f"{tmp_path / 'hung'} no answer within 0.3 s does not respond" in text
    assert re.search(r"Filesystems / [\d.]+ \w+ free", text)


async def test_kst_is_understood() -> None:
    elsewhere = evolve(context(), timezone=ZoneInfo("UTC"))
    (found,) = await daily.run(elsewhere, daily.Params(timezone="KST"))

    assert isinstance(found, Report)
    assert "16:30 KST" in found.detail


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ValueError, match="'KTS' is not a time zone; write for example 'Asia/Seoul'"
    ):
        daily.Params(timezone="KTS")
