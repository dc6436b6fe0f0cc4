"""An Alertmanager and a mail server inside a machine: what supervisors there send is mailed.

Alertmanager runs with the configuration that is shipped, but for its mail server and shorter
intervals.
"""

from __future__ import annotations

from pathlib import Path

from tests.systemd.machine import Machine

PROGRAM = Path("/usr/bin/prometheus-alertmanager")
"""Alertmanager of this host. Machines of all suites can run it."""

BINDS = (f"--bind-ro={PROGRAM}", "--bind-ro=/usr/share/prometheus/alertmanager")
"""What a machine must be booted with."""

CONFIGURATION = """
set -e
mkdir -p /etc/alertmanager
cp -r "$CONFIGS"/alertmanager/. /etc/alertmanager/
sed -i -e 's/mail.example.invalid:465/127.0.0.1:2525/; /smtp_auth/d' \\
    -e 's/group_wait: 10s/group_wait: 1s/; s/group_interval: 1m/group_interval: 2s/' \\
    /etc/alertmanager/alertmanager.yml
"""
IS_READY = (
    'import socket, urllib.request as u; socket.create_connection(("127.0.0.1", 2525)); '
    'u.urlopen("http://127.0.0.1:9093/-/ready")'
)
SINK = """
import socketserver

class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 sink\\r\\n")
        for line in self.rfile:
            word = line.strip().upper()
            self.wfile.write(b"354 go on\\r\\n" if word == b"DATA" else b"250 well\\r\\n")
            if word == b"QUIT":
                return
            if word == b"DATA":
                self.take_mail()
                self.wfile.write(b"250 taken\\r\\n")

    def take_mail(self):
        for line in iter(self.rfile.readline, b".\\r\\n"):
            if line.startswith(b"Subject: "):
                with open("/srv/mails", "ab") as mails:
                    mails.write(line)

socketserver.ThreadingTCPServer(("127.0.0.1", 2525), Session).serve_forever()
"""


def start(machine: Machine, configs: str) -> None:
    """Start both. Alertmanager's configuration is in a directory of what is installed."""
    machine.run(CONFIGURATION, {"CONFIGS": configs})
    machine.write("/srv/sink.py", SINK)
    machine.run("touch /srv/mails; systemd-run --unit=sink /usr/bin/python3 /srv/sink.py")
    machine.run(
        f"systemd-run --unit=alertmanager {PROGRAM} --storage.path=/srv/alertmanager "
        "--config.file=/etc/alertmanager/alertmanager.yml --web.listen-address=127.0.0.1:9093 "
        "--cluster.listen-address="
    )
    machine.run(f"until /usr/bin/python3 -c '{IS_READY}' 2>/dev/null; do sleep 0.1; done")


def mails(machine: Machine) -> list[str]:
    """Return the subjects of all mails, in the order in which they came."""
    return machine.run("cat /srv/mails").stdout.splitlines()
