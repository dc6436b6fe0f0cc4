"""What the benchmarks measure with: timetables, process trees, charts and the results page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from benchmarks import record
from benchmarks.rig import process_tree
from benchmarks.rig.arrivals import Listeners, burst, timetable
from benchmarks.rig.beside_monit import beside_monit
from benchmarks.rig.chart import Bar, Bars, Line, Lines, picture, shown
from benchmarks.rig.rivals import FLOOR, RIVALS
from benchmarks.rig.task import BAD, PLUGINS, Checks, Task

SVG = "{http://www.w3.org/2000/svg}"


def test_intervals_are_those_of_each_port() -> None:
    found = timetable({1: [0.0, 10.0, 22.0], 2: [5.0, 15.0]})

    assert 5 == found.checks
    assert (10.0, 12.0) == (found.least, found.most)
    assert 32 / 3 == pytest.approx(found.mean)
    assert 0.9428 == pytest.approx(found.deviation, abs=1e-4)


def test_one_arrival_makes_no_interval() -> None:
    found = timetable({1: [3.0]})

    assert (1, 0.0, 1) == (found.checks, found.mean, found.burst)


def test_the_densest_100_ms_are_found_wherever_they_are() -> None:
    assert 3 == burst([0.0, 1.0, 1.05, 1.0999, 1.101, 2.0])


def test_nothing_is_no_burst() -> None:
    assert 0 == burst([])


def test_listeners_note_who_connects_and_refuse_once_closed() -> None:
    with Listeners.open(2) as listeners:
        first, second = listeners.ports
        socket.create_connection(("127.0.0.1", first)).close()
        deadline = time.monotonic() + 5
        while first not in listeners.arrivals() and time.monotonic() < deadline:
            time.sleep(0.001)
        listeners.close(second)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", second))
        seen = listeners.arrivals()

    assert {first: 1} == {port: len(times) for port, times in seen.items()}


BUSY = """
import sys, time
while time.process_time() < float(sys.argv[1]): pass
"""
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY!r}, "0.3"])
print("waited for a child", flush=True)
sys.stdin.readline()
child = subprocess.Popen([sys.executable, "-c", {BUSY!r}, "60"])
sys.stdin.readline()
"""
"""Waits for a child that takes 0.3 s of CPU; when told to, starts one that takes a minute of it."""


def test_a_tree_counts_children_that_live_and_those_waited_for() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        with_the_first = process_tree.cpu_seconds(parent.pid)
        own = time.clock_gettime((~parent.pid << 3) | 2)
        parent.stdin.write(b"go on\n")
        parent.stdin.flush()
        deadline = time.monotonic() + 60
        while process_tree.cpu_seconds(parent.pid) < with_the_first + 0.1:
            assert time.monotonic() < deadline, "the work of the living child is not seen"
            time.sleep(0.01)
        tree = list(process_tree.processes(parent.pid))
        memory = process_tree.memory(parent.pid)
        for pid in tree:
            os.kill(pid, 9)

    assert with_the_first > own + 0.25
    assert 2 == len(tree)
    assert memory.resident > memory.own > 0


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        (None, ["supervisor   3j"]),
        ("/usr/bin/monit", ["supervisor   3j", "monit        2j", "ratio to monit: imag 1.50"]),
    ],
)
def test_figures_are_compared_with_monits_if_it_is_installed(
    program: str | None,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: program)

    beside_monit(lambda: 3j, lambda: 2j, figures=("imag",))

    assert lines == capsys.readouterr().out.splitlines()


def drawn(title: str, panel: Bars | Lines) -> Element:
    return fromstring(picture(title, "", [panel]))  # noqa: S314 - of our own making


def test_bars_are_as_long_as_their_values() -> None:
    bars = Bars("CPU", [Bar("supervisor", 1.0, ours=True), Bar("a <peer>", 4.0)])

    tree = drawn("20 checks", bars)

    ours, theirs = (
        rect for rect in tree.iter(f"{SVG}rect") if "bar" in rect.attrib["class"].split()
    )
    assert "bar ours" == ours.attrib["class"]
    assert 4.0 == pytest.approx(
        float(theirs.attrib["width"]) / float(ours.attrib["width"]), abs=0.01
    )
    assert "a <peer>" in [text.text for text in tree.iter(f"{SVG}text")]


@pytest.mark.parametrize("logarithmic", [True, False])
def test_lines_go_up_with_their_values(logarithmic: bool) -> None:
    panel = Lines("RSS", [Line("rss", [(100, 38), (1000, 40), (10_000, 90)])], "", logarithmic)

    tree = drawn("scale", panel)

    (line,) = (path for path in tree.iter(f"{SVG}path") if "line" in path.attrib["class"])
    points = [tuple(map(float, pair.split())) for pair in line.attrib["d"][1:].split("L")]
    assert sorted(points) == points
    assert sorted((y for _, y in points), reverse=True) == [y for _, y in points]


def test_a_panel_without_values_is_drawn_nevertheless() -> None:
    document = picture("empty", "", [Bars("nobody", []), Lines("nothing", [])])

    assert "nothing" in document


def test_a_picture_is_ascii_and_prefers_what_the_viewer_does() -> None:
    document = picture("größer", "…", [])

    assert document.isascii()
    assert "prefers-color-scheme:dark" in document


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.1234, "0.123"), (5.0, "5"), (92.04, "92"), (123456.7, "123,457"), (10, "10")],
)
def test_numbers_are_shown_with_three_digits_that_count(value: float, text: str) -> None:
    assert text == shown(value)


@pytest.mark.parametrize("text", ["tcp", "udp:20", "tcp:0", "tcp:x", ""])
def test_checks_that_there_are_not_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write tcp:20"):
        Checks.parse(text)


def test_every_rival_can_be_set_up_for_every_kind_of_checks(tmp_path: Path) -> None:
    for kind in ("tcp:2", "command:2", "bad:2"):
        checks = Checks.parse(kind)
        for rival in (*RIVALS, FLOOR):
            directory = tmp_path / checks.kind / rival.name
            directory.mkdir(parents=True)
            task = Task(
                directory,
                checks.probes([40001, 40002]),
                checks.by_plugin,
                tmp_path / "notify",
                "http://127.0.0.1:1",
                tmp_path,
            )

            commands = rival.set_up(task)

            assert all(commands)
            assert any(directory.iterdir())


def test_the_plugins_that_misbehave_are_there() -> None:
    assert [] == [name for name in BAD if not os.access(PLUGINS / name, os.X_OK)]


def test_a_section_of_the_results_is_replaced_and_the_others_stay() -> None:
    old = record.merged("", {"footprint": "1 MiB", "peers tcp:20": "```text\nmonit 7\n```"})

    new = record.merged(old, {"footprint": "2 MiB"})

    assert old.replace("1 MiB", "2 MiB") == new
    assert "monit 7" in new


def test_every_benchmark_that_is_recorded_is_there() -> None:
    assert [] == [item.title for item in record.BENCHMARKS if not item.file.exists()]


def test_what_takes_too_long_is_interrupted() -> None:
    program = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may inherit none\n"
        "try: time.sleep(60)\nexcept KeyboardInterrupt: print('tidied up')"
    )

    code, output = record.run([sys.executable, "-u", "-c", program], 0.5 / 60)

    assert (0, "tidied up\n") == (code, output)
