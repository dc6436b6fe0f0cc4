"""The ways on which the fallback sends a message: a mail, and a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import trio

from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.errors import SupervisorError
from supervisor.host.threads import probe
from supervisor.processes.command import find_program, run_command

if TYPE_CHECKING:
    from supervisor.delivery.fallback.message import Message

MAIL, COMMAND = "mail", "command"
"""The names of the channels, as the service file has them."""

MAIL_TIMEOUT = 60.0
"""Seconds for one mail, from the connection to the last answer."""

COMMAND_TIMEOUT = 30.0
"""Seconds for a command, as for a module by default."""

IDENTITY = "SUPERVISOR_MESSAGE_ID"
"""The variable that tells a command the ID of the message. A repeated one has the same ID."""

MAX_WHY = 200
"""Characters of a command's last line that are shown."""

Send: TypeAlias = "Callable[[Message, str], Awaitable[Result]]"
"""Sends a message with an ID. Returns what became of it. It ends in time, whatever happens."""

FindSender: TypeAlias = "Callable[[Fallback, str], Send]"
"""Returns what sends messages on a channel that is configured."""


def channels(settings: Fallback) -> Iterator[tuple[str, str]]:
    """Yield each channel that is configured, and where it leads."""
    if settings.mail is not None:
        yield MAIL, f"{', '.join(settings.mail.to)} by {settings.mail.server}"
    if settings.command is not None:
        yield COMMAND, settings.command.argv[0]


def sender(settings: Fallback, channel: str) -> Send:
    """Return what sends messages on a channel that is configured."""
    if channel == MAIL and settings.mail is not None:
        return partial(send_mail, settings.mail)
    assert settings.command is not None  # noqa: S101 - for the type checker
    return partial(send_to_command, settings.command)


async def send_mail(settings: FallbackMail, message: Message, identity: str) -> Result:
    """Send a mail. The thread is given up at `MAIL_TIMEOUT`, and then it sends nothing more."""
    from supervisor.delivery.fallback import smtp  # smtplib, email and ssl take 3 MiB

    sending = smtp.Sending(settings, smtp.content_of(settings, message, identity))
    try:
        with trio.move_on_after(MAIL_TIMEOUT):
            return await probe(f"mail by {settings.server}", sending.send)
    except SupervisorError as error:  # no thread, or the last one still hangs
        return Result(Fate.LATER, str(error))
    finally:
        known = sending.give_up()
    return known


async def why_it_cannot_run(settings: FallbackCommand) -> str:
    """Return why a command cannot be run now. Empty if it can."""
    try:
        await find_program(settings.argv[0])
    except SupervisorError as error:
        return str(error)
    return ""


async def send_to_command(settings: FallbackCommand, message: Message, identity: str) -> Result:
    """Run a command that reads the subject, an empty line and the text."""
    text = f"{message.subject}\n\n{message.text}".encode()
    try:
        with trio.fail_after(COMMAND_TIMEOUT):
            done = await run_command(settings.argv, stdin=text, env={IDENTITY: identity})
    except SupervisorError as error:
        return Result(Fate.LATER, str(error))
    except trio.TooSlowError:
        why = f"{settings.argv[0]} took more than {COMMAND_TIMEOUT:g} s"
        return Result(Fate.UNKNOWN, why)
    if done.status == 0:
        return Result(Fate.SENT)
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:MAX_WHY]
    how = f"exit status {done.status}" if done.status > 0 else f"signal {-done.status}"
    return Result(Fate.LATER, f"{settings.argv[0]}: {how}" + (f": {said}" if said else ""))
