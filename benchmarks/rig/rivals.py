"""The programs that take part: this supervisor, and those that a user might take instead.

Each function writes a configuration and returns the commands that run the program in the
foreground. `contest` starts them. One failed run is enough, and the notification is sent at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen

from benchmarks.rig.plugin_runners import icinga, monit, nagios
from benchmarks.rig.task import EVERY, TIMEOUT, Commands, Task, write
from tests.support.ports import free_port


@frozen
class Rival:
    """A program that takes part."""

    name: str
    needs: tuple[str, ...]
    """Programs that must be installed."""
    set_up: Callable[[Task], Commands]
    only_ports: bool = False
    """Whether it looks at ports itself and cannot run plugins."""
    notifies: bool = True
    max_checks: int = 1_000_000
    """With more checks it cannot keep its timetable."""


def supervisor(task: Task) -> Commands:
    parts = ['service = "BENCH"', "[alertmanager]", f'urls = ["{task.alertmanager}"]']
    for probe in task.probes:
        parts += ["[[modules]]", f'name = "{probe.name}"', f'every = "{EVERY}s"']
        parts += [f'timeout = "{TIMEOUT}s"']
        if task.by_plugin:
            parts += ['check = "command"', "[modules.params]", 'protocol = "nagios"']
            parts += [f"argv = {json.dumps(probe.argv)}"]
        else:
            parts += ['check = "connection"', "[[modules.params.servers]]"]
            parts += [f'name = "{probe.name}"', 'host = "127.0.0.1"', f"port = {probe.port}"]
    write(task.directory / "Bench.toml", parts)
    return [[sys.executable, "-m", "supervisor", "run", *supervisor_options(task.directory)]]


def supervisor_options(directory: Path) -> list[str]:
    return [
        "--service=Bench",
        f"--config-dir={directory}",
        f"--state-dir={directory / 'state'}",
    ]


def prometheus(task: Task) -> Commands:
    """Set up Prometheus and the blackbox exporter; JSON is YAML, too."""
    own, exporter = (f"127.0.0.1:{free_port()}" for _ in range(2))
    modules = {"modules": {"tcp": {"prober": "tcp", "timeout": f"{TIMEOUT}s"}}}
    alert = {"alert": "Connection failed", "expr": "probe_success == 0"}
    scrape = {
        "job_name": "tcp",
        "metrics_path": "/probe",
        "params": {"module": ["tcp"]},
        "static_configs": [
            {"targets": [f"127.0.0.1:{probe.port}"], "labels": {"name": probe.name}}
            for probe in task.probes
        ],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter},
        ],
    }
    target = task.alertmanager.removeprefix("http://")
    texts: Mapping[str, object] = {
        "blackbox": modules,
        "rules": {"groups": [{"name": "tcp", "rules": [alert]}]},
        "prometheus": {
            "global": {"scrape_interval": f"{EVERY}s", "evaluation_interval": f"{EVERY}s"},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]},
            "scrape_configs": [scrape | {"scrape_timeout": f"{TIMEOUT}s"}],
        },
    }
    for name, value in texts.items():
        write(task.directory / f"{name}.yml", [json.dumps(value)])
    return [
        [
            "prometheus-blackbox-exporter",
            f"--config.file={task.directory}/blackbox.yml",
            f"--web.listen-address={exporter}",
            "--log.level=error",
        ],
        [
            "prometheus",
            f"--config.file={task.directory}/prometheus.yml",
            f"--storage.tsdb.path={task.directory}/storage",
            f"--web.listen-address={own}",
            "--log.level=error",
        ],
    ]


def bare_spawn(task: Task) -> Commands:
    """Set up the floor: no program that runs plugins can cost less."""
    commands = task.directory / "commands.json"
    write(commands, [json.dumps([probe.argv for probe in task.probes])])
    program = Path(__file__).with_name("bare_spawn.py")
    return [[sys.executable, str(program), str(EVERY), str(commands)]]


LEGACY_MODULE = """\
require "json"
require "socket"
param = JSON.parse(ARGV[1])
begin
  TCPSocket.new("127.0.0.1", param["Port"]).close
  events = []
rescue SystemCallError => error
  events = [{ ServiceName: ARGV[0], EventType: "E", EventName: "Connection failed",
              EventMessage: "#{param["Name"]}: #{error.message}" }]
end
puts events.to_json
"""


def legacy(task: Task) -> Commands:
    """Set up the legacy Ruby agent, with a module of the kind that it runs."""
    assert task.legacy is not None
    module, control = task.directory / "connection.rb", task.directory / "agent.conf"
    write(module, [LEGACY_MODULE])
    settings = {
        "ServiceName": "BENCH",
        "Alertmanager": {"URL": task.alertmanager},
        "Modules": [
            {
                "ModuleFileName": str(module),
                "Interval": EVERY,
                "Parameter": {"Name": probe.name, "Port": probe.port},
            }
            for probe in task.probes
        ],
    }
    write(control, [json.dumps(settings)])
    return [["ruby", str(task.legacy / "run_baseline.rb"), str(control)]]


RIVALS = (
    Rival("supervisor", (), supervisor),
    Rival("monit", ("monit",), monit),
    Rival("nagios", ("nagios4",), nagios),
    Rival("icinga", ("icinga2",), icinga),
    Rival(
        "prometheus",
        ("prometheus", "prometheus-blackbox-exporter"),
        prometheus,
        only_ports=True,
    ),
    # It has eight threads, and each run takes 90 ms of CPU: with more checks it falls behind.
    Rival("legacy", ("ruby",), legacy, only_ports=True, max_checks=100),
)
"""Every program that is compared."""

FLOOR = Rival("bare spawn", (), bare_spawn, notifies=False)
"""The least that a program which runs plugins can cost."""
