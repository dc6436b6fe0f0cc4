"""What a hostile user of the host can put into names, titles and output does not reach further."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess, wait_for

SCRIPT = "<script>alert(1)</script>"
HEADER = "Evil\r\nBcc: victim@example.invalid\r\n\r\nbody"
FORGED = "\n12:00:00 RESOLVED E  Everything\x1b[2J"
DEEP = "[" * 200_000
CONFIG = """
service = "ATTACKED"
[labels]
host = "h"
[alertmanager]
urls = ["{url}"]
min_visible = "4s"

[[modules]]
check = "unprocessed_file"
every = "1s"
[modules.params]
directories = [{{ directory = "{queue}", max_age = "10m" }}]
"""
COMMAND = """
[[modules]]
check = "command"
name = "{name}"
every = "1h"
timeout = "20s"
[modules.params]
protocol = "{protocol}"
argv = {argv}
"""


def command(name: str, protocol: str, *argv: str) -> str:
    return COMMAND.format(name=name, protocol=protocol, argv=json.dumps(argv))


def printing(path: Path, text: str, code: int = 0) -> tuple[str, ...]:
    path.write_bytes(text.encode())
    return ("sh", "-c", f"cat {path}; exit {code}")


def events(*names: str) -> str:
    return json.dumps(
        [{"EventName": name, "EventType": "W", "EventMessage": name + SCRIPT} for name in names]
    )


def test_names_titles_and_output_stay_what_they_are(
    tmp_path: Path,
    supervisor: SupervisorProcess,
    alertmanager: AlertmanagerServer,
    smtp_sink: SmtpSink,
) -> None:
    queue = tmp_path / "queue"
    queue.mkdir()
    stale = queue / f"{SCRIPT.replace('/', '|')}{FORGED}"
    stale.touch()
    os.utime(stale, (0, 0))
    huge = ("sh", "-c", "head -c 100000000 /dev/zero | tr '\\0' x; exit 1")
    supervisor.config.write_text(
        CONFIG.format(url=alertmanager.url, queue=queue)
        + command("plugin", "nagios", *printing(tmp_path / "1", SCRIPT + "\n" + SCRIPT, 1))
        + command("header", "eborder", *printing(tmp_path / "2", events(HEADER)))
        + command("deep", "eborder", *printing(tmp_path / "3", DEEP))
        + command("huge", "nagios", *huge),
        encoding="utf-8",
    )
    supervisor.start()
    wait_for(lambda: len(smtp_sink.mails) >= 5, 60, "mails are missing", lambda: supervisor.log)
    status = Path(f"/proc/{supervisor.pid}/status").read_text()
    mails = list(smtp_sink.mails)
    supervisor.stop()

    for mail in mails:
        assert mail["Bcc"] is None
        assert "\n" not in str(mail["Subject"])
        part = mail.get_body(("html", "plain"))
        assert part is not None
        assert "<script" not in part.get_content()
    assert "&lt;script&gt;" in smtp_sink.body("Unprocessed files")
    assert any("Evil Bcc: victim" in subject for subject in smtp_sink.subjects())
    assert "Failed to execute module (deep)" in supervisor.log
    assert not [
        line for line in supervisor.log.splitlines() if line.startswith("12:00:00 RESOLVED")
    ]
    assert "\x1b" not in supervisor.log
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 150_000, f"{peak} KiB of memory"


def test_a_ledger_that_is_a_symbolic_link_is_not_followed(
    tmp_path: Path, supervisor: SupervisorProcess
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    state = supervisor.directory / "state"
    state.mkdir(mode=0o700)
    (state / "ledger").symlink_to(victim)
    (state / "socket").symlink_to(victim)
    supervisor.config.write_text('service = "X"\n[labels]\nhost = "h"\n', encoding="utf-8")
    supervisor.launch("")
    assert supervisor.process is not None
    with_link = supervisor.process.wait(20)
    (state / "ledger").unlink()
    supervisor.start()
    supervisor.stop()

    assert with_link == 1
    assert "Too many levels of symbolic links" in supervisor.log
    assert victim.read_text(encoding="utf-8") == "precious"


def test_commands_inherit_no_secret(supervisor: SupervisorProcess, tmp_path: Path) -> None:
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "token").write_text("hunter2", encoding="utf-8")
    output = tmp_path / "environment"
    module = command("env", "text", "sh", "-c", f"env >{output}.new; mv {output}.new {output}")
    supervisor.config.write_text(
        'service = "X"\n[alertmanager]\nurls = ["http://127.0.0.1:9"]\n'
        'bearer_token = { credential = "token" }\n' + module,
        encoding="utf-8",
    )
    os.environ["CREDENTIALS_DIRECTORY"] = str(directory)
    try:
        supervisor.start()
    finally:
        del os.environ["CREDENTIALS_DIRECTORY"]
    wait_for(output.exists, 15, "does not run", lambda: supervisor.log)
    shown = Path(f"/proc/{supervisor.pid}/cmdline").read_bytes()

    found = output.read_text(encoding="utf-8")
    assert "PATH=" in found
    for name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "hunter2"):
        assert name not in found
    assert b"hunter2" not in shown
    assert "hunter2" not in supervisor.log
