"""Real servers on loopback for `talk`: redis, sshd, Postfix and Dovecot.

Their files are in a temporary directory. Postfix and Dovecot need root.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from tests.e2e.servers import wait_for
from tests.support.ports import free_port

POSTFIX = """
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.invalid
maillog_file = {directory}/log
smtpd_tls_cert_file = {directory}/cert.pem
smtpd_tls_key_file = {directory}/key.pem
"""
"""Postfix wants its log below /var."""

MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
"""

DOVECOT = """
base_dir = {directory}/run
log_path = {directory}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
"""

SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
PidFile none
UsePAM no
"""

PRIVILEGE_SEPARATION = Path("/run/sshd")
"""The empty directory that sshd wants when root starts it."""


@contextmanager
def started(argv: Sequence[str], ports: Sequence[int], log: Path) -> Iterator[None]:
    """Run a server in a process group of its own until it is ended."""
    with (
        log.open("ab") as output,
        subprocess.Popen(argv, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            wait_for(
                lambda: all(map(answers, ports)), 20, f"{argv[0]} does not start", log.read_text
            )
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextmanager
def redis(directory: Path) -> Iterator[tuple[int, Path]]:
    """Yield the port and the unix socket of a redis."""
    port, path = free_port(), directory / "redis"
    options = ["--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    argv = ["redis-server", "--port", str(port), "--unixsocket", str(path), *options]
    with started(argv, [port], directory / "redis.log"):
        yield port, path


@contextmanager
def sshd(directory: Path) -> Iterator[int]:
    """Yield the port of an sshd."""
    port, config = free_port(), directory / "sshd"
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "host_key")]
    subprocess.run(keygen, check=True)
    config.write_text(SSHD.format(port=port, directory=directory), encoding="ascii")
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    with started(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], [port], directory / "ssh.log"):
        yield port


@contextmanager
def postfix(directory: Path) -> Iterator[tuple[int, int]]:
    """Yield the ports of a Postfix, the second one with TLS at once."""
    ports = free_port(), free_port()
    certify(directory)
    for each in ("data", "queue/private", "queue/public"):
        (directory / each).mkdir(parents=True)
        subprocess.run(["chown", "postfix", str(directory / each)], check=True)
    for each in ("pid", "incoming", "active", "deferred", "maildrop"):
        (directory / "queue" / each).mkdir()
    (directory / "main.cf").write_text(POSTFIX.format(directory=directory), encoding="ascii")
    (directory / "master.cf").write_text(
        MASTER.format(smtp=ports[0], smtps=ports[1]), encoding="ascii"
    )
    argv = ["/usr/lib/postfix/sbin/master", "-c", str(directory), "-d"]
    with started(argv, ports, directory / "log"):
        yield ports


@contextmanager
def dovecot(directory: Path) -> Iterator[tuple[int, int, int]]:
    """Yield the ports of a Dovecot: IMAP, IMAP with TLS, POP3."""
    ports, config = (free_port(), free_port(), free_port()), directory / "dovecot.conf"
    certify(directory)
    names = dict(zip(("imap", "imaps", "pop3"), ports, strict=True))
    config.write_text(DOVECOT.format(directory=directory, **names), encoding="ascii")
    argv = ["dovecot", "-F", "-c", str(config)]
    with started(argv, ports, directory / "dovecot.log"):
        yield ports


def reads_this_configuration() -> bool:
    """Return whether it is Dovecot 2.3. Version 2.4, of Debian 13, has another syntax."""
    done = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True)
    return done.stdout.startswith("2.3")


def certify(directory: Path) -> None:
    """Write a certificate for 127.0.0.1, its key, and who has signed it."""
    directory.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    issued.private_key_pem.write_to_path(str(directory / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    (directory / "key.pem").chmod(0o600)


@contextmanager
def all_of_them() -> Iterator[str]:
    """Run all servers; yield the parameters of `talk` for them."""
    # Postfix writes its log below /var alone. Into pytest's directories root alone may look.
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(dir="/var/tmp")))
        directory.chmod(0o755)
        port, path = stack.enter_context(redis(directory))
        ssh = stack.enter_context(sshd(directory))
        servers = [
            f'{{ name = "redis", host = "127.0.0.1", port = {port}, preset = "redis" }}',
            f'{{ name = "redis socket", socket = "{path}", preset = "redis" }}',
            f'{{ name = "ssh", host = "127.0.0.1", port = {ssh}, preset = "ssh" }}',
        ]
        if os.geteuid() == 0:
            smtp, smtps = stack.enter_context(postfix(directory / "postfix"))
            mails = [("smtp", smtp, ""), ("smtp", smtps, "postfix/ca.pem")]
            if reads_this_configuration():
                imap, imaps, pop3 = stack.enter_context(dovecot(directory / "dovecot"))
                mails += [("imap", imap, ""), ("imap", imaps, "dovecot/ca.pem"), ("pop3", pop3, "")]
            for name, port, ca_file in mails:
                tls = f', transport = "tls", ca_file = "{directory}/{ca_file}"' if ca_file else ""
                servers.append(
                    f'{{ name = "{name}{" tls" if tls else ""}", preset = "{name}", '
                    f'host = "127.0.0.1", port = {port}{tls} }}'
                )
        yield ",\n    ".join(servers)
