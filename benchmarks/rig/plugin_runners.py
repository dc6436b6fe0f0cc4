"""Sets up Monit, Nagios and Icinga for the same checks. `rivals` uses it.

Each function writes a configuration and returns the commands that run the program in the
foreground. One failed run is enough, and the notification is sent at once.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping

from benchmarks.rig.task import EVERY, TIMEOUT, Commands, Task, write


def monit(task: Task) -> Commands:
    files = ("pidfile", "statefile", "idfile", "log")
    lines = [f"set daemon {EVERY}", *(f"set {file} {task.directory}/{file}" for file in files)]
    for probe in task.probes:
        tell = f'then exec "{task.program} {probe.name}"'
        if task.by_plugin:
            lines += [
                f'check program {probe.name} with path "{" ".join(probe.argv)}"'
                f" with timeout {TIMEOUT} seconds",
                f"  if status != 0 {tell}",
            ]
        else:
            lines += [
                f"check host {probe.name} with address 127.0.0.1",
                f"  if failed port {probe.port} type tcp {tell}",
            ]
    control = task.directory / "monitrc"
    write(control, lines)
    control.chmod(0o600)
    return [["monit", "-I", "-c", str(control)]]


def nagios(task: Task) -> Commands:
    main, objects = task.directory / "nagios.cfg", task.directory / "objects.cfg"
    files = {
        "log_file": "log",
        "cfg_file": objects.name,
        "object_cache_file": "cache",
        "precached_object_file": "precached",
        "status_file": "status",
        "temp_file": "temp",
        "lock_file": "lock",
        "state_retention_file": "retention",
        "query_socket": "query",
        "command_file": "command",
    }
    (task.directory / "results").mkdir()
    settings: Mapping[str, object] = {
        "temp_path": task.directory,
        "check_result_path": task.directory / "results",
        "nagios_user": getpass.getuser(),
        "nagios_group": getpass.getuser(),
        "interval_length": 1,
        "service_check_timeout": TIMEOUT,
        "check_external_commands": 0,
        "enable_notifications": 1,
        "use_syslog": 0,
        "enable_environment_macros": 0,
        "check_for_updates": 0,
    }
    write(
        main,
        [
            *(f"{key}={task.directory / name}" for key, name in files.items()),
            *(f"{key}={value}" for key, value in settings.items()),
        ],
    )
    always = {"check_period": "always", "notification_period": "always", "contacts": "sink"}
    checks = {"max_check_attempts": 1, "check_interval": EVERY, "retry_interval": EVERY}
    parts = [
        _nagios("command", command_name="tell", command_line=f"{task.program} $SERVICEDESC$"),
        _nagios("timeperiod", timeperiod_name="always", alias="always", **_WEEK),
        _nagios(
            "contact",
            contact_name="sink",
            service_notification_period="always",
            host_notification_period="always",
            service_notification_options="c,w,u",
            host_notification_options="n",
            service_notification_commands="tell",
            host_notification_commands="tell",
        ),
        _nagios("host", host_name="here", address="127.0.0.1", max_check_attempts=1, **always),
    ]
    for probe in task.probes:
        line = " ".join(probe.argv)
        parts += [
            _nagios("command", command_name=probe.name, command_line=line),
            _nagios(
                "service",
                host_name="here",
                service_description=probe.name,
                check_command=probe.name,
                notification_interval=0,
                **checks,
                **always,
            ),
        ]
    write(objects, parts)
    return [["nagios4", str(main)]]


_WEEK = dict.fromkeys(
    ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"), "00:00-24:00"
)


def _nagios(kind: str, **values: object) -> str:
    lines = "".join(f"  {key} {value}\n" for key, value in values.items())
    return f"define {kind} {{\n{lines}}}"


def icinga(task: Task) -> Commands:
    directories = {}
    for name in ("Data", "Log", "Cache", "Spool", "InitRun"):
        directories[f"{name}Dir"] = task.directory / name
    for path in (*directories.values(), task.directory / "Log" / "crash"):
        path.mkdir()
    parts = [
        'object CheckerComponent "checker" {}',
        'object NotificationComponent "notification" {}',
        'object User "sink" {}',
        'object Host "here" { check_command = "none"; enable_active_checks = false }',
        'object CheckCommand "none" { command = [ "true" ] }',
        f'object NotificationCommand "tell" {{ command = [ "{task.program}", "$service.name$" ] }}',
        'apply Notification "tell" to Service { command = "tell"; users = [ "sink" ]; '
        "interval = 0; types = [ Problem ]; assign where true }",
    ]
    for probe in task.probes:
        parts += [
            f'object CheckCommand "{probe.name}" '
            f"{{ command = {json.dumps(probe.argv)}; timeout = {TIMEOUT}s }}",
            f'object Service "{probe.name}" {{ host_name = "here"; '
            f'check_command = "{probe.name}"; check_interval = {EVERY}s; '
            f"retry_interval = {EVERY}s; max_check_attempts = 1 }}",
        ]
    control = task.directory / "icinga2.conf"
    write(control, parts)
    user = getpass.getuser()
    defined = [f"-D{name}={path}" for name, path in directories.items()]
    settings = [*defined, f"-DRunAsUser={user}", f"-DRunAsGroup={user}"]
    return [["icinga2", "daemon", "-c", str(control), *settings]]
