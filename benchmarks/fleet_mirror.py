"""What Prometheus needs for 500 hosts: the metrics of one supervisor, served under many names.

A real supervisor with 20 modules is scraped once. A real Prometheus with the shipped rules and
intervals then scrapes that text from each target, so the values do not change.
`scripts/bench fleet_mirror [--hosts 500]`, about four minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
from attrs import define

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.process_tree import cpu_seconds, memory
from tests.e2e.fleet import Fleet, Settings
from tests.e2e.prometheus import PrometheusServer
from tests.e2e.servers import wait_for

WARM_UP = 15.0
"""Seconds until every module has run."""

WINDOW = 120.0
"""Seconds of the measurement: four scrapes."""


class Server(ThreadingHTTPServer):
    """Takes many connections at the same time."""

    request_queue_size = 512
    daemon_threads = True


@define
class Mirror(PrometheusServer):
    """A Prometheus whose targets differ in their paths only."""

    def listed(self) -> list[dict[str, object]]:
        return [
            {
                "targets": [address],
                "labels": {
                    "host": host,
                    "instance": f"{host}:9477",
                    "__metrics_path__": f"/{host}",
                },
            }
            for host, address in self.targets.items()
        ]


def one_scrape() -> bytes:
    """Return the metrics of a supervisor whose modules have all run."""
    with (
        tempfile.TemporaryDirectory() as name,
        Fleet.running(Path(name), Settings(2, alertmanagers=2)) as fleet,
    ):
        time.sleep(WARM_UP)
        answer = httpx.get(f"http://{fleet.hosts[1].address}/metrics", trust_env=False)
        return answer.raise_for_status().content


@contextmanager
def served(text: bytes) -> Iterator[str]:
    """Serve the text at every path; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=500)
    hosts = parser.parse_args().hosts
    text = one_scrape()
    with tempfile.TemporaryDirectory() as name, served(text) as address:
        targets = {f"host-{number:03}": address for number in range(hosts)}
        server = Mirror(Path(name), ["127.0.0.1:9"], targets)
        server.start()
        try:
            wait_for(lambda: server.value("sum(up)") == hosts, 120, "not all are scraped")
            measure(server)
        finally:
            server.stop()


def measure(server: PrometheusServer) -> None:
    """Print what Prometheus needs."""
    appended = "prometheus_tsdb_head_samples_appended_total"
    cpu, samples, begun = cpu_seconds(server.pid), server.metric(appended), time.monotonic()
    time.sleep(WINDOW)
    passed = time.monotonic() - begun
    rules = server.metric("prometheus_rule_group_last_duration_seconds")
    slowest = server.value("max(max_over_time(scrape_duration_seconds[2m]))")
    for what, value in (
        ("hosts", server.value("sum(up)")),
        ("series", server.metric("prometheus_tsdb_head_series")),
        ("samples/s", (server.metric(appended) - samples) / passed),
        ("CPU, % of a core", 100 * (cpu_seconds(server.pid) - cpu) / passed),
        ("memory, MiB", memory(server.pid).own),
        ("the slowest scrape, ms", 1000 * slowest),
        ("all rules once, ms", 1000 * rules),
    ):
        print(f"{what:<30} {value:12,.1f}", flush=True)


if __name__ == "__main__":
    main()
