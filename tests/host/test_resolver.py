"""Look-ups of names that hang do not block other calls."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from supervisor.host import resolver
from supervisor.host.resolver import Resolver
from supervisor.host.threads import abandoned_threads
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.no_more_threads import no_more_threads

SUPERVISOR = Path(resolver.__file__).parent.parent


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """Let the system's resolver hang for names that contain "dead". Trio asks with bytes."""
    hanging, real = Hanging([]), socket.getaddrinfo

    def getaddrinfo(host: Any, *others: Any, **more: Any) -> Any:
        is_dead = isinstance(host, bytes) and b"dead" in host
        return hanging() if is_dead else real(host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield hanging
    hanging.released.set()
    trio.run(until_no_thread_hangs)


async def give_up(name: str) -> None:
    with trio.move_on_after(0.2):
        await trio.socket.getaddrinfo(name, 1)


async def test_forty_names_that_hang_do_not_block_another(dead: Hanging) -> None:
    trio.socket.set_custom_hostname_resolver(Resolver())
    shared = trio.to_thread.current_default_thread_limiter()
    names = [f"dead{number}.invalid" for number in range(int(shared.total_tokens) + 1)]
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(trio.socket.getaddrinfo, name, 1)
        with trio.fail_after(60):
            while dead.calls < len(names):  # noqa: ASYNC110  # a thread sets no trio event
                await trio.sleep(0.001)
        nursery.cancel_scope.cancel()
    hanging, borrowed = abandoned_threads(), shared.borrowed_tokens
    with trio.fail_after(60):
        found = await trio.socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)
        await trio.to_thread.run_sync(int)

    assert borrowed == 0
    assert hanging == len(names)
    assert {address[0] for *_, address in found} <= {"127.0.0.1", "::1"}


async def test_a_name_that_still_hangs_is_not_asked_again(dead: Hanging) -> None:
    trio.socket.set_custom_hostname_resolver(Resolver())
    await give_up("dead.invalid")
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get("http://dead.invalid/")

    assert "an earlier name resolution of dead.invalid still hangs" in str(caught.value)
    assert dead.calls == 1


async def test_an_unknown_name_raises_the_systems_own_error() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver())
    with pytest.raises(socket.gaierror) as caught:
        await trio.socket.getaddrinfo("nowhere.invalid", 1)

    assert caught.value.errno in (socket.EAI_NONAME, socket.EAI_AGAIN)


async def test_an_address_has_a_name() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver())

    assert await trio.socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST) == (
        "127.0.0.1",
        socket.getnameinfo(("127.0.0.1", 80), 0)[1],
    )


def test_what_is_run_looks_names_up_so_that_they_can_be_given_up(dead: Hanging) -> None:
    async def look() -> tuple[int, str]:
        await give_up("dead.invalid")
        limiter = trio.to_thread.current_default_thread_limiter()
        return limiter.borrowed_tokens, trio.lowlevel.current_task().name

    borrowed, name = resolver.run(look)

    assert borrowed == 0
    assert name.endswith("look")


def test_every_command_enters_trio_by_the_resolvers_run() -> None:
    entering = {
        path.name
        for path in SUPERVISOR.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "trio.run"
    }

    assert entering == {"resolver.py"}


async def test_a_name_is_not_found_while_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_more_threads(monkeypatch)

    with pytest.raises(socket.gaierror, match="can't start new thread"):
        await Resolver().getaddrinfo(b"host.example.invalid", 80)
