"""The unit under a real systemd: start, stop, watchdog, reload, credentials, journal, state."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.systemd.machine import Machine

pytestmark = pytest.mark.timeout(600)

DISK = """
[[modules]]
check = "disk"
every = "1s"
[[modules.params.filesystems]]
filesystem = "/"
max_use_percent = 0
"""
BLOCKS = "import time\n\nasync def run(context, params):\n    time.sleep(600)\n"
SLOW_TO_LOAD = "import time\n\ntime.sleep(2)\n\nasync def run(context, params):\n    return []\n"
COMMAND = """
[[modules]]
check = "command"
name = "long"
every = "1s"
timeout = "5m"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "trap '' TERM; sleep 300 & setsid sleep 300 & wait"]
"""


def configure(machine: Machine, name: str, *modules: str, top: str = "") -> None:
    text = f'service = "{name.upper()}"\n{top}\n[labels]\nhost = "h"\n' + "".join(modules)
    machine.write(f"/etc/supervisor/{name}.toml", text)


def own_check(name: str, module: str) -> str:
    return f'[[modules]]\ncheck = "{module}"\nname = "{name}"\nevery = "1s"\n'


def drop_in(machine: Machine, name: str, *lines: str) -> None:
    text = "\n".join(("[Service]", *lines, ""))
    machine.write(f"/etc/systemd/system/supervisor@{name}.service.d/test.conf", text)
    machine.run("systemctl daemon-reload")


def show(machine: Machine, name: str, key: str) -> str:
    return machine.run(f"systemctl show -P {key} supervisor@{name}").stdout.strip()


def journal(machine: Machine, name: str, options: str = "-o cat") -> str:
    return machine.run(f"journalctl --no-pager -u supervisor@{name} {options}").stdout


def wait_for(machine: Machine, name: str, happened: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, journal(machine, name)
        time.sleep(0.1)  # a real service takes real time


def status(machine: Machine, name: str) -> dict[str, Any]:
    asked = machine.run(f"alertmanager-supervisor status --json --service {name}")
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


def firing(machine: Machine, name: str) -> list[str]:
    return [each["alertname"] for each in status(machine, name)["alerts"]]


def test_systemd_understands_every_line(machine: Machine) -> None:
    configure(machine, "verify", DISK)
    said = machine.run("systemd-analyze verify --recursive-errors=no supervisor@verify.service")

    assert said.stderr + said.stdout == ""


def test_start_returns_when_it_is_ready(machine: Machine) -> None:
    machine.write("/srv/checks/site_checks/slow_to_load.py", SLOW_TO_LOAD)
    configure(machine, "ready", own_check("slow", "site_checks.slow_to_load"), DISK)
    drop_in(machine, "ready", "Environment=PYTHONPATH=/srv/checks")
    begun = time.monotonic()
    machine.run("systemctl start supervisor@ready")
    took = time.monotonic() - begun

    assert took >= 2
    assert show(machine, "ready", "ActiveState") == "active"
    assert status(machine, "ready")["service"] == "READY"
    wait_for(machine, "ready", lambda: "1 firing" in show(machine, "ready", "StatusText"))
    machine.run("systemctl stop supervisor@ready")


def test_a_blocked_event_loop_is_killed_and_started_anew(machine: Machine) -> None:
    machine.write("/srv/checks/site_checks/blocks.py", BLOCKS)
    configure(machine, "blocked", own_check("blocks", "site_checks.blocks"))
    drop_in(
        machine, "blocked", "Environment=PYTHONPATH=/srv/checks", "WatchdogSec=2", "RestartSec=1"
    )
    machine.run("systemctl enable --now supervisor@blocked")
    wait_for(machine, "blocked", lambda: int(show(machine, "blocked", "NRestarts")) >= 1, 40)
    machine.run("systemctl disable --now supervisor@blocked", check=False)

    assert "Watchdog timeout" in journal(machine, "blocked")


def test_one_that_moves_is_left_alone_by_the_watchdog(machine: Machine) -> None:
    configure(machine, "moving", DISK)
    drop_in(machine, "moving", "WatchdogSec=1")
    machine.run("systemctl enable --now supervisor@moving")
    time.sleep(4)  # four times the watchdog's patience
    restarts = show(machine, "moving", "NRestarts")
    machine.run("systemctl disable --now supervisor@moving")

    assert restarts == "0"


def test_stop_ends_everything_within_bounds(machine: Machine) -> None:
    configure(machine, "stopping", COMMAND, top='stop_grace = "4s"')
    machine.run("systemctl enable --now supervisor@stopping")
    group = show(machine, "stopping", "ControlGroup")
    count = f"cat /sys/fs/cgroup{group}/cgroup.procs | wc -l"
    wait_for(machine, "stopping", lambda: int(machine.run(count).stdout) >= 4)
    begun = time.monotonic()
    machine.run("systemctl stop supervisor@stopping")
    took = time.monotonic() - begun
    left = machine.run("pgrep -c sleep", check=False).stdout.strip()
    result = show(machine, "stopping", "Result")
    machine.run("systemctl disable supervisor@stopping")

    assert took < 5
    assert (left, result) == ("0", "success")


def test_reload_takes_up_a_good_file_and_refuses_a_bad_one(machine: Machine) -> None:
    configure(machine, "reloading", DISK)
    machine.run("systemctl start supervisor@reloading")
    pid = show(machine, "reloading", "MainPID")
    configure(machine, "reloading", DISK, DISK.replace("disk", "inode"))
    machine.run("systemctl reload supervisor@reloading")
    modules = [each["name"] for each in status(machine, "reloading")["modules"]]
    wait_for(machine, "reloading", lambda: "Inode usage" in firing(machine, "reloading"))
    machine.write("/etc/supervisor/reloading.toml", "nonsense")
    refused = machine.run("systemctl reload supervisor@reloading", check=False)
    wait_for(
        machine,
        "reloading",
        lambda: "the last reload failed" in show(machine, "reloading", "StatusText"),
    )

    assert modules == ["disk", "inode"]
    assert refused.returncode != 0
    assert show(machine, "reloading", "ActiveState") == "active"
    assert "ReloadFailed" in firing(machine, "reloading")
    assert show(machine, "reloading", "MainPID") == pid
    machine.run("systemctl stop supervisor@reloading")


def test_a_bad_configuration_fails_once(machine: Machine) -> None:
    machine.write("/etc/supervisor/bad.toml", 'service = "BAD"\n[[modules]]\ncheck = "dsk"\n')
    machine.run("systemctl enable supervisor@bad")
    started = machine.run("systemctl start supervisor@bad", check=False)
    time.sleep(6)  # longer than RestartSec
    found = [show(machine, "bad", key) for key in ("ActiveState", "ExecMainStatus", "NRestarts")]
    machine.run("systemctl disable supervisor@bad")

    assert started.returncode != 0
    assert found == ["failed", "78", "0"]
    assert "bad.toml:3: module 'dsk': check: there is no check 'dsk'" in journal(machine, "bad")


def test_a_crash_is_followed_by_a_restart(machine: Machine) -> None:
    configure(machine, "crash", DISK)
    drop_in(machine, "crash", "RestartSec=0")
    machine.run("systemctl enable --now supervisor@crash")
    wait_for(machine, "crash", lambda: firing(machine, "crash"))
    before = status(machine, "crash")
    machine.run("systemctl kill -s KILL supervisor@crash")
    wait_for(machine, "crash", lambda: show(machine, "crash", "NRestarts") == "1")
    wait_for(machine, "crash", lambda: show(machine, "crash", "ActiveState") == "active")
    after = status(machine, "crash")
    machine.run("systemctl disable --now supervisor@crash")

    assert after["pid"] != before["pid"]
    assert after["alerts"][0]["starts_at"] == before["alerts"][0]["starts_at"]


def test_a_credential_reaches_the_supervisor_and_no_one_else(machine: Machine) -> None:
    machine.write(
        "/srv/peer.py",
        """
