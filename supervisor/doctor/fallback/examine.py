"""Finds out, for `doctor`, whether each channel of the fallback works. It sends nothing."""

from __future__ import annotations

import trio

from supervisor.config.fallback.fallback import Fallback, FallbackMail
from supervisor.config.service import Service
from supervisor.delivery.fallback import channels, smtp
from supervisor.doctor.fallback.hosts import shared_hosts
from supervisor.doctor.findings import Examination, Finding

LOGIN_TIMEOUT = 30.0
"""Seconds to connect and to log in."""


async def examine_fallback(service: Service) -> Examination:
    """Return whether each channel can be used, and whether it depends on an Alertmanager."""
    settings = service.fallback or Fallback()
    good: list[str] = []
    findings: list[Finding] = []
    if settings.mail is not None:
        found = await _log_in(settings.mail)
        if found is None:
            who = f"logged in as {settings.mail.username}" if settings.mail.password else "answers"
            good.append(f"mail: {settings.mail.server} {who}")
        else:
            findings.append(found)
        findings += await shared_hosts(settings.mail, service)
    if settings.command is not None:
        if why := await channels.why_it_cannot_run(settings.command):
            remedy = "install it, or correct fallback.command.argv"
            findings.append(Finding(f"command: {why}", remedy))
        else:
            good.append(f"command: {settings.command.argv[0]} is there")
    return Examination("Fallback", tuple(good), tuple(findings))


async def _log_in(mail: FallbackMail) -> Finding | None:
    """Return what is wrong with the mail server, or None."""
    try:
        with trio.fail_after(LOGIN_TIMEOUT):
            await trio.to_thread.run_sync(smtp.log_in, mail, abandon_on_cancel=True)
    except trio.TooSlowError:
        why = f"no login within {LOGIN_TIMEOUT:g} s"
    except Exception as error:  # whatever a server does
        why = smtp.in_plain_words(error)
    else:
        return None
    return Finding(f"mail: {mail.server}: {why}", "correct [fallback.mail], or that server")
