"""What programs of the `command` check print: cut, malformed, on stderr, or last of all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio

from checks._processes.printed import output
from checks.command import TRACEBACK, Params, run
from supervisor.api import Completed, Condition, Measurement, Secret
from tests.support.bad_plugins import failure, observe, plugin, printing, shell
from tests.support.check_context import context


async def test_a_byte_order_mark_is_not_output() -> None:
    marked = "\ufeffOK | a=1"
    event = '\ufeff[{"EventName": "A", "EventType": "E", "EventMessage": "b"}]'
    (said,) = await observe(Params(printing("\ufeffdown", "sys.exit(1)"), "text"))
    (seen,) = await observe(Params(printing(event), "eborder"))

    assert [Measurement("a", 1.0)] == await observe(Params(printing(marked), "nagios"))
    assert isinstance(said, Condition)
    assert said.message.startswith("down")
    assert isinstance(seen, Condition)
    assert seen.alertname == "A"


async def test_long_output_is_cut_with_a_mark() -> None:
    (seen,) = await observe(Params(plugin("prints_a_megabyte"), "nagios"))

    assert isinstance(seen, Condition)
    assert seen.message == "WARNING: a long story"
    assert seen.detail.endswith("… 934486 bytes more</pre>")
    assert len(seen.detail) < 66_000


async def test_invalid_utf_8_is_replaced() -> None:
    (seen,) = await observe(Params(shell(r"printf 'caf\351'; exit 1"), "nagios"))

    assert isinstance(seen, Condition)
    assert seen.message == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'UNKNOWN: no idea'; exit 3", "exit status 3: UNKNOWN: no idea"),
        ("echo oops >&2; exit 127", "exit status 127: oops"),
        ("echo hm; kill -SEGV $$", "killed by SIGSEGV: hm"),
        ("kill -40 $$", "killed by signal 40: "),
        (
            f"echo '{TRACEBACK}\n  x\nImportError: no y\n' >&2; exit 1",
            "exit status 1: ImportError: no y",
        ),
    ],
)
async def test_a_plugin_that_answers_unknown_is_a_failed_check(script: str, expected: str) -> None:
    assert f"/bin/sh ended with {expected}" == await failure(Params(shell(script), "nagios"))


@pytest.mark.parametrize(
    ("script", "message", "detail"),
    [
        ("exit 1", "exit status 1", ""),
        ("echo why >&2; exit 1", "exit status 1: why", "<pre>why</pre>"),
        (
            "printf 'long\\n\\033story\\n' >&2; exit 1",
            "exit status 1: \\x1bstory",
            "<pre>long\n\x1bstory</pre>",
        ),
        ("echo '<one>'; echo ignored >&2; exit 1", "<one>", ""),
        (f"echo W; echo '{TRACEBACK}' >&2; exit 1", "W", ""),
    ],
)
async def test_a_plugin_that_says_nothing_on_stdout_tells_its_reason_on_stderr(
    script: str, message: str, detail: str
) -> None:
    expected = Condition("the module", "W", "", message, detail)

    assert [expected] == await observe(Params(shell(script), "nagios"))


@pytest.mark.parametrize(
    ("stdout", "printed", "stderr", "shown"),
    [
        (b"say hunter2", 11, b"", "say [secret]"),
        (b"say hunter2, hunt", 90, b"", "say [secret]"),
        (b"", 0, b"ter2" + 4092 * b"x", 4090 * "x"),
        (b"", 0, b"no hunter2", "no [secret]"),
    ],
    ids=["whole", "cut at its end", "cut at its beginning", "error"],
)
def test_the_last_output_shows_not_even_half_a_secret(
    stdout: bytes, printed: int, stderr: bytes, shown: str
) -> None:
    completed = Completed(0, stdout, printed, stderr, 0)

    assert shown == output(completed, ["hunter2"])


def test_a_program_that_was_ended_while_it_wrote_shows_not_even_half_a_secret() -> None:
    completed = Completed(-15, b"say hunt", 8, b"login of hunter2: hunter", 0)

    assert output(completed, ["hunter2"], is_cut=True) == "sa\nlogin of [secret]:"
    assert output(completed, [], is_cut=True) == "say hunt\nlogin of hunter2: hunter"


async def test_the_last_output_of_a_program_that_hangs_is_shown(tmp_path: Path) -> None:
    seen = context()
    ready = tmp_path / "ready"
    script = f"echo connecting to the stock server; echo > {ready}; exec sleep 86399"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, seen, Params(shell(script), "nagios"))
        with trio.fail_after(10):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await trio.sleep(0.005)
        nursery.cancel_scope.cancel()

    assert seen.shown == ["connecting to the stock server"]


async def test_a_module_of_the_legacy_agent_that_fails_after_its_events_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    params = Params(
        shell("echo []; echo no access for $1 >&2; exit 3"),
        "eborder",
        params={"password": "{secret:a}"},
        secrets={"a": Secret("env", "HUSH")},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUSH", "hunter2")
        seen = await observe(params)

    assert seen == []
    assert caplog.messages == [
        '/bin/sh ended with exit status 3: no access for {"password":"[secret]"}'
    ]


async def test_performance_data_that_cannot_be_read_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    seen = await observe(Params(printing("OK | load=0,7 a=1 b=U rest"), "nagios"))

    assert seen == [Measurement("a", 1.0)]
    assert caplog.messages == [
        f"{sys.executable} printed 2 words that cannot be read among its performance data; "
        "the first: load=0,7"
    ]
