"""What `status` prints: verdict, alerts, peers, modules, in this order, as wide as the terminal.

Nothing is cut to make it fit: long text goes on in the next line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from urllib.parse import urlsplit

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from supervisor.commands.views.peers import peer_lines
from supervisor.commands.views.windows import others, window_lines
from supervisor.config.timezone import zone_of_key
from supervisor.control.at_peers import in_words
from supervisor.control.socket_client import JsonObject
from supervisor.observations import RESULT_WORDS
from supervisor.text import counted, data_size

MAX_ALERTS = 50
"""Alerts that are shown together with the modules. `--alerts` shows all."""

MAX_UNFOLDED = 12
"""With more modules than this, those that are well are only named."""

WIDE = 110
"""From so many columns on, the table of modules has all its columns."""

_RESULTS = {"ok": "green", "conditions": "yellow", None: "dim"}
"""The style of each result. All others are bold red."""

_TYPES = {"W": "yellow", "I": "cyan", "S": "cyan", "": "dim"}
"""The style of each event type. All others are red."""

_STATES = {"firing": 0, "quarantined": 0, "pending": 1, "held": 2, "report": 3, "resolved": 4}
"""The order of alerts, by state."""

_SEVERITIES = {"W": 1, "I": 2, "S": 2, "": 3}
"""The order of alerts in one state, by event type. All others come first."""

_FAILING = ("failed", "timeout")
"""Results of a run that failed."""

_QUIET = 3
"""From this rank on, nothing is wrong with a module."""


@define
class View:
    """The parts of what is shown."""

    status: JsonObject
    """The document of `status --json`."""

    verdict: str
    """The state of the supervisor in one line."""

    width: int
    """Columns of the terminal."""

    is_one: bool = False
    """Whether one module alone is shown, with all that is known of it."""

    alerts_only: bool = False
    _local: Callable[[str | None], str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._local = local_time(self.status)

    def parts(self) -> Iterator[RenderableType]:
        """Yield everything that is to be shown, from the most urgent on."""
        yield from self.head()
        most = None if self.alerts_only else MAX_ALERTS
        yield from islice(self.alerts(), most)
        if most and (more := len(self.status["alerts"]) - most) > 0:
            yield Text(f"{counted(more, 'more alert')}: status --alerts", "bold red")
        if not self.alerts_only:
            yield from self.rest()

    def head(self) -> Iterator[RenderableType]:
        """Yield the verdict."""
        yield Text(self.verdict, "bold")
        yield from window_lines(self.status, self._local)

    def alerts(self) -> Iterator[RenderableType]:
        """Yield one block for each alert, the worst first."""
        yield from map(self._alert, worst_first(self.status["alerts"]))

    def rest(self) -> Iterator[RenderableType]:
        """Yield peers and modules."""
        if self.status["peers"] and not self.is_one:
            yield Text("")
            yield from peer_lines(self.status, self._local)
        if self.is_one:
            yield from self._one(self.status["modules"][0])
        else:
            yield from self._modules()

    def _alert(self, alert: JsonObject) -> RenderableType:
        is_past = alert["state"] in ("resolved", "report")
        style = "dim" if is_past else _TYPES.get(alert["event_type"], "red")
        line = Text(f"{alert['event_type'] or '-':<2}  ", f"bold {style}")
        line.append(" ".join(filter(None, (alert["alertname"], alert["instance"]))), style)
        about = ", ".join(self._about(alert))
        message = alert["message"].replace("\n", " | ")
        if is_past:
            line.append(f": {message}; {about}", "dim")
            return line
        lines = [message, about]
        if runbook := alert.get("runbook", ""):
            lines.append(f"to do: {runbook.replace(chr(10), ' | ')}")
        below = Text("\n".join(filter(None, lines)))
        return Group(line, Padding(below, (0, 0, 0, 4), expand=False))

    def _about(self, alert: JsonObject) -> Iterator[str]:
        """Yield state, start, module, and the peers that do not know of the alert."""
        if alert["state"] == "held":
            yield f"held by {alert['held']} until {self._local(alert['held_until'])}"
        elif alert["state"] != "firing":
            yield alert["state"]
        if alert["starts_at"]:
            word = "at" if alert["state"] == "report" else "since"
            yield f"{word} {self._local(alert['starts_at'])}"
        yield f"module {alert['check']}"
        pending = [url for url, state in alert["peers"].items() if state == "pending"]
        if len(pending) == len(alert["peers"]) > 1:
            yield "pending at all Alertmanagers"
        elif pending:
            yield f"pending at {', '.join(urlsplit(url).netloc or url for url in pending)}"
        yield from in_words(alert, self._local)

    def _modules(self) -> Iterator[RenderableType]:
        modules = sorted(self.status["modules"], key=_module_rank)
        folds = len(modules) > MAX_UNFOLDED
        quiet = [module for module in modules if folds and _module_rank(module) >= _QUIET]
        shown = modules[: len(modules) - len(quiet)]
        if shown:
            yield Text("")
            yield self._table(shown)
        if quiet:
            yield Text("")
        for word in dict.fromkeys(_word(module)[0] for module in quiet):
            names = [module["name"] for module in quiet if _word(module)[0] == word]
            style = "dim" if word == "disabled" else ""
            yield Text(f"{len(names)} {word}: {', '.join(names)}", style)

    def _table(self, modules: Iterable[JsonObject]) -> Table:
        is_wide = self.width >= WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("MODULE", overflow="fold")
        table.add_column("RESULT", no_wrap=True)
        table.add_column("LAST RUN", no_wrap=True)
        table.add_column("NEXT RUN", no_wrap=True)
        table.add_column("FAILED", justify="right", no_wrap=True)
        if is_wide:
            table.add_column("CHECK", overflow="fold")
            table.add_column("TOOK", justify="right", no_wrap=True)
            table.add_column("RUNS", justify="right", no_wrap=True)
        for module in modules:
            word, style = _word(module)
            took, failures = module["last_seconds"], module["failures"]
            wide = (
                Text(module["check"], "dim"),
                "" if took is None else f"{took:.2f} s",
                str(module["runs"]),
            )
            table.add_row(
                Text(module["name"]),
                Text(word, style),
                self._local(module["last_run"]),
                self._local(module["next_run"]),
                Text(str(failures), "red" if failures else ""),
                *(wide if is_wide else ()),
            )
        return table

    def _one(self, module: JsonObject) -> Iterator[RenderableType]:
        word, style = _word(module)
        took = "" if module["last_seconds"] is None else f" in {module['last_seconds']:.2f} s"
        last = f", last run {self._local(module['last_run'])}{took}" if module["last_run"] else ""
        line = Text(f"{module['name']} (check {module['check']}): ")
        line.append(word, style)
        line.append(last)
        yield Text("")
        yield line
        counts = f"{counted(module['runs'], 'run')}, {module['failures']} failed"
        skipped = f", {module['skipped']} skipped" if module["skipped"] else ""
        due = self._local(module["next_run"])
        yield Text(f"{counts}{skipped}" + (f"; next run {due}" if due else "") + others(module))
        for item in module["measurements"]:
            labels = " ".join(item["labels"].values())
            value = f"{item['value']:,.6g} {item['unit']}".strip()
            if item["unit"] == "B":
                value = data_size(item["value"])
            yield Text(" ".join(filter(None, (item["name"], labels, value))))


def fitted(view: View, height: int | None) -> RenderableType:
    """Return what is to be shown in a window of `height` lines, None for any height.

    Alerts come first. If they do not fit, the last line says how many more there are.
    """
    if height is None:
        return Group(*view.parts())
    console = Console(width=view.width, height=height)
    parts = [*view.head()]
    left = height - sum(_lines(console, part) for part in parts)
    alerts = [*view.alerts()]
    for number, alert in enumerate(alerts):
        size = _lines(console, alert)
        has_more = number + 1 < len(alerts)
        if size + has_more > left:
            more = counted(len(alerts) - number, "more alert")
            remedy = "make the window larger, or status --alerts"
            return Group(*parts, Text(f"{more}: {remedy}", "bold red"))
        parts.append(alert)
        left -= size
    if view.alerts_only:
        return Group(*parts)
    for part in view.rest():
        size = _lines(console, part)
        if size > left - 1:
            if left:
                parts.append(Text("more below: make the window larger", "dim"))
            break
        parts.append(part)
        left -= size
    return Group(*parts)


def _lines(console: Console, part: RenderableType) -> int:
    return len(console.render_lines(part, pad=False))


def worst_first(alerts: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the alerts by state and severity, then the oldest first."""
    return sorted(
        alerts,
        key=lambda alert: (
            _STATES.get(alert["state"], 9),
            _SEVERITIES.get(alert["event_type"], 0),
            alert["starts_at"] or "~",
        ),
    )


def _module_rank(module: JsonObject) -> int:
    """Return a module's place: those that fail, with conditions, not yet run, ok, disabled."""
    if module["state"] == "disabled":
        return _QUIET + 1
    if module["last_result"] in _FAILING:
        return 0
    return {"conditions": 1, None: 2}.get(module["last_result"], _QUIET)


def _word(module: JsonObject) -> tuple[str, str]:
    """Return the state of a module in a word, and its style."""
    if module["state"] == "disabled":
        return "disabled", "dim"
    result = module["last_result"]
    if module["state"] == "running" and result is None:
        return "running", "cyan"
    return RESULT_WORDS[result], _RESULTS.get(result, "bold red")


def local_time(status: JsonObject) -> Callable[[str | None], str]:
    """Return a function that shows a time in the service's zone, and its date if not today."""
    zone = zone_of_key(status["timezone"])
    today = datetime.fromisoformat(status["now"]).astimezone(zone).date()

    def local(text: str | None) -> str:
        if text is None:
            return ""
        when = datetime.fromisoformat(text).astimezone(zone)
        return f"{when:%H:%M:%S}" if when.date() == today else f"{when:%m-%d %H:%M}"

    return local