import http.server
class Peer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("/srv/authorization", "w").write(self.headers["Authorization"])
        self.send_response(200); self.end_headers()
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9999), Peer).serve_forever()
""",
    )
    machine.write("/etc/supervisor/secrets/token", "s3cret-token\n", "600")
    machine.run("systemd-run --unit=peer /usr/bin/python3 /srv/peer.py")
    peers = 'urls = ["http://127.0.0.1:9999"]\nbearer_token = { credential = "token" }\n'
    environment = COMMAND.replace(
        "trap '' TERM; sleep 300 & setsid sleep 300 & wait", "env | tr '\\n' ' '; exit 1"
    )
    configure(machine, "secret", DISK, environment, "[alertmanager]\n" + peers)
    drop_in(machine, "secret", "LoadCredential=token:/etc/supervisor/secrets/token")
    machine.run("systemctl start supervisor@secret")
    wait_for(
        machine,
        "secret",
        lambda: "Bearer s3cret-token" in machine.run("cat /srv/authorization", check=False).stdout,
    )
    wait_for(machine, "secret", lambda: "long" in firing(machine, "secret"))
    pid = show(machine, "secret", "MainPID")
    source = machine.run("runuser -u supervisor cat /etc/supervisor/secrets/token", check=False)
    everything = journal(machine, "secret") + json.dumps(status(machine, "secret"))
    everything += machine.run(f"tr '\\0' ' ' </proc/{pid}/cmdline").stdout
    machine.run("systemctl stop supervisor@secret peer")

    assert source.returncode != 0
    assert "s3cret" not in everything
    assert "PATH=" in everything
    assert "CREDENTIALS_DIRECTORY" not in everything


def test_the_journal_knows_how_grave_a_line_is(machine: Machine) -> None:
    gone = '[[modules]]\ncheck = "connection"\nevery = "1s"\n[[modules.params.servers]]\n'
    gone += 'name = "gone"\nhost = "127.0.0.1"\nport = 1\n'
    configure(machine, "journal", DISK, gone)
    machine.run("systemctl start supervisor@journal")
    wait_for(machine, "journal", lambda: len(firing(machine, "journal")) == 2)
    lines = [json.loads(line) for line in journal(machine, "journal", "-o json").splitlines()]
    machine.run("systemctl stop supervisor@journal")

    found = {
        word: line["PRIORITY"]
        for line in lines
        for word in ("Connection failed", "Disk usage", ", reporting to")
        if word in line["MESSAGE"]
    }
    assert found == {
        "Connection failed": "3",
        "Disk usage": "4",
        ", reporting to": "6",
    }


def test_two_services_live_side_by_side(machine: Machine) -> None:
    for name in ("one", "two"):
        configure(machine, name, DISK)
    machine.run("systemctl start supervisor@one supervisor@two")
    found = [status(machine, name) for name in ("one", "two")]
    wait_for(machine, "one", lambda: firing(machine, "one") and firing(machine, "two"))
    machine.run("systemctl stop supervisor@one supervisor@two")

    assert [each["service"] for each in found] == ["ONE", "TWO"]
    assert found[0]["pid"] != found[1]["pid"]


def test_doctor_sees_what_the_unit_sees(machine: Machine) -> None:
    """With the two commands of docs/how-to/operate.md."""
    machine.write("/etc/supervisor/secrets/token", "s3cret-token\n", "600")
    peers = 'urls = ["http://127.0.0.1:1"]\nbearer_token = { credential = "token" }\n'
    configure(machine, "doctor", DISK, "[alertmanager]\n" + peers)
    drop_in(machine, "doctor", "LoadCredential=token:/etc/supervisor/secrets/token")
    machine.run("systemctl start supervisor@doctor")
    doctor = "alertmanager-supervisor doctor --service doctor"
    as_user = machine.run(f"runuser -u supervisor -- {doctor}", check=False)
    credentials = {"CREDENTIALS_DIRECTORY": "/run/credentials/supervisor@doctor.service"}
    as_root = machine.run(doctor, credentials, check=False)
    machine.run("systemctl stop supervisor@doctor")

    assert (as_user.returncode, as_root.returncode) == (1, 1)
    assert "127.0.0.1:1" in as_user.stdout
    assert "s3cret" not in as_user.stdout + as_root.stdout
    assert as_user.stdout.count("FAILED") == as_root.stdout.count("FAILED") + 1, (
        as_user.stdout + as_root.stdout
    )


def test_the_delay_after_crashes_stays_short(machine: Machine) -> None:
    version = int(machine.run("systemctl --version | awk 'NR == 1 { print $2 + 0 }'").stdout)
    if version < 254:
        pytest.skip("this systemd always waits for RestartSec")

    assert show(machine, "any", "RestartMaxDelayUSec") == "30s"
