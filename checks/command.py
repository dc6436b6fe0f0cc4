"""Runs a program: a monitoring plugin, a module of the legacy agent, or any other program.

Coming from Monit: `check program`; Icinga: any CheckCommand; Telegraf: `exec`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from attrs import field, frozen

from checks._common.event_types import event_type_field
from checks._common.plurals import counted, counted_processes
from checks._common.printable import shown
from checks._common.validators import is_one_or_more
from checks._processes import eborder
from checks._processes.endings import MAX_STDERR_CHARACTERS, ending, last_line, with_reason
from checks._processes.performance_limits import PerformanceLimits, each_in_order
from checks._processes.plugin_output import parse_output
from checks._processes.printed import MAX_STDOUT_BYTES, output, text_of
from supervisor.api import (
    CheckFailed,
    Completed,
    Condition,
    Context,
    Limit,
    Observation,
    Secret,
    SecretUnreadable,
    StillHanging,
    find_program,
    lower_limit,
    preformatted,
    probe,
    run_command,
    upper_limit,
)

MAX_EVENTS_BYTES = 16 * 1024 * 1024
"""The same for the protocol `eborder`."""

TRACEBACK = "Traceback (most recent call last):"
"""What Python writes to stderr when it crashes. Its exit status is then 1, that of a warning."""

PLUGIN_EVENT_TYPES = {1: "W", 2: "E"}
"""The event types of a plugin's exit statuses."""


@frozen
class Params:
    """The program, and how its output and exit status are read."""

    argv: tuple[str, ...] = field(
        metadata={
            "help": "the program and its arguments; no shell is involved",
            "example": '["/usr/lib/nagios/plugins/check_ping", "…"]',
        }
    )
    protocol: Literal["eborder", "nagios", "text"] = field(
        metadata={
            "help": "eborder: JSON events on stdout; nagios: a monitoring plugin; "
            "text: any exit status but 0 is a condition"
        }
    )
    params: Mapping[str, object] | None = field(
        default=None,
        metadata={"help": "eborder: the module's Parameter; {secret:NAME} is filled in"},
    )
    params_json: str | None = field(
        default=None,
        metadata={"help": "eborder: the same as JSON text, for what TOML cannot hold"},
    )
    secrets: Mapping[str, Secret] = field(
        factory=dict,
        metadata={"help": "what {secret:NAME} stands for; default: the credential NAME"},
    )
    events: eborder.Kind = field(
        default="auto",
        metadata={"help": "eborder: take events as reports, conditions, or by their EventType"},
    )
    limits: Mapping[str, Limit[float]] = field(
        factory=dict,
        validator=each_in_order(upper_limit),
        metadata={"help": "nagios: fires when a value of the performance data is above"},
    )
    min_limits: Mapping[str, Limit[float]] = field(
        factory=dict,
        validator=each_in_order(lower_limit),
        metadata={"help": "nagios: the same, below"},
    )
    event_type: str = event_type_field("E", "of the condition of text, and of plain limits")
    max_output: int | None = field(
        default=None,
        validator=is_one_or_more,
        metadata={"help": "bytes of stdout that are kept; default 64 KiB, for eborder 16 MiB"},
    )
    cwd: str | None = field(default=None, metadata={"help": "the working directory"})
    env: Mapping[str, str] = field(
        factory=dict, metadata={"help": "variables added to the inherited environment"}
    )

    def __attrs_post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise ValueError("argv is empty; it needs at least the program")
        if self.params is not None and self.params_json is not None:
            raise ValueError("params and params_json exclude each other; remove one")
        if self.protocol != "nagios" and (self.limits or self.min_limits):
            raise ValueError("limits and min_limits need protocol = 'nagios'")
        if self.protocol != "eborder" and (self.json is not None or self.secrets):
            raise ValueError("params, params_json and secrets need protocol = 'eborder'")
        try:
            if self.json is not None:
                eborder.check_argument(self.json)
        except ValueError as error:
            key = "params" if self.params is not None else "params_json"
            raise ValueError(f"{key} is not JSON: {error}") from None

    @property
    def json(self) -> str | None:
        """The module's argument before its secrets are filled in. Raises `ValueError`."""
        return self.params_json if self.params is None else eborder.encode(self.params)

    @property
    def kept(self) -> int:
        """The most bytes of stdout to keep."""
        return self.max_output or (
            MAX_EVENTS_BYTES if self.protocol == "eborder" else MAX_STDOUT_BYTES
        )


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return whether the program is missing or cannot be run."""
    try:
        await find_program(params.argv[0], cwd=params.cwd, env=params.env)
    except CheckFailed as error:
        return [f"argv: {error}; install it, or correct argv"]
    return []


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Run the program and return what its output and exit status say."""
    argv = [*params.argv]
    secrets: Mapping[str, str] = {}
    if params.protocol == "eborder":
        argv.append(context.service)
        if (text := params.json) is not None:
            secrets = await _read_secrets(text, params)
            argv.append(_argument(text, secrets, context, params))

    def show_unfinished(completed: Completed) -> None:
        # Of a program that hangs, its last line often tells where.
        context.show(output(completed, secrets.values(), is_cut=True))

    completed = await run_command(
        argv, cwd=params.cwd, env=params.env, keep=params.kept, unfinished=show_unfinished
    )
    if completed.strays:
        left = counted_processes(completed.strays)
        context.log.info("%s left %s, now ended", params.argv[0], left)
    context.show(output(completed, secrets.values()))
    if params.protocol == "eborder":
        events = _from_events(params, completed, tuple(secrets.values()))
        if completed.status:
            # Redacted before it is cut: half a secret would not be recognised.
            stderr = eborder.redact(text_of(completed.stderr), secrets.values())
            context.log.warning("%s ended with %s", params.argv[0], with_reason(completed, stderr))
        return events
    if params.protocol == "nagios":
        return _from_plugin(context, params, completed)
    return _from_exit(context, params, completed)


