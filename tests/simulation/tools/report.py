"""The totals as a page: one file of HTML that asks for nothing else. Or as text, by the suffix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from tests.simulation.tools.explore import Result
from tests.simulation.tools.picture import faults_by_kind
from tests.simulation.tools.sums import Sums
from tests.simulation.tools.totals import Totals

STYLE = """\
:root{color-scheme:light dark;--text:#1f2328;--note:#59636e;--back:#fff;--box:#f6f8fa;
--line:#d1d9e0;--bad:#cf222e;--good:#1a7f37;--s0:#0969da;--s1:#bc4c00;--s2:#1a7f37;--s3:#8250df;--s4:#9a6700}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--note:#9198a1;--back:#0d1117;--box:#151b23;
--line:#3d444d;--bad:#f85149;--good:#3fb950;--s0:#4493f8;--s1:#f0883e;--s2:#3fb950;--s3:#ab7df8;--s4:#d29922}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);
max-width:940px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin:0}h2{font-size:1.15em;margin:2em 0 .6em}p{color:var(--note);margin:.3em 0}
.verdict{font-weight:600;color:var(--good)}.verdict.bad{color:var(--bad)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:10px;margin:1.4em 0}
dl div{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:10px 14px}
dt{color:var(--note);font-size:.87em}dd{margin:0;font-size:1.45em;font-variant-numeric:tabular-nums}
table{border-collapse:collapse}td{padding:3px 14px 3px 0;border-bottom:1px solid var(--line)}
th{text-align:right;padding:3px 14px 3px 0;color:var(--note);font-weight:500}
td.n{text-align:right;font-variant-numeric:tabular-nums}
pre{background:var(--box);border:1px solid var(--line);border-left:4px solid var(--bad);
border-radius:6px;padding:12px;white-space:pre-wrap;font-size:12.5px;line-height:1.45}
svg{width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:var(--text)}
svg .note{fill:var(--note)}svg .name{text-anchor:end}"""


def write_report(totals: Totals, path: Path) -> None:
    """Write the totals, as HTML if the name ends in `.html`."""
    lines = html(totals) if path.suffix == ".html" else text(totals)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def text(totals: Totals) -> Iterator[str]:
    """Yield the totals as lines of text."""
    yield from totals.lines()
    for result in totals.failures:
        if result.failure is not None:
            yield from ("", f"scripts/simulate {result.name}", *result.failure.story)


def html(totals: Totals) -> Iterator[str]:
    """Yield the totals as lines of HTML."""
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>Simulation</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>"
    yield f"<h1>{totals.all.years:,.3g} simulated host-years</h1>"
    yield "<p>The real supervisor, in virtual time, against simulated peers, disks and clocks.</p>"
    if totals.failures:
        worlds = "1 world" if len(totals.failures) == 1 else f"{len(totals.failures)} worlds"
        yield f'<p class="verdict bad">{worlds} broke a promise.</p>'
    else:
        yield '<p class="verdict">No promise was broken.</p>'
    yield "<dl>"
    whole = totals.all
    for name, value in whole.figures():
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>"
    if len(totals.kinds) > 1:
        yield from _by_kind(totals.kinds)
    if whole.notifications:
        yield "<h2>Notifications, by what they are for</h2>"
        yield from _table(whole.notifications.most_common())
    if whole.faults:
        yield "<h2>Faults by kind</h2>"
        yield faults_by_kind(whole.faults)
    if whole.excused:
        yield "<h2>Excused by a named reason</h2>"
        yield "<p>What docs/reference/promises.md allows, and how often a judge met it.</p>"
        yield from _table(whole.excused.most_common())
    for result in totals.failures:
        yield from _failure(result)
    yield "</body>\n</html>"


def _by_kind(kinds: Mapping[str, Sums]) -> Iterator[str]:
    """Yield a table with a column for each kind of host."""
    names = sorted(kinds)
    columns = [dict(kinds[name].figures()) for name in names]
    yield "<h2>By kind of host</h2>"
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    yield f"<table><tr><th></th>{heads}</tr>"
    for figure in columns[0]:
        cells = "".join(f'<td class="n">{escape(column[figure])}</td>' for column in columns)
        yield f"<tr><td>{escape(figure)}</td>{cells}</tr>"
    yield "</table>"


def _table(counts: Sequence[tuple[str, int]]) -> Iterator[str]:
    yield "<table>"
    for name, count in counts:
        yield f'<tr><td>{escape(name)}</td><td class="n">{count:,}</td></tr>'
    yield "</table>"


def _failure(result: Result) -> Iterator[str]:
    if result.failure is None:
        return
    yield f"<h2>Broken: {escape(result.failure.promise.replace('_', ' '))}</h2>"
    yield f"<p><code>scripts/simulate {escape(result.name)}</code></p>"
    yield f"<pre>{escape(chr(10).join(result.failure.story))}</pre>"
