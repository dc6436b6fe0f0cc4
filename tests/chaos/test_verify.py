"""The judge of the chaos runs can fail: each kind of loss, put into a good history, is found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from attrs import evolve

from tests.chaos.history import History, Post, Spell, read_post, spells
from tests.chaos.truth import Episode, Truth
from tests.chaos.verdict import Trial
from tests.chaos.verify import judge

URL = "http://127.0.0.1:9093"
NAME = ("m00", "a")
SAID = "m00 1 0"
BEGUN = Episode(100.0, 100.1)
OVER = Episode(100.0, 100.1, 120.0, 120.1)
LATE = Episode(200.0, 200.1, 210.0, 210.1)


def post(
    at: float,
    starts: float = 100.05,
    ends: float | None = None,
    *,
    key: tuple[str, str] = NAME,
    alertname: str = "Scripted",
    taken: bool = True,
    **more: Any,
) -> Post:
    text = f"<b>{key[1]}</b> {starts} {ends}" if alertname == "Scripted report" else ""
    made = Post(
        at=at,
        alertname=alertname,
        key=key,
        starts=starts,
        ends=at + 8.0 if ends is None else ends,
        labels=f"{alertname} {key}",
        body=text,
        taken=taken,
        message=key[1],
    )
    return evolve(made, **more)


def resolved(at: float, starts: float = 100.05, ends: float = 120.05) -> Post:
    return post(at, starts, ends)


def report(at: float, ends: float = 112.0, **more: Any) -> Post:
    return post(at, 100.0, ends, key=("m00", SAID), alertname="Scripted report", **more)


def heartbeat() -> Post:
    return post(299.0, key=("supervisor", ""), alertname="Heartbeat")


def kinds(
    posts: Iterable[Post],
    episodes: Iterable[Episode] = (),
    reports: Iterable[str] = (),
    broken: Iterable[str] = (),
) -> list[str]:
    """Return what is found in this history of one peer."""
    truth = Truth({NAME: list(episodes)}, dict.fromkeys(reports, 100.0), list(broken))
    history = History(URL, [*posts, heartbeat()])
    trial = Trial(
        truth,
        [history],
        min_visible=3.0,
        report_lifetime=12.0,
        calm_since=280.0,
        ended=300.0,
    )
    return [finding.kind for finding in judge(trial).findings]


def test_a_history_in_which_nothing_is_lost_passes() -> None:
    posts = [
        post(100.2),
        report(100.3),
        report(102.3),
        post(102.4),
        resolved(120.2),
        post(200.2, 200.05),
        resolved(210.2, 200.05, 210.05),
        post(250.2, 250.05),
        post(298.0, 250.05),
    ]
    episodes = [OVER, LATE, Episode(250.0, 250.1)]

    assert kinds(posts, episodes, [SAID]) == []


def test_a_finished_run_that_the_ledger_forgot_is_found() -> None:
    assert kinds([], broken=["m00: run 7"]) == ["finished run lost"]


def test_a_lost_report_is_found() -> None:
    assert kinds([], reports=[SAID]) == ["report lost"]
    assert kinds([report(100.2, taken=False)], reports=[SAID]) == ["report lost"]


def test_a_report_that_comes_too_late_to_be_notified_is_found() -> None:
    assert kinds([report(109.5)], reports=[SAID]) == ["report too late"]


def test_a_report_whose_body_changes_is_found() -> None:
    moved = report(102.2, 113.0)
    reworded = report(102.2, body=f"<b>{SAID}</b> other")
    other = report(102.2, message="something else")

    assert kinds([report(100.2), moved], reports=[SAID]) == ["report changed"]
    assert kinds([report(100.2), reworded], reports=[SAID]) == ["report changed"]
    assert kinds([report(100.2), other], reports=[SAID]) == ["report changed"]


def test_a_report_may_get_a_new_end_only_when_its_time_is_over() -> None:
    early = report(108.5, 120.5, delayed=True)
    in_time = report(109.1, 121.1, delayed=True)
    unmarked = report(109.1, 121.1)

    assert kinds([report(100.2), early], reports=[SAID]) == ["report changed"]
    assert kinds([report(100.2, taken=False), in_time], reports=[SAID]) == []
    assert kinds([in_time], reports=[SAID]) == []
    assert kinds([early], reports=[SAID]) == ["report changed"]
    assert kinds([report(100.2, taken=False), unmarked], reports=[SAID]) == ["report changed"]


def test_what_was_never_promised_is_found() -> None:
    stranger = post(250.2, 250.05)

    assert kinds([report(100.2)]) == ["invented"]
    assert "invented" in kinds([post(100.2), resolved(120.2), stranger], [OVER])


def test_a_resolve_before_the_end_was_on_disk_is_found() -> None:
    early = resolved(119.5, 100.05, 119.4)

    assert "invented" in kinds([post(100.2), early, resolved(120.2)], [OVER])


def test_a_stale_firing_is_found_though_the_peer_did_not_take_it() -> None:
    posts = [post(100.2), resolved(120.2)]
    again = [post(121.0), resolved(122.0)]
    refused = [post(121.0, taken=False), resolved(122.0)]

    assert kinds(posts + again, [OVER]) == ["stale firing"]
    assert kinds(posts + refused, [OVER]) == ["stale firing"]


def test_a_stale_resolve_is_found() -> None:
    posts = [post(100.2), post(200.2, 200.05), resolved(200.5), resolved(210.2, 200.05, 210.05)]

    assert "out of order" in kinds(posts, [OVER, LATE])


def test_a_missing_resolve_is_found() -> None:
    posts = [post(100.2), post(119.9)]

    assert kinds(posts, [OVER]) == ["resolve missing"]
    assert kinds([*posts, resolved(120.5)], [OVER]) == []


def test_an_episode_of_which_no_peer_ever_heard_is_found() -> None:
    assert kinds([], [OVER]) == ["episode lost"]
    assert kinds([resolved(121.0)], [OVER]) == ["episode lost"]
    assert kinds([post(119.0, taken=False), resolved(121.0)], [OVER]) == ["episode lost"]
    assert kinds([], [BEGUN]) == ["firing and never sent", "missing at the end"]


def test_an_episode_of_an_outage_must_be_shown_for_min_visible() -> None:
    assert kinds([post(130.0), resolved(132.9)], [OVER]) == ["episode too short"]
    assert kinds([post(130.0), resolved(133.0)], [OVER]) == []


def test_an_earlier_episode_that_was_shown_is_no_excuse_for_a_later_one() -> None:
    # The peer still believed in the first one when the second came and went.
    second = Episode(123.0, 123.1, 124.0, 124.1)
    posts = [post(118.0), resolved(130.0, 123.05, 124.05)]

    assert kinds(posts, [OVER, second]) == ["episode lost"]


def test_episodes_of_one_outage_may_be_shown_as_one() -> None:
    second = Episode(123.0, 123.1, 124.0, 124.1)
    posts = [post(130.0), resolved(133.5, 100.05, 133.4)]

    assert kinds(posts, [OVER, second]) == []


def test_an_episode_may_be_folded_into_one_of_which_the_answer_was_lost() -> None:
    # Killed before the cursor was saved, the supervisor does not know that a peer took the first.
    second = Episode(123.0, 123.1, 124.0, 124.1)
    posts = [post(112.0), post(127.0), post(129.0), resolved(130.5, 100.05, 130.4)]

    assert kinds(posts, [OVER, second]) == []
    assert kinds([*posts[:2], resolved(129.9, 100.05, 129.8)], [OVER, second]) == [
        "episode too short"
    ]


def test_an_episode_may_be_folded_into_one_that_is_shown_already() -> None:
    # The first was over for the supervisor, which had no answer; the second met an outage.
    second = Episode(123.0, 123.1, 124.0, 124.1)
    shown = [post(119.0), post(121.0), post(122.5)]
    posts = [*shown, resolved(125.0, 100.05, 124.05)]

    assert kinds(posts, [OVER, second]) == []
    assert "episode lost" in kinds([*shown, resolved(125.0, 100.05, 120.05)], [OVER, second])


def test_an_episode_that_came_and_went_unsent_may_be_part_of_one_shown_all_the_while() -> None:
    second = Episode(123.0, 123.1, 124.0, 124.1)
    third = Episode(140.0, 140.1, 150.0, 150.1)
    later = [post(140.2, 140.05), resolved(150.2, 140.05, 150.05)]
    ended = [post(121.0, ends=120.05, taken=False), *later]

    assert kinds([post(117.0), post(119.0), *later], [OVER, second, third]) == []
    assert kinds([post(112.0), *later], [OVER, second, third]) == ["episode lost"]
    assert kinds([post(117.0), post(119.0), *ended], [OVER, second, third]) == ["episode lost"]


def test_what_a_peer_shows_at_the_end_must_be_what_is_true() -> None:
    assert kinds([post(100.2), post(150.0)], [BEGUN]) == ["missing at the end"]
    assert kinds([post(100.2), post(299.0)], [OVER]) == ["resolve missing", "left active"]


def test_own_alerts_without_a_cause_are_found() -> None:
    corrupt = post(101.0, key=("supervisor", ""), alertname="LedgerCorrupt", ends=101.0)

    assert kinds([corrupt]) == ["own alert"]


def test_a_spell_ends_with_a_resolve_or_when_nothing_is_sent_any_more() -> None:
    posts = [post(1.0, ends=9.0), post(5.0, ends=13.0), post(20.0, ends=28.0)]

    assert spells([*posts, resolved(22.0, ends=21.0)]) == [Spell(1.0, 13.0), Spell(20.0, 22.0)]
    assert spells(posts[:1]) == [Spell(1.0, 9.0)]


def test_a_post_is_read_as_it_is_on_the_wire() -> None:
    alert = {
        "labels": {"alertname": "Scripted", "check": "m00", "instance": "a"},
        "annotations": {"message": "x"},
        "startsAt": "1970-01-01T00:01:40.050Z",
        "endsAt": "1970-01-01T00:01:50.000Z",
    }

    found = read_post(alert, json.dumps(alert), 101.0, taken=True)

    assert (("m00", "a"), 100.05, 110.0, True) == (
        found.key,
        found.starts,
        found.ends,
        found.is_firing,
    )
