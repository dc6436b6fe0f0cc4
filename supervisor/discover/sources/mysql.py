"""A MySQL or MariaDB server with a socket: a module of `command` that needs no password."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from supervisor.discover.draft import Draft, Finding, quoted

NAMES = ("mysqld.sock", "mysql.sock", "mariadb.sock")
"""What the sockets of MySQL and MariaDB are called."""

_LISTENS = 0x10000
"""The flag of a listening socket in /proc/net/unix."""


def mysql() -> Finding:
    """Return a module for each socket. What a query can tell needs a login, so it is a comment."""
    modules, left_out = [], []
    program = shutil.which("mariadb-admin") or shutil.which("mysqladmin")
    for number, path in enumerate(_sockets()):
        if program is None:
            left_out.append(f"the database at {path}: there is no mysqladmin to ask it with")
            continue
        # Without the files of options, which may hold passwords. A login that is denied is an
        # answer, too.
        words = (program, "--no-defaults", f"--socket={path}", "--connect-timeout=5", "ping")
        argv = ", ".join(map(quoted, words))
        name = "mysql" if number == 0 else f"mysql-{number + 1}"
        about = f"The database server at {path} answers. No login is needed for that."
        also = ('protocol = "text"', f"argv = [{argv}]", 'event_type = "E"')
        modules.append(Draft("command", about, name=name, also=also))
        left_out.append(
            f"what is in the database at {path}: the check `sql` needs a user and a password of "
            "yours; Examples.toml has an example"
        )
    return Finding(tuple(modules), tuple(left_out))


def _sockets() -> list[str]:
    """Return the paths of listening sockets of database servers."""
    found = set()
    with suppress(OSError):
        for line in Path("/proc/net/unix").read_text("utf-8", "replace").splitlines()[1:]:
            fields = line.split(maxsplit=7)
            if len(fields) == 8 and int(fields[3], 16) & _LISTENS:
                found.add(fields[7])
    return sorted(path for path in found if Path(path).name in NAMES and Path(path).is_socket())
