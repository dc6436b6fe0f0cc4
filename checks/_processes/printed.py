"""What a program printed, as text and without secrets."""

from __future__ import annotations

from collections.abc import Collection

from checks._processes import eborder
from supervisor.api import Completed

MAX_STDOUT_BYTES = 64 * 1024
"""The most bytes that are kept of stdout, unless `max_output` says otherwise."""

MAX_STDERR_BYTES = 4 * 1024
"""The last bytes of stderr that `run_command` keeps."""


def output(completed: Completed, secrets: Collection[str], *, is_cut: bool = False) -> str:
    """Return the beginning of what the program printed, without secrets.

    Half a secret is not recognised. So where a text was cut, as much as that goes, too. `is_cut`
    says that the program was ended, perhaps while it wrote.
    """
    half = max((len(eborder.escaped(secret)) - 1 for secret in secrets), default=0)
    printed = completed.stdout[:MAX_STDOUT_BYTES]
    stdout = eborder.redact(text_of(printed), secrets)
    if is_cut or completed.stdout_bytes > len(printed):
        stdout = stdout[: max(0, len(stdout) - half)]
    stderr = eborder.redact(text_of(completed.stderr), secrets)
    if len(completed.stderr) >= MAX_STDERR_BYTES:
        stderr = stderr[half:]
    if is_cut:
        stderr = stderr[: max(0, len(stderr) - half)]
    return "\n".join(part.strip() for part in (stdout, stderr) if part.strip())


def text_of(output: bytes) -> str:
    """Return output as text, whatever its bytes are."""
    # PowerShell and .NET may print a byte order mark first.
    return output.decode(errors="replace").removeprefix("\ufeff")
