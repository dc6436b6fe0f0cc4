"""Each wrong value of a service file, and the exact message for it."""
# ruff: noqa: E501 -- a table with one case in each line reads best

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.service_file import FORMS, NO_SECRET, SERVICE, problems

KNOWN = (
    "known here are alertmanager, fallback, heartbeat, labels, maintenance, max_ledger, modules, "
    "report_lifetime, resend_interval, service, status, stop_grace, timezone"
)
URL = 'write for example "http://127.0.0.1:9093"'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("xyzzy = 1", f"xyzzy: is not a known key; {KNOWN}"),
        ('path = "/tmp"', f"path: is not a known key; {KNOWN}"),
        ("heartbeat = 1", "heartbeat: is an integer, not a boolean; write true"),
        ('max_ledger = "64 bananas"', 'max_ledger: \'64 bananas\' is not a size; write for example "64MiB"'),
        ('max_ledger = "500kB"', 'max_ledger: is less than 1 MiB; write for example "64MiB"'),
        ("max_ledger = 1048575", 'max_ledger: is less than 1 MiB; write for example "64MiB"'),
        ("max_ledger = true", 'max_ledger: is a boolean, not an integer; write for example "64MiB"'),
        ("timezone = 9", 'timezone: is an integer, not a time zone; write for example "Asia/Seoul"'),
        ('timezone = "KST"', "timezone: 'KST' is not a time zone; did you mean 'Asia/Seoul'?"),
        ('timezone = "Asia"', "timezone: 'Asia' is not a time zone; "),
        ('timezone = "../../etc/passwd"', "timezone: '../../etc/passwd' is not a time zone; "),
        ("stop_grace = 0", "stop_grace: is not more than 0; write for example \"5m\""),
        ("resend_interval = 1979-05-27", 'resend_interval: is a date or time, not a duration; write for example "1m"'),
        ("labels = 1", 'labels: is an integer, not a table of text; write for example { name = "…" }'),
        ('labels."région" = "x"', "labels.\"région\": is not a label name; use letters, digits and _, not a digit first; or, if each peer takes such names, which doctor tells, set utf8_labels = true in [alertmanager]"),
        ('labels."bad name" = "x"', 'labels."bad name": is not a label name; use letters, digits and _, not a digit first'),
        ('labels.service = "x"', "labels.service: is the service's name; write it at the top as service = …"),
        ('labels.alertname = "x"', "labels.alertname: is a label that the supervisor sets; choose another name"),
        ('labels.check = "x"', "labels.check: is a label that the supervisor sets; choose another name"),
        ('labels.instance = "x"', "labels.instance: is a label that the supervisor sets; choose another name"),
        ('labels.event_id = "x"', "labels.event_id: is a label that the supervisor sets; choose another name"),
        ('labels.site = ""', "labels.site: is empty; give it a value, or leave the label out"),
        ("labels.site = 1", 'labels.site: is an integer, not text; write "1"'),
        ('alertmanager.urls = "http://127.0.0.1"', 'alertmanager.urls: is text, not a list of text; write ["http://127.0.0.1"]'),
        ('alertmanager.urls = ["http://"]', f"alertmanager.urls[0]: has no host, or no port that can be reached; {URL}"),
        ('alertmanager.urls = ["http://a:99999"]', f"alertmanager.urls[0]: is not a URL; {URL}"),
        ('alertmanager.urls = ["http://a b"]', f"alertmanager.urls[0]: has a space or a control character; {URL}"),
        ('alertmanager.urls = ["http://a?b"]', "alertmanager.urls[0]: has a query or a fragment; write the URL up to the path only"),
        ('alertmanager.urls = ["http://a#b"]', "alertmanager.urls[0]: has a query or a fragment; write the URL up to the path only"),
        ('alertmanager.urls = ["http://a/api/v2/alerts"]', "alertmanager.urls[0]: ends in /api/v2/alerts, which is added to it; write the URL without it"),
        ('alertmanager.urls = ["http://a/prefix/api/v1/"]', "alertmanager.urls[0]: ends in /api/v1/, which is added to it; write the URL without it"),
        ('alertmanager.urls = ["http://a/-/ready"]', "alertmanager.urls[0]: ends in /-/ready, which is added to it; write the URL without it"),
        ('alertmanager.urls = ["http://u:hunter2@a"]', "alertmanager.urls[0]: has user:password@ in it; write username = … and password = a secret instead"),
        ('alertmanager.urls = ["http://A", "http://a:80/"]', "alertmanager.urls[1]: is the same peer as urls[0]; list each peer once"),
        ("alertmanager.timeout = 0", "alertmanager.timeout: is not more than 0; write for example \"5m\""),
        ('alertmanager.min_visible = "30m"', "report_lifetime: is not longer than alertmanager.min_visible (30m); write more than 30m"),
        ('alertmanager.username = "u"', f"alertmanager.username: is given without password; add password = {FORMS}"),
        ('alertmanager.password = { env = "P" }', "alertmanager.password: is given without username; add username = …"),
        ('alertmanager = { username = "u", password = { env = "P" }, bearer_token = { env = "T" } }', "alertmanager.bearer_token: is given together with username; keep username and password, or bearer_token"),
        ('alertmanager.bearer_token = "hunter2"', f"alertmanager.bearer_token: is text, not a secret; {NO_SECRET}"),
        ("alertmanager.bearer_token = 5", f"alertmanager.bearer_token: is an integer, not a secret; {NO_SECRET}"),
        ('alertmanager.bearer_token = { hunter2 = "x" }', f"alertmanager.bearer_token: is a table, not a secret; {NO_SECRET}"),
        ('alertmanager.bearer_token = { file = "a", env = "hunter2" }', f"alertmanager.bearer_token: is a table, not a secret; {NO_SECRET}"),
        ('alertmanager.bearer_token = { credential = "../x" }', f"alertmanager.bearer_token: is a table, not a secret; {NO_SECRET}"),
        ('alertmanager.cert_file = "/etc/passwd"', 'alertmanager.cert_file: is given without key_file; add key_file = "/path/to/file"'),
        ('alertmanager.key_file = "/etc/passwd"', 'alertmanager.key_file: is given without cert_file; add cert_file = "/path/to/file"'),
        ('alertmanager.ca_file = "/nowhere/ca"', "alertmanager.ca_file: cannot be read: /nowhere/ca: No such file or directory; give the path of a readable PEM file"),
        ('alertmanager.ca_file = ""', 'alertmanager.ca_file: is not a path; write for example "/path/to/file"'),
        ('alertmanager.ca_file = "a\\u0000b"', 'alertmanager.ca_file: is not a path; write for example "/path/to/file"'),
        ('status.listen = "9477"', "status.listen: '9477' is not a host:port; write for example \"127.0.0.1:9477\""),
        ('status.listen = "a..b:9477"', "status.listen: 'a..b:9477' is not a host:port; write for example \"127.0.0.1:9477\""),
        ('status.listen = ":9477"', "status.listen: ':9477' is not a host:port; write for example \"127.0.0.1:9477\""),
        ('status.listen = "::1:9477"', "status.listen: '::1:9477' is not a host:port; write for example \"127.0.0.1:9477\""),
        ('status.listen = "127.0.0.1:0"', "status.listen: '127.0.0.1:0' is not a host:port; write for example \"127.0.0.1:9477\""),
        ('status.listen = "192.0.2.1:9477"', 'status.listen: is not loopback, and there is no token; add token = { credential = "status-token" }, or listen on 127.0.0.1'),
        ('status.external_url = "example.invalid"', f"status.external_url: is not a URL of http or https; {URL}"),
        ('status.hosts = [""]', "status.hosts[0]: is empty; write a name"),
        ("modules = {}", "modules: is a table, not a list of tables; write [[modules]] with two brackets"),
        ("modules = [1]", 'modules[0]: is an integer, not a table; write for example { check = "disk", name = "…" }'),
    ],
)  # fmt: skip
def test_a_wrong_value_of_the_service_is_named(tmp_path: Path, line: str, said: str) -> None:
    (problem, *_) = problems(tmp_path, SERVICE + line)

    assert said == (problem[: len(said)] if said.endswith(" ") else problem)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('every = "5x"', "every: '5x' is not a duration; "),
        ("every = 0", 'every: is less than 0.01 s; write for example "5m"'),
        ("every = 1e-300", 'every: is less than 0.01 s; write for example "5m"'),
        ("every = -1", 'every: is less than 0 or more than 10 years; write for example "5m"'),
        (f"every = 1{'0' * 400}", 'every: is less than 0 or more than 10 years; write for example "5m"'),
        ('every = "4000d"', 'every: is less than 0 or more than 10 years; write for example "5m"'),
        ('every = "500ms"', "every: '500ms' is not a duration; "),
        ('every = 0.5\nat = ["00:00-23:59"]', 'every: is less than 1s, with at; write "1s" or more'),
        ("catch_up = -1", 'catch_up: is less than 0 or more than 10 years; write for example "5m"'),
        ("every = []", 'every: is a list, not a duration; write for example "5m"'),
        ('timeout = "0s"', "timeout: is not more than 0; write for example \"5m\""),
        ('timeuot = "5s"', "timeuot: is not a known key; did you mean 'timeout'?"),
        ("fire_after = 0", "fire_after: is less than 1; write 1 or more"),
        ("fire_after = true", "fire_after: is a boolean, not an integer; write for example 1"),
        ("fire_after = 1.0", "fire_after: is a number, not an integer; write 1"),
        ('fire_after = "3"', "fire_after: '3' is not a number of runs; write 3, or \"3 of 5\""),
        ('fire_after = "5 of 3"', "fire_after: '5 of 3' can never be; write M of N with M from 1 to N, and N at most 60"),
        ('fire_after = "0 of 3"', "fire_after: '0 of 3' can never be; "),
        ('fire_after = "3 of 61"', "fire_after: '3 of 61' can never be; "),
        ("clear_after = -1", "clear_after: is less than 1; write 1 or more"),
        ('clear_after = "0s"', 'clear_after: is not more than 0; write for example "5m"'),
        ('clear_after = "two"', "clear_after: 'two' is not a duration; "),
        ("clear_after = 1.5", "clear_after: is a number, not an integer or duration; write 1"),
        ("max_conditions = 0", "max_conditions: is less than 1; write 1 or more"),
        ("enabled = 0", "enabled: is an integer, not a boolean; write false"),
        ('name = ""', "name: is empty; write a name"),
        ('name = "a\\nb"', "name: has a control character; write a name in printable characters"),
        ('name = "supervisor"', "name: 'supervisor' is kept for the supervisor itself; choose another name"),
        ('labels.event_type = "E"', "labels.event_type: is a label that the supervisor sets; choose another name"),
        ('annotations.1st = "x"', "annotations.1st: is not an annotation name; use letters, digits and _, not a digit first"),
        ('annotations.runbook = ""', "annotations.runbook: is empty; give it a value, or leave the annotation out"),
        ('at = ["25:00"]', "at[0]: '25:00' "),
        ("at = [16:30:00]", 'at[0]: is a date or time, not text; write "16:30"'),
        ("params = 1", "params: is an integer, not a table; write for example {}"),
        ("params.x = 1", "params.x: is not a known key; remove it"),
    ],
)  # fmt: skip
def test_a_wrong_value_of_a_module_is_named(tmp_path: Path, line: str, said: str) -> None:
    every = "" if line.startswith("every") else 'every = "5m"\n'
    (problem,) = problems(tmp_path, f'{SERVICE}[[modules]]\ncheck = "plain"\n{every}{line}')

    said = f"modules[0].{said}"
    assert said == (problem[: len(said)] if said.endswith(" ") else problem)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('mode = "FAST"', "mode: 'FAST' is not known here; did you mean 'fast'?"),
        ('mode = "xyz"', "mode: 'xyz' is not known here; write one of fast, slow"),
        ('mode = "a\\nb"', "mode: 'a\\nb' is not known here; write one of fast, slow"),
        ("level = true", "level: is a boolean, not one of 1, 2; write for example 1"),
        ("mode = 1", 'mode: is an integer, not one of "fast", "slow"; write for example "fast"'),
        ('ratio = "1"', "ratio: is text, not a number; write 1, without quotes"),
        ("ratio = nan", "ratio: is not a finite number; write for example 0.5"),
        (f"ratio = 1{'0' * 400}", "ratio: is not a finite number; write for example 0.5"),
        ('mode = "slow"\nratio = 2', "ratio is over 1 in slow mode; write at most 1"),
        ("servers = {}", "servers: is a table, not a list of tables; write [[modules.params.servers]] with two brackets"),
        ('servers = [{ name = "a", host = "b", port = 0 }]', "servers[0].port: 'port' must be >= 1: 0; write an integer that fits"),
        ("wait = true", 'wait: is a boolean, not a duration; write for example "5m"'),
        ('key = "hunter2"', f"key: is text, not a secret; {NO_SECRET}"),
        ("targets = 1", 'targets: is an integer, not text or list of text; write "1"'),
        ("targets = [1]", 'targets[0]: is an integer, not text; write "1"'),
        ('limits."a b" = "x"', 'limits."a b": is text, not a number; write a number'),
        ("anything = { a = [1, 2, 1979-05-27] }", 'anything.a[2]: is a date or time, not a plain value; write "1979-05-27"'),
        ("anything = { a = inf }", "anything.a: is not a finite number; write for example 0.5"),
        ('zone = "Asia/Soul"', "zone: 'Asia/Soul' is not a time zone; did you mean 'Asia/Seoul'?"),
        ("file = 1", 'file: is an integer, not a path; write for example "/path/to/file"'),
    ],
)  # fmt: skip
def test_a_wrong_parameter_of_a_check_is_named(tmp_path: Path, line: str, said: str) -> None:
    text = f'{SERVICE}[[modules]]\ncheck = "ports"\nevery = 60\n[modules.params]\n{line}'

    key = "modules[0].params: " if said.startswith("ratio is") else "modules[0].params."
    assert [key + said] == problems(tmp_path, text)
