"""Judges whether each episode of a condition was seen by a peer, in its time or after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tests.chaos.history import Post, Spell, spells
from tests.chaos.truth import Episode, Name
from tests.chaos.verdict import ROUNDING, Trial, Verdict, sent_as, span

EVIDENCE = 15.0
"""Seconds before and after an episode from which posts are shown when it is lost."""


def judge_episodes(
    trial: Trial,
    verdict: Verdict,
    name: Name,
    episodes: Sequence[Episode],
    posts: Sequence[Sequence[Post]],
) -> None:
    earliest = 0.0  # of the episodes before this one that no peer had seen when they ended
    for episode in episodes:
        verdict.counts["episodes"] += 1
        if _was_reached(episode, posts):
            verdict.counts["episodes taken while they lasted"] += 1
            earliest = 0.0
            continue
        earliest = earliest or episode.began
        if episode.refused:
            verdict.counts["episodes refused"] += 1
            continue
        verdict.counts["episodes during an outage"] += 1
        if not episode.is_over:
            verdict.blame("firing and never sent", f"{name} since {episode.began:.3f}")
            continue
        starts = _starts_of(episode, earliest, posts)
        found = [spell for sent in posts for spell in _spells_of(episode, starts, sent)]
        if not found:
            verdict.blame("episode lost", f"{name} {span(episode)}", _around(episode, posts))
        elif max(spell.length for spell in found) < trial.min_visible - ROUNDING:
            longest = max(spell.length for spell in found)
            what = f"{name} {span(episode)}: {longest:.3f} s"
            verdict.blame("episode too short", what, _around(episode, posts))


def _was_reached(episode: Episode, posts: Sequence[Sequence[Post]]) -> bool:
    return any(
        post.taken
        and post.is_firing
        and episode.began <= post.at <= episode.ended_by
        and post.starts <= episode.began_by + ROUNDING
        for sent in posts
        for post in sent
    )


def _spells_of(episode: Episode, starts: Collection[float], sent: Iterable[Post]) -> list[Spell]:
    """Return when a peer showed this episode, alone or folded into those before it."""
    relevant = [
        post for post in sent if post.taken and (not post.is_firing or post.starts in starts)
    ]
    return [spell for spell in spells(relevant) if spell.last >= episode.began]


def _starts_of(
    episode: Episode, earliest: float, posts: Sequence[Sequence[Post]]
) -> Collection[float]:
    """Return the starts under which this episode was sent.

    It was folded into a past one if it has the start of one that no peer had seen in its time, or
    if it was sent or resolved with an earlier start: the supervisor cannot know of lost answers.
    """
    sent = [post for group in posts for post in group]
    known = {
        post.starts
        for post in sent
        if post.starts <= episode.began_by + ROUNDING
        and (
            post.starts >= earliest - ROUNDING
            or (post.is_firing and post.at >= episode.began)
            or (not post.is_firing and post.ends >= episode.ended - ROUNDING)
        )
    }
    return known or _starts_of_a_past_still_shown(episode, sent)


def _starts_of_a_past_still_shown(episode: Episode, sent: Iterable[Post]) -> Collection[float]:
    """Return the starts of what a peer showed all the while, and of which no end was sent.

    For an episode that came and went unsent: under a start of its own it would have been sent.
    """
    sent = tuple(sent)
    over = {post.starts for post in sent if not post.is_firing and post.ends < episode.began}
    return {
        post.starts
        for post in sent
        if post.taken and post.at < episode.began and post.ends >= episode.ended
    } - over


def _around(episode: Episode, posts: Sequence[Sequence[Post]]) -> Iterable[str]:
    """Yield what each peer was sent about the time of an episode."""
    for number, sent in enumerate(posts):
        for post in sent:
            if episode.began - EVIDENCE < post.at < episode.ended + EVIDENCE:
                yield f"peer {number}: {sent_as(post)}"
