"""One Alertmanager: when it sends what."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.examples import SETTINGS, T, alert, sent
from tests.simulation.alertmanager.inhibition import InhibitRule
from tests.simulation.alertmanager.matcher import Matcher, Operator
from tests.simulation.alertmanager.notification import Reason
from tests.simulation.alertmanager.route import Receiver, Route


def running(**changes: Any) -> Alertmanager:
    return Alertmanager(evolve(SETTINGS, **changes), T)


def test_a_new_group_waits_for_more_alerts() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(4, 900, host="b")], T + 4)

    assert T + 10 == manager.next_event()
    assert [(10, Reason.FIRST, "a+ b+")] == sent(manager.advance(T + 100))


def test_an_alert_that_is_old_does_not_wait() -> None:
    manager = running()
    manager.post([alert(-11, 900)], T)

    assert [(0, Reason.FIRST, "a+")] == sent(manager.advance(T))


@pytest.mark.parametrize(("version", "at"), [((0, 25), 3), ((0, 34), 10)])
def test_from_0_30_on_an_old_alert_does_not_hurry_a_group_that_waits(
    version: tuple[int, int], at: float
) -> None:
    manager = running(version=version)
    manager.post([alert(0, 900)], T)
    manager.post([alert(-60, 900, host="b")], T + 3)

    assert [(at, Reason.FIRST, "a+ b+")] == sent(manager.advance(T + 20))


def test_a_group_tells_of_changes_at_its_interval() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(12, 900, host="b")], T + 12)
    manager.post([alert(0, 100)], T + 100)

    assert [
        (10, Reason.FIRST, "a+"),
        (70, Reason.NEW_ALERTS, "a+ b+"),
        (130, Reason.RESOLVED, "a- b+"),
    ] == sent(manager.advance(T + 600))


def test_an_alert_without_an_end_is_resolved_by_the_timeout() -> None:
    manager = running(resolve_timeout=100.0)
    manager.post([alert(0)], T)
    manager.post([alert(0)], T + 50)

    assert [(10, Reason.FIRST, "a+"), (190, Reason.RESOLVED, "a-")] == sent(
        manager.advance(T + 600)
    )


def test_what_is_resolved_before_it_was_sent_is_never_sent() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(0, 5)], T + 5)

    assert [] == manager.advance(T + 900)


def test_changed_annotations_are_shown_but_do_not_send() -> None:
    manager = running()
    manager.post([alert(0, 2000, annotations={"value": "1"})], T)
    manager.post([alert(0, 3000, annotations={"value": "2"})], T + 20)

    first, second = manager.advance(T + 700)
    assert (Reason.REPEAT, T + 670) == (second.reason, second.at)
    assert [{"value": "1"}, {"value": "2"}] == [
        each.alerts[0].annotations for each in (first, second)
    ]


def test_a_receiver_need_not_be_told_what_is_resolved() -> None:
    manager = running(send_resolved=False)
    manager.post([alert(0, 30), alert(0, 900, host="b")], T)

    assert [(10, Reason.FIRST, "a+ b+"), (670, Reason.REPEAT, "b+")] == sent(
        manager.advance(T + 1500)
    )


@pytest.mark.parametrize(("version", "at"), [((0, 25), 150), ((0, 34), 141)])
def test_a_group_that_is_empty_ticks_on_until_the_clean_up(
    version: tuple[int, int], at: float
) -> None:
    manager = running(version=version, group_interval=20.0)
    manager.post([alert(0, 900)], T)
    manager.post([alert(0, 115)], T + 115)
    manager.post([alert(131, 900)], T + 131)

    assert (at, Reason.FIRST, "a+") == sent(manager.advance(T + 200))[-1]


@pytest.mark.parametrize(("killed", "expected"), [(False, []), (True, [(1040, "a+")])])
def test_only_a_clean_stop_saves_what_was_sent_since_the_last_maintenance(
    killed: bool, expected: list[tuple[float, str]]
) -> None:
    manager = running(repeat_interval=3600.0)
    manager.post([alert(990, 3000)], T + 990)
    manager.advance(T + 1005)

    manager.restart(T + 1020, killed=killed)
    assert [] == manager.active(T + 1020)
    manager.post([alert(1030, 3000)], T + 1030)

    assert expected == [(at, text) for at, _, text in sent(manager.advance(T + 2000))]


def test_a_kill_keeps_what_the_last_maintenance_wrote() -> None:
    manager = running(repeat_interval=3600.0)
    manager.post([alert(0, 3000)], T)
    manager.advance(T + 1000)  # the maintenance was at 900

    manager.restart(T + 1000, killed=True)
    manager.post([alert(0, 3000)], T + 1001)

    assert [] == manager.advance(T + 2000)


@pytest.mark.parametrize(("quick", "repeated"), [(False, 910), (True, 610)])
def test_a_repeat_interval_of_whole_group_intervals_ends_as_the_receiver_is_quick(
    quick: bool, repeated: float
) -> None:
    manager = running(group_interval=300.0, repeat_interval=600.0, quick_receivers=quick)
    manager.post([alert(0, 5000)], T)

    assert [10, repeated] == [at for at, _, _ in sent(manager.advance(T + 1000))]


def test_silences_mute_at_the_flush_and_do_not_make_it_repeat() -> None:
    manager = running()
    manager.post([alert(0, 5000), alert(0, 5000, host="b")], T)
    silence = manager.silence(
        [Matcher("host", "a|x", Operator.REGEX)], starts_at=T + 5, ends_at=T + 5000, now=T
    )
    assert [(10, Reason.FIRST, "b+")] == sent(manager.advance(T + 60))
    assert ["active", "suppressed"] == sorted(
        each["status"]["state"] for each in manager.active(T + 60)
    )

    manager.expire_silence(silence.id, T + 65)

    assert [(70, Reason.NEW_ALERTS, "a+ b+")] == sent(manager.advance(T + 600))


def test_a_resolved_alert_that_is_muted_is_forgotten() -> None:
    manager = running()
    manager.post([alert(0, 50)], T)
    manager.advance(T + 20)
    manager.silence([Matcher("host", "a")], starts_at=T, ends_at=T + 100, now=T + 20)

    assert [] == manager.advance(T + 1000)


@pytest.mark.parametrize(
    "matchers", [[], [Matcher("host", "")], [Matcher("host", ".*", Operator.REGEX)]]
)
def test_a_silence_of_everything_is_refused(matchers: list[Matcher]) -> None:
    with pytest.raises(ValueError, match="matcher"):
        running().silence(matchers, starts_at=T, ends_at=T + 1, now=T)


def test_a_firing_source_inhibits_its_target() -> None:
    rule = InhibitRule((Matcher("alertname", "Power"),), (Matcher("alertname", "Disk"),), ("host",))
    manager = running(inhibit_rules=(rule,))
    manager.post([alert(0, 100, name="Power"), alert(0, 900), alert(0, 900, host="b")], T)

    power, disk, resolved, both = sent(manager.advance(T + 200))
    assert {(10, Reason.FIRST, "a+"), (10, Reason.FIRST, "b+")} == {power, disk}
    assert {(130, Reason.RESOLVED, "a-"), (130, Reason.NEW_ALERTS, "a+ b+")} == {resolved, both}


def test_a_route_has_its_own_receiver_groups_and_times() -> None:
    quiet = Route(Receiver("quiet"), (Matcher("host", "q"),), group_by=("...",), group_wait=1.0)
    copy = Route(Receiver("copy"), (Matcher("alertname", "Disk"),), continues=True)
    manager = running(routes=(copy, quiet))
    manager.post([alert(0, 900), alert(0, 900, host="q"), alert(0, 900, name="Load")], T)

    assert [
        ("quiet", {"alertname": "Disk", "host": "q"}),
        ("copy", {"alertname": "Disk"}),
        ("default", {"alertname": "Load"}),
    ] == [(each.receiver, each.group_labels) for each in manager.advance(T + 50)]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ([{"labels": {"a-b": "x"}}], 400, "invalid label set: invalid name"),
        ([{"labels": {"a": ""}}], 400, "at least one label pair required"),
        ([{"labels": {"a": "1"}, "annotations": {"": ""}}], 400, "invalid annotations"),
        ([alert(10, 5)], 400, "start time must be before end time"),
        ([alert(1000)], 400, "start time must be before end time"),  # it ends by the timeout
        ([{}], 422, "0.labels in body is required"),
        ([{"labels": {"a": "1"}, "generatorURL": "x y"}], 422, "must be of type uri"),
        ([{"labels": {"a": 1}}], 400, "parsing alerts body"),
        ([{"labels": {"a": "1"}, "startsAt": "soon"}], 400, "parsing time"),
        ({}, 400, "cannot unmarshal object"),
        (None, 200, ""),
        ([], 200, ""),
    ],
)
def test_a_bad_body_is_answered_as_the_real_one_does(body: Any, status: int, text: str) -> None:
    answer = running().post(body, T)

    assert status == answer.status
    assert text in answer.body


def test_the_good_alerts_of_a_refused_batch_are_kept() -> None:
    manager = running()
    assert 400 == manager.post([{"labels": {}}, alert(0, 900)], T).status
    assert 422 == manager.post([{}, alert(0, 900, host="b")], T).status

    assert [(10, Reason.FIRST, "a+")] == sent(manager.advance(T + 50))


def test_time_does_not_go_back() -> None:
    manager = running()
    manager.advance(T + 10)

    with pytest.raises(ValueError, match="is before"):
        manager.post([alert(0)], T + 9)


def test_a_flush_at_the_time_of_a_post_sees_it_if_it_has_not_run() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(9, 900, host="b")], T + 10)

    assert [(10, Reason.FIRST, "a+ b+")] == sent(manager.advance(T + 10))


def test_what_expired_while_it_was_down_counts_until_the_first_maintenance() -> None:
    manager = running()
    manager.post([alert(0, 5000)], T)
    manager.advance(T + 100)
    manager.stop(T + 100)  # the entry expires at 1210

    manager.start(T + 1300)
    manager.post([alert(0, 5000)], T + 1300)

    assert [(1300, Reason.REPEAT, "a+")] == sent(manager.advance(T + 1300))
