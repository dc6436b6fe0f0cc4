"""The sample of the legacy agent: converted, validated, planned and run in one go."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import ROOT, AlertmanagerServer, SupervisorProcess, wait_for
from tests.support.ports import free_port

SAMPLE = ROOT / "tests/convert/legacy/alertmanager_KorPnrTest.conf"
MODULE = """
- ModuleFileName: (#ModuleFilePath)/legacy_module.rb
  Interval: 2
  Parameter: {Password: hunter2, Limit: 80}
"""
SCRIPT = """
require "json"
param = JSON.parse(ARGV[1])
message = "#{ARGV[0]} #{param["Password"].reverse} #{param["Limit"]}"
puts [{ EventName: "Told", EventType: "W", EventMessage: message }].to_json
"""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.fixture
def converted(tmp_path: Path, alertmanager: AlertmanagerServer) -> Iterator[SupervisorProcess]:
    """Convert the sample, with an Alertmanager that is there and a module in Ruby."""
    base = tmp_path / "agent"
    (base / "config").mkdir(parents=True)
    (base / "lib/serviceMonitor").mkdir(parents=True)
    (base / "lib/serviceMonitor/legacy_module.rb").write_text(SCRIPT, encoding="utf-8")
    text = SAMPLE.read_text(encoding="utf-8").replace("http://127.0.14.31:9093", alertmanager.url)
    text = text.replace("PortNumber: 3306", f"PortNumber: {free_port()}")
    path = base / "config/alertmanager_KorPnrTest.conf"
    path.write_text(f"{text.rstrip()}\n{MODULE}", encoding="utf-8")
    run(
        sys.executable,
        ROOT / "scripts/convert_yaml.py",
        path,
        "--out",
        tmp_path,
        "--secrets-dir",
        tmp_path / "secrets",
    )
    process = SupervisorProcess(tmp_path, "KorPnrTest")
    yield process
    process.kill()


@pytest.mark.skipif(shutil.which("ruby") is None, reason="needs ruby")
def test_the_sample_is_converted_validated_planned_and_run(
    converted: SupervisorProcess, alertmanager: AlertmanagerServer
) -> None:
    options = [f"--service={converted.service}", f"--config-dir={converted.directory}"]
    supervisor = [sys.executable, "-m", "supervisor"]

    assert "ok, 12 modules" in run(*supervisor, "validate", *options)
    plan = json.loads(run(*supervisor, "plan", "--format=json", "--date=2026-11-23", *options))
    assert 288 == sum(each["module"] == "connection" for each in plan["runs"])
    converted.start()
    alerts = wait_for(lambda: _told(alertmanager), 30, "not told", lambda: converted.log)
    assert ["KOR-PNR-TEST 2retnuh 80"] == alerts
    assert 0 == converted.stop()
    assert not [each for each in ("hunter2", "dummy-") if each in converted.log]


def _told(alertmanager: AlertmanagerServer) -> list[str]:
    return [
        alert["annotations"]["message"]
        for alert in alertmanager.alerts()
        if alert["labels"]["alertname"] == "Told"
    ]
