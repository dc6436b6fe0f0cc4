"""What is true of the model whatever it is sent."""

from __future__ import annotations

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.examples import SETTINGS, T, alert
from tests.simulation.alertmanager.matcher import Matcher
from tests.simulation.alertmanager.notification import Notification, Status

HOURS = 3600.0
END = 3 * HOURS
"""When each example ends: three hours after `T`."""


@frozen
class Action:
    """Something that is done to the model, `after` seconds after what was done before."""

    after: float
    host: str = "a"
    name: str = "Disk"
    ends: float | None = None
    """Seconds after it is posted."""
    silences: bool = False
    restarts: bool = False
    killed: bool = False


actions = st.lists(
    st.builds(
        Action,
        after=st.sampled_from([0.0, 1.0, 9.5, 10.0, 45.0, 60.0, 300.0, 1000.0]),
        host=st.sampled_from("abc"),
        name=st.sampled_from(["Disk", "Load"]),
        ends=st.sampled_from([None, None, -1.0, 0.0, 30.0, 500.0, 5000.0]),
        silences=st.sampled_from([False, False, False, True]),
        restarts=st.sampled_from([False] * 7 + [True]),
        killed=st.booleans(),
    ),
    max_size=15,
)
versions = st.sampled_from([(0, 25), (0, 30), (0, 34)])


def act(manager: Alertmanager, action: Action, now: float) -> None:
    if action.restarts:
        manager.restart(now, killed=action.killed)
    elif action.silences:
        matchers = [Matcher("host", action.host)]
        manager.silence(matchers, starts_at=now, ends_at=now + 400, now=now)
    else:
        end = None if action.ends is None else now + action.ends - T
        manager.post([alert(now - T - 2, end, host=action.host, name=action.name)], now)


def run(manager: Alertmanager, actions: list[Action], steps: list[float]) -> list[Notification]:
    """Return what is sent; between two actions the model is advanced at each of the steps."""
    sent: list[Notification] = []
    now = T
    for action in [*actions, Action(END)]:
        for step in steps:
            sent += manager.advance(now + step * action.after)
        now += action.after
        if action.after == END:
            break
        sent += manager.advance(now)
        act(manager, action, now)
    return sent + manager.advance(now)


@given(actions, versions, st.lists(st.floats(0.0, 1.0), max_size=5))
def test_one_step_or_many_give_the_same(
    actions: list[Action], version: tuple[int, int], steps: list[float]
) -> None:
    settings = evolve(SETTINGS, version=version)
    in_one = run(Alertmanager(settings, T), actions, [])
    in_many = run(Alertmanager(settings, T), actions, sorted(steps))

    assert in_one == in_many


@given(actions, versions)
def test_to_sleep_until_the_next_event_misses_nothing(
    actions: list[Action], version: tuple[int, int]
) -> None:
    settings = evolve(SETTINGS, version=version)
    manager = Alertmanager(settings, T)
    sent: list[Notification] = []
    now = T
    for action in [*actions, Action(END)]:
        until = now + action.after
        while (at := manager.next_event()) is not None and at <= until:
            assert at >= now
            found = manager.advance(at)
            assert all(each.at == at for each in found)
            sent += found
            now = at
        now = until
        if action.after != END:
            act(manager, action, now)

    assert sent == run(Alertmanager(settings, T), actions, [])


@given(actions, versions)
def test_a_group_is_sent_twice_within_the_repeat_interval_only_if_it_changed(
    actions: list[Action], version: tuple[int, int]
) -> None:
    manager = Alertmanager(evolve(SETTINGS, version=version), T)
    kept = [action for action in actions if not action.restarts]
    last: dict[str, Notification] = {}
    for each in run(manager, kept, []):
        before = last.get(each.group_labels["alertname"])
        if before is not None and each.at - before.at <= SETTINGS.repeat_interval:
            assert hosts(before, Status.FIRING) != hosts(each, Status.FIRING) or hosts(
                each, Status.RESOLVED
            ) - hosts(before, Status.RESOLVED)
        last[each.group_labels["alertname"]] = each


@given(actions, versions)
def test_when_all_is_over_the_last_word_is_that_it_is(
    actions: list[Action], version: tuple[int, int]
) -> None:
    manager = Alertmanager(evolve(SETTINGS, version=version), T)
    kept = [each for each in actions if not each.restarts and not each.silences]
    last = {each.group_labels["alertname"]: each for each in run(manager, kept, [])}

    assert all(each.status is Status.RESOLVED for each in last.values())


@given(actions, versions)
def test_each_notification_tells_each_alert_once_and_in_time(
    actions: list[Action], version: tuple[int, int]
) -> None:
    sent = run(Alertmanager(evolve(SETTINGS, version=version), T), actions, [])

    assert [each.at for each in sent] == sorted(each.at for each in sent)
    for each in sent:
        told = [one.labels["host"] for one in each.alerts]
        assert sorted(set(told)) == told
        assert all(one.ends_at is None or one.ends_at <= each.at for one in each.alerts)


def hosts(notification: Notification, status: Status) -> set[str]:
    return {each.labels["host"] for each in notification.alerts if each.status is status}
