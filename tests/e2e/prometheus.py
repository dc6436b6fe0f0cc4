"""A real Prometheus with the shipped configuration and rules, and what it answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field

from tests.e2e.servers import ROOT, wait_for
from tests.support.ports import free_port

SHIPPED = ROOT / "configs" / "prometheus"
TARGETS = '    static_configs:\n      - targets: ["127.0.0.1:9477"]\n'
ALERTMANAGER = '["127.0.0.1:9093"]'
PATIENCE = 'up{job="supervisor"} == 0\n        for: 2m\n'


@define
class PrometheusServer:
    """Prometheus on loopback.

    `targets` are the supervisors' addresses by the names of their hosts. What is not empty replaces
    what is shipped: `interval` how often it scrapes and judges, `patience` how long SupervisorDown
    waits, `repeat` how often an alert is sent again.
    """

    directory: Path
    alertmanagers: Iterable[str]
    targets: Mapping[str, str]
    interval: str = ""
    patience: str = ""
    repeat: str = ""
    port: int = field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._configure()
        flags = [f"--rules.alert.resend-delay={self.repeat}"] if self.repeat else []
        with (self.directory / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "/usr/bin/prometheus",
                    f"--config.file={self.directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    *flags,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_for(self._is_ready, 40, "Prometheus does not start", self._log)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def instant(self, expr: str) -> list[dict[str, Any]]:
        """Return the series that a query gives now."""
        return self._ask("query", query=expr)

    def value(self, expr: str) -> float:
        """Return the one number that a query gives; 0 when there is none."""
        found = self.instant(expr)
        assert len(found) <= 1, f"{expr} gives {len(found)} series"
        return float(found[0]["value"][1]) if found else 0.0

    def between(self, expr: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the series that a query gives for a time span; times are in Unix seconds."""
        return self._ask("query_range", query=expr, start=start, end=end, step=step)

    def label_values(self, selector: str, label: str) -> list[str]:
        """Return the values of a label, as Grafana's `label_values` does."""
        answer = self._get(f"label/{label}/values", {"match[]": selector})
        found: list[str] = answer["data"]
        return found

    def metric(self, name: str) -> float:
        """Return the sum of all series of one of its own metrics."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).raise_for_status().text
        return sum(float(value) for value in re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", text))

    def _ask(self, what: str, **parameters: str | float) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(what, parameters)["data"]["result"]
        return found

    def _get(self, path: str, parameters: Mapping[str, str | float]) -> dict[str, Any]:
        answer = httpx.get(
            f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=20
        )
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def _configure(self) -> None:
        shutil.copytree(SHIPPED, self.directory, dirs_exist_ok=True)
        config = self.directory / "prometheus.yml"
        text = config.read_text(encoding="utf-8")
        assert text.count(TARGETS) == 1
        assert text.count(ALERTMANAGER) == 2  # it is told, and asked
        text = text.replace(
            TARGETS, '    file_sd_configs:\n      - files: ["supervisors/*.json"]\n'
        )
        text = text.replace(ALERTMANAGER, json.dumps([*self.alertmanagers]))
        if self.interval:
            text = re.sub(r"(?m)^(  \w+_interval:) \S+", rf"\1 {self.interval}", text)
        config.write_text(text, encoding="utf-8")
        if self.patience:
            rules = self.directory / "supervisor-rules.yml"
            text = rules.read_text(encoding="utf-8")
            assert text.count(PATIENCE) == 1
            text = text.replace(PATIENCE, PATIENCE.replace("2m", self.patience))
            rules.write_text(text, encoding="utf-8")
        (self.directory / "supervisors").mkdir(exist_ok=True)
        file = self.directory / "supervisors" / "fleet.json"
        file.write_text(json.dumps(self.listed()), encoding="utf-8")

    def listed(self) -> list[dict[str, object]]:
        """Return what the file of the targets holds."""
        return [
            {"targets": [address], "labels": {"host": host}}
            for host, address in self.targets.items()
        ]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _log(self) -> str:
        return (self.directory / "prometheus.log").read_text(encoding="utf-8")
