"""Reports of jobs from several writers, while the supervisor is killed again and again.

No report may be lost or counted twice, and no job may be missing that was in time.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from attrs import define, field

from supervisor.jobs import spool

ROOT = Path(__file__).parent.parent.parent

SERVICE = """
service = "JOBS"
[labels]
site = "storm"
[[modules]]
check = "jobs"
every = "1s"
{jobs}
"""

JOB = """
[[modules.params.jobs]]
name = "job-{number}"
every = "{every}s"
grace = "{grace}s"
"""

WRITERS = 4
"""Jobs, each with a writer of its own."""

EVERY, GRACE = 60, 600
"""Seconds: each job reports far more often, so that none is missing."""


@define
class Outcome:
    """What a storm has left."""

    kills: int = 0
    told: Counter[str] = field(factory=Counter)
    """Reports of ends, by job."""
    counted: Counter[str] = field(factory=Counter)
    """Ends that the supervisor has counted, by job."""
    left: int = 0
    """Reports that are still in the spool."""
    alerts: list[str] = field(factory=list)
    """The alerts at the end. The last report of each job is a success."""

    @property
    def wrong(self) -> list[str]:
        """Return what must not be. Empty: all is well."""
        found = [
            f"{job}: {self.told[job]} reports, {self.counted[job]} counted"
            for job in self.told
            if self.told[job] != self.counted[job]
        ]
        found += [f"{self.left} reports were not taken"] if self.left else []
        return found + [f"fires: {alert}" for alert in self.alerts]


@define
class Storm:
    """Writers and a supervisor that is killed."""

    directory: Path
    kills: int
    reports: int
    """Ends that each writer reports."""
    seed: int
    outcome: Outcome = field(factory=Outcome)

    @property
    def spool(self) -> Path:
        """The spool of this service: it has the name of the service file, not the label's."""
        return self.directory / "spools" / "Jobs"

    def run(self) -> Outcome:
        """Run it to its end."""
        chance = random.Random(self.seed)
        jobs = "".join(
            JOB.format(number=number, every=EVERY, grace=GRACE) for number in range(WRITERS)
        )
        (self.directory / "conf").mkdir()
        text = SERVICE.format(jobs=jobs)
        (self.directory / "conf" / "Jobs.toml").write_text(text, encoding="utf-8")
        self.spool.mkdir(parents=True, mode=0o733)
        writers = [
            threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        while self.outcome.kills < self.kills or any(each.is_alive() for each in writers):
            process = self._start()
            time.sleep(chance.uniform(0.1, 1.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.outcome.kills += 1
        for writer in writers:
            writer.join()
        self._settle()
        return self.outcome

    def _write(self, number: int) -> None:
        job, chance = f"job-{number}", random.Random(f"{self.seed} {number}")
        pause = max(0.01, 0.8 * self.kills / max(1, self.reports))
        for sent in range(self.reports):
            run = os.urandom(8).hex()
            self._tell(spool.report(job, "start", run))
            is_last = sent == self.reports - 1
            code = 0 if is_last else chance.choice([0, 0, 1])
            time.sleep(chance.uniform(0, pause))
            self._tell(spool.report(job, "end", run, exit=code, seconds=1.0))
            self.outcome.told[job] += 1

    def _tell(self, document: dict[str, object]) -> None:
        spool.write(str(self.spool), document)
        spool.knock(str(self.spool))

    def _settle(self) -> None:
        """Let a last supervisor take what is left, and ask it."""
        process = self._start()
        try:
            for _ in range(600):
                time.sleep(0.1)
                self.outcome.left = len([*self.spool.glob("*.json")])
                if not self.outcome.left and self._ask():
                    return
        finally:
            process.terminate()
            process.wait()

    def _ask(self) -> bool:
        asked = subprocess.run(
            self._command("status", "--json"), capture_output=True, text=True, check=False
        )
        if asked.returncode:
            return False
        status = json.loads(asked.stdout)
        self.outcome.alerts = [
            f"{alert['alertname']} {alert['instance']}"
            for alert in status["alerts"]
            if alert["state"] == "firing"
        ]
        self.outcome.counted.clear()
        for each in status["modules"][0]["measurements"]:
            if each["name"] in ("job_successes", "job_failures"):
                self.outcome.counted[each["labels"]["job"]] += int(each["value"])
        return bool(self.outcome.counted)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command("run"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, spool.VARIABLE: f"{self.directory}/spools"},
        )

    def _command(self, verb: str, *more: str) -> list[str]:
        where = ["--config-dir", f"{self.directory}/conf", "--state-dir", f"{self.directory}/state"]
        program = [sys.executable, "-m", "supervisor", verb, "--service", "Jobs", *where]
        return [*program, *more]