async def _read_secrets(text: str, params: Params) -> Mapping[str, str]:
    read = {}
    for name in eborder.secret_names(text):
        secret = params.secrets.get(name) or Secret("credential", name)
        try:
            read[name] = await probe(f"read of the {secret.kind} {secret.name}", secret.read)
        except (SecretUnreadable, StillHanging) as error:
            raise CheckFailed(f"cannot run {params.argv[0]}: {error}") from None
    return read


def _argument(text: str, secrets: Mapping[str, str], context: Context, params: Params) -> str:
    try:
        return eborder.argument(text, secrets, context.at)
    except ValueError as error:
        raise CheckFailed(f"cannot run {params.argv[0]}: {error}") from None


def _from_events(
    params: Params, completed: Completed, secrets: Collection[str]
) -> list[Observation]:
    if completed.stdout_bytes > params.kept:
        reason = f"{completed.stdout_bytes} bytes are more than {params.kept}"
        raise _unreadable(reason, params, completed, secrets)
    try:
        return eborder.observations(text_of(completed.stdout), params.events, secrets)
    except ValueError as error:
        raise _unreadable(str(error), params, completed, secrets) from None


def _unreadable(
    reason: str, params: Params, completed: Completed, secrets: Collection[str]
) -> CheckFailed:
    # Redacted before it is cut: half a secret would not be recognised.
    stderr = eborder.redact(text_of(completed.stderr), secrets)[-MAX_STDERR_CHARACTERS:].strip()
    return CheckFailed(
        f"cannot read the events of {params.argv[0]}: {reason}; it ended with "
        f"{ending(completed.status)}" + (f", stderr: {stderr}" if stderr else "")
    )


def _from_plugin(context: Context, params: Params, completed: Completed) -> list[Observation]:
    output, stderr = parse_output(text_of(completed.stdout)), text_of(completed.stderr)
    crashed = completed.status == 1 and not output.text and TRACEBACK in stderr
    if completed.status not in (0, *PLUGIN_EVENT_TYPES) or crashed:
        why = output.text or last_line(stderr)
        raise CheckFailed(f"{params.argv[0]} ended with {ending(completed.status)}: {why}")
    if output.unread:
        number, first = counted(len(output.unread), "word"), shown(output.unread[0])
        context.log.info(
            "%s printed %s that cannot be read among its performance data; the first: %s",
            params.argv[0],
            number,
            first,
        )
    limits = PerformanceLimits(params.limits, params.min_limits, params.event_type)
    observed: list[Observation] = [*map(limits.drawn, output.measurements)]
    observed += limits.conditions(output.measurements, context.module)
    if not completed.status:  # a plugin in trouble may know no value
        observed += limits.unknown(output.measurements, params.argv[0])
    if completed.status:
        observed.append(
            Condition(
                alertname=context.module,
                event_type=PLUGIN_EVENT_TYPES[completed.status],
                instance="",
                message=output.text or with_reason(completed, stderr),
                detail=_detail(output.long_text if output.text else stderr, completed),
            )
        )
    return observed


def _from_exit(context: Context, params: Params, completed: Completed) -> list[Observation]:
    if completed.status == 0:
        return []
    first, _, others = text_of(completed.stdout).strip().partition("\n")
    stderr = text_of(completed.stderr)
    return [
        Condition(
            alertname=context.module,
            event_type=params.event_type,
            instance="",
            message=first.strip() or with_reason(completed, stderr),
            detail=_detail(f"{others}\n{stderr}", completed),
        )
    ]


def _detail(text: str, completed: Completed) -> str:
    cut = completed.stdout_bytes - len(completed.stdout)
    shown = text.strip() + (f"\n… {cut} bytes more" if cut else "")
    return preformatted(shown) if shown else ""
