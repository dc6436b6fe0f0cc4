"""The tree of tasks, as trio knows it."""

from __future__ import annotations

import trio
import trio.testing

from supervisor.commands.asking.tree import render
from supervisor.control.task_tree import describe


async def nap() -> None:
    await trio.sleep(50)


async def live(task_status: trio.TaskStatus[trio.lowlevel.Task]) -> None:
    async with trio.open_nursery() as outer:
        outer.start_soon(nap, name="first")
        async with trio.open_nursery() as inner:
            inner.start_soon(nap, name="second")
            inner.cancel_scope.deadline = trio.current_time() + 10
            task_status.started(trio.lowlevel.current_task())
            await trio.sleep(100)


async def test_each_task_is_shown_with_what_it_waits_on_and_its_deadline() -> None:
    async with trio.open_nursery() as nursery:
        task = await nursery.start(live)
        await trio.testing.wait_all_tasks_blocked()
        tree = describe(task, trio.current_time())
        nursery.cancel_scope.cancel()

    (first, within) = tree["children"]
    (second,) = within["children"]
    assert (first["name"], round(first["deadline_seconds"])) == ("first", 50)
    assert first["waits_on"].startswith("test_task_tree.py:")
    assert first["waits_on"].endswith("nap in sleep")
    assert within["name"] == "nursery inner"
    assert second["name"] == "second"
    assert 9 < second["deadline_seconds"] <= 10


def test_the_tree_is_drawn_with_branches() -> None:
    leaf = {"name": "c", "waits_on": "sleep", "deadline_seconds": 2.04, "children": []}
    node = {"name": "b", "waits_on": "", "deadline_seconds": None, "children": [leaf]}
    tree = {"name": "a", "waits_on": "x", "deadline_seconds": None, "children": [node, leaf]}

    assert [*render(tree)] == [
        "a  ← x",
        "├─ b",
        "│  └─ c  ← sleep  (for at most 2.0 s)",
        "└─ c  ← sleep  (for at most 2.0 s)",
    ]
