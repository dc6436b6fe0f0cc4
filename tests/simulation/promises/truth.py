"""What the runs of checks come to: which conditions fire, since which run, until which run.

It is the simplest model of docs/reference/alerts.md. It knows nothing of the supervisor's code.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from tests.simulation.events import Event, LedgerSeen, LifeBegan, LifeEnded, RunFinished, RunSeen
from tests.simulation.promises.module_truth import Change, Condition, ModuleTruth, Name
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import BAND_OF_E, BANDS


@define(eq=False)
class Truth:
    """Follows all modules, and the weather."""

    weather: Weather
    modules: dict[str, ModuleTruth] = field(factory=dict)
    lost: list[str] = field(factory=list)
    """Runs that were shown as finished, and of which the ledger knows nothing later."""

    has_lost_alerts: bool = False
    """Whether the event heard last says that alerts are gone, as the ledger was full or is lost."""
    _overflown_at: float = -1.0
    _known_losses: int = 0

    def __attrs_post_init__(self) -> None:
        for script in self.weather.scenario.modules:
            self.modules[script.name] = ModuleTruth(script)

    def hear(self, event: Event) -> list[Change]:
        """Return what an event changes."""
        self.weather.hear(event)
        self.has_lost_alerts = False
        match event:
            case LedgerSeen():
                self.has_lost_alerts = event.lost > self._known_losses
                self._known_losses = event.lost
                if self.has_lost_alerts:
                    self._lose_alerts()
            case RunSeen():
                return [*self._begin(self.modules[event.module], event)]
            case RunFinished() if event.module in self.modules:
                return [*self._finish(self.modules[event.module], event)]
            case LifeBegan():
                self._known_losses = 0
                self.has_lost_alerts = self.weather.is_ledger_lost
                if self.has_lost_alerts:
                    self._lose_ledger()
                return [*self._fit()]
            case LifeEnded():
                self._doubt()
            case _:
                if self.weather.read is not None:
                    self._doubt()
                elif len(self.weather.modules) < len(self.modules) and any(
                    not module.is_gone for module in self._gone()
                ):
                    return [*self._fit()]
        return []

    def is_open(self, name: Name) -> bool:
        """Return whether it is not known if this fires."""
        module = self.modules[name.module]
        condition = module.conditions.get(name.instance) if name.instance else module.failing
        return module.is_in_doubt or (condition is not None and condition.is_unknown)

    @property
    def is_overflown(self) -> bool:
        """Whether the ledger was full just now."""
        return self.weather.now <= self._overflown_at

    def _lose_alerts(self) -> None:
        """Exempt: the ledger was full, and something had to go. It fires again when it is seen."""
        self._overflown_at = self.weather.now
        for module in self.modules.values():
            committed = module.committed
            module.forget()
            module.committed = committed

    def _lose_ledger(self) -> None:
        for module in self.modules.values():
            module.forget()
            module.is_excused = True

    def _doubt(self) -> None:
        """A run that was not shown as finished may be in the ledger all the same."""
        for module in self.modules.values():
            if module.last is not None and not module.is_finished:
                module.is_in_doubt = True

    def _gone(self) -> Iterator[ModuleTruth]:
        for name, module in self.modules.items():
            if name not in self.weather.modules:
                yield module

    def _fit(self) -> Iterator[Change]:
        """End what fires of modules that are not in the service file any more."""
        for module in self._gone():
            name = module.script.name
            for instance, condition in module.conditions.items():
                if condition.fires:
                    yield Change(Name(name, instance, condition.kind), False)
            if module.failing.fires:
                yield Change(Name(name, "", "TE"), False)
            doubt, excused, reports = module.is_in_doubt, module.is_excused, module.reports
            self.modules[name] = new = ModuleTruth(module.script, reports=reports)
            new.flooded, new.committed, new.is_gone = module.flooded, None, True
            new.is_in_doubt = doubt or excused

    def _begin(self, module: ModuleTruth, run: RunSeen) -> Iterator[Change]:
        last = module.last
        is_new = last is None or last.life != run.life or module.is_in_doubt
        if is_new or module.is_finished:
            module.behind = 0 if is_new else module.behind
        else:
            # Exempt: its state was handed on before it was committed.
            module.behind += 1
            module.forget()
        if (
            last is not None
            and (is_new or module.is_finished)
            and last.number == run.after
            and module.committed != run.after
        ):
            yield from self._apply(module, last)
        if module.committed not in (None, run.after):
            if not module.is_excused:
                self.lost.append(
                    f"{module.script.name}: run {module.committed} was finished, and later the "
                    f"ledger knows of no run after {run.after}"
                )
            module.forget()
        module.committed = run.after if is_new or module.is_finished else None
        module.is_excused, module.is_in_doubt = False, False
        module.is_gone = False
        module.last, module.is_finished = run, False

    def _finish(self, module: ModuleTruth, event: RunFinished) -> Iterator[Change]:
        run = module.last
        if run is None or module.is_finished or run.life != event.life:
            return
        if module.behind:
            module.behind -= 1
            return
        module.is_finished, module.is_in_doubt = True, False
        failed = event.result not in ("ok", "conditions")
        yield from self._judge_failing(module, run, failed)
        if not failed:
            yield from self._apply(module, run)
        if self.is_overflown:  # it was in the same commit
            committed = module.committed
            module.forget()
            module.committed = committed

    def _judge_failing(self, module: ModuleTruth, run: RunSeen, failed: bool) -> Iterator[Change]:
        failing = module.failing
        if failing.fires != failed or failing.is_unknown:
            yield Change(
                Name(module.script.name, "", "TE"), failed, run.clock, not failing.is_unknown
            )
        failing.fires, failing.is_unknown = failed, False

    def _apply(self, module: ModuleTruth, run: RunSeen) -> Iterator[Change]:
        """Take in a committed run that was successful."""
        module.committed = run.number
        module.is_held = self.weather.windows.hold(run.module, run.clock)
        module.reports = max([module.reports, *(1 + number_of(token) for token in run.reports)])
        for instance in {*module.conditions, *run.conditions}:
            condition = module.conditions.setdefault(instance, Condition())
            kind = run.conditions[instance][0] if instance in run.conditions else ""
            yield from self._see(module, instance, condition, kind, run)
        if run.outcome == "flood":
            module.crowded, module.flooded = module.script.clear_after + 1, True
        elif module.crowded:
            module.crowded -= 1

    def _see(
        self, module: ModuleTruth, instance: str, condition: Condition, kind: str, run: RunSeen
    ) -> Iterator[Change]:
        script = module.script
        certain = not condition.is_unknown
        if kind in BANDS:
            if not certain:  # nothing is learned from what goes on if it fires
                condition.looks, condition.missed = [], 0
                return
            kind = _in_a_band(condition, kind)
        if (known := _in_a_window(module, condition, kind)) is None:
            condition.is_unknown, condition.looks, condition.missed = True, [], 0
            return
        kind = known
        last = max(script.fire_after, script.of_last)
        condition.looks = [*condition.looks, bool(kind)][-last:]
        condition.missed = 0 if kind else condition.missed + 1
        if module.crowded and kind and not condition.fires:
            condition.is_unknown, condition.looks = True, []
            condition.kind = kind
            return
        enough = sum(condition.looks) >= script.fire_after
        # So many misses, and nothing that was seen before them can count any more.
        to_end = (
            script.clear_after if certain else max(script.clear_after, last - script.fire_after + 1)
        )
        if condition.fires and certain and kind and kind != condition.kind:
            yield Change(Name(script.name, instance, condition.kind), False)
            condition.kind = kind
            yield Change(Name(script.name, instance, kind), True, run.clock)
        elif kind and enough and not (condition.fires and certain):
            if condition.fires and kind != condition.kind:
                yield Change(Name(script.name, instance, condition.kind), False, is_certain=False)
            condition.fires, condition.kind, condition.is_unknown = True, kind, False
            condition.is_told = module.is_held is False
            yield Change(Name(script.name, instance, kind), True, run.clock, certain)
        elif condition.missed >= to_end and (condition.fires or not certain):
            condition.fires, condition.is_unknown, condition.looks = False, False, []
            yield Change(Name(script.name, instance, condition.kind), False, is_certain=certain)


def _in_a_band(condition: Condition, band: str) -> str:
    """Return the type that a value in a band has; empty if it is as if nothing were seen."""
    if band == BAND_OF_E:
        return condition.kind if condition.fires else "W"
    return "W" if condition.fires else ""


def _in_a_window(module: ModuleTruth, condition: Condition, kind: str) -> str | None:
    """Return the type that something has if a window may be open. None: it is not known.

    What was told keeps its type. Of what is held it is not known: the peers may have to be told
    first that an earlier episode is over, and then it is not held.
    """
    if module.is_held is False:
        condition.is_told |= condition.fires
        return kind
    if not kind:
        return kind
    if condition.is_unknown:
        return None
    if not condition.fires or kind == condition.kind:
        return kind
    return condition.kind if module.is_held and condition.is_told else None


def number_of(token: str) -> int:
    """Return which of its module's reports a report is."""
    return int(token.rpartition("-")[2])
