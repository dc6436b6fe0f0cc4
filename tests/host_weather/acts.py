"""What the weathers do to a host, apart from the switches of `shim.c`."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from pathlib import Path

from tests.host_weather.peer import date_in, true_date, wandering_date
from tests.host_weather.weather import Host


def allow_no_thread(host: Host) -> None:
    host.other.keeps_connections = True
    host.switches.set(thread_error=errno.EAGAIN)


def allow_threads(host: Host) -> None:
    host.other.keeps_connections = False
    host.switches.set(thread_error=0)


def allow_no_descriptor(host: Host) -> None:
    """Let the supervisor open nothing more. The three standard streams stay."""
    _, most = resource.prlimit(host.subject.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(host.subject.pid, resource.RLIMIT_NOFILE, (3, most))


def allow_descriptors(host: Host) -> None:
    _, most = resource.prlimit(host.subject.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(host.subject.pid, resource.RLIMIT_NOFILE, (most, most))


def remove_files(host: Host, *names: str) -> None:
    for name in names:
        (host.subject.state / name).unlink(missing_ok=True)


def remove_ledger(host: Host) -> None:
    remove_files(host, "ledger", "ledger-wal", "ledger-shm")


def rename_ledger(host: Host) -> None:
    host.ledger.rename(_free_name(host.ledger))


def cut_file(host: Host, name: str) -> None:
    os.truncate(host.subject.state / name, 0)


def replace_ledger(host: Host) -> None:
    """Move a copy in place. It is older: what is newest is in the WAL."""
    copy = _free_name(host.ledger)
    shutil.copy2(host.ledger, copy)
    copy.rename(host.ledger)


def remove_directory(host: Host) -> None:
    shutil.rmtree(host.subject.state)


def rename_directory(host: Host) -> None:
    host.subject.state.rename(_free_name(host.subject.state))


def write_secret(host: Host) -> None:
    """Put a secret in place that can be read."""
    host.secret.unlink(missing_ok=True)
    descriptor = os.open(host.secret, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(descriptor, b"token\n")
    os.close(descriptor)


def make_fifo(host: Host) -> None:
    host.secret.unlink(missing_ok=True)
    os.mkfifo(host.secret, 0o600)


def make_fifo_and_reload(host: Host) -> None:
    make_fifo(host)
    host.subject.reload()


def make_huge(host: Host) -> None:
    os.truncate(host.secret, 1 << 40)


def let_date_wander(host: Host) -> None:
    host.other.date = wandering_date()


def give_date(host: Host, date: str | None) -> None:
    host.other.date = lambda: date


def shift_date(host: Host, seconds: float) -> None:
    host.other.date = lambda: date_in(seconds)


def give_true_date(host: Host) -> None:
    host.other.date = true_date


def make_calm(host: Host) -> None:
    """Let every weather pass, also one that lasts as long as the process."""
    host.switches.reset()
    write_secret(host)
    give_true_date(host)
    host.other.keeps_connections = False


def do_nothing(_host: Host) -> None:
    """Let pass what passes by itself."""


def _free_name(path: Path) -> Path:
    """Return a name beside a file that is not taken."""
    return next(
        other
        for number in range(100)
        if not (other := path.with_name(f"{path.name}.{number}")).exists()
    )
