"""Compares what the peers were sent with what was promised; anything lost is a finding.

It is as strict as docs/reference/promises.md: it may accept too little, and never too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.chaos.history import SCRIPTED, SCRIPTED_REPORT, History, Post
from tests.chaos.seen import judge_episodes
from tests.chaos.truth import Episode, Name
from tests.chaos.verdict import ROUNDING, Trial, Verdict, sent_as, span

SENT_RESOLVED_FOR = 900.0

NEVER = {
    "LedgerCorrupt",
    "LedgerOverflow",
    "LedgerUnwritable",
    "PeerClockSkew",
    "ReloadFailed",
}
"""Own alerts for which there is no cause in these runs."""

AT_THE_END = {"Heartbeat"}


def judge(trial: Trial) -> Verdict:
    """Return everything that was lost, invented or out of order."""
    verdict = Verdict()
    for text in trial.truth.broken:
        verdict.blame("finished run lost", text)
    conditions = [history.of(SCRIPTED) for history in trial.histories]
    for name, episodes in trial.truth.episodes.items():
        posts = [of.get(name, []) for of in conditions]
        if name[0] not in trial.hopeless:
            judge_episodes(trial, verdict, name, episodes, posts)
    for history, of in zip(trial.histories, conditions, strict=True):
        for name, sent in of.items():
            _judge_condition(trial, verdict, history, name, sent)
        _judge_own(verdict, history)
        _judge_end(trial, verdict, history)
    _judge_reports(trial, verdict)
    return verdict


# -- what was sent must be true, and in order --------------------------------------------------


def _judge_condition(
    trial: Trial, verdict: Verdict, history: History, name: Name, sent: Sequence[Post]
) -> None:
    episodes = trial.truth.episodes.get(name, [])
    over = begun = 0.0
    if len({post.labels for post in sent}) > 1:
        verdict.blame("other labels", f"{history.url} {name}")
    for post in sent:
        where = f"{history.url} {name} {sent_as(post)}"
        if not _is_true(post, episodes):
            verdict.blame("invented", where)
        if post.is_firing and post.starts < over - ROUNDING:
            verdict.blame("stale firing", f"{where}, resolved at {over:.3f}")
        if post.starts < begun - ROUNDING:
            verdict.blame("out of order", f"{where}, after {begun:.3f}")
        begun = max(begun, post.starts)
        if not post.is_firing:
            over = max(over, post.ends)
    verdict.counts["condition posts"] += len(sent)
    _judge_last_word(trial, verdict, history, name, sent)


def _is_true(post: Post, episodes: Iterable[Episode]) -> bool:
    """Return whether the alert's start is that of an episode that was on disk by then."""
    return any(
        episode.began - ROUNDING <= post.starts <= episode.began_by + ROUNDING
        and (post.is_firing or episode.ended <= post.at + ROUNDING)
        for episode in episodes
    )


def _judge_last_word(
    trial: Trial, verdict: Verdict, history: History, name: Name, sent: Sequence[Post]
) -> None:
    """What ended lately must have been told to every peer, since all were fine at the end."""
    episodes = trial.truth.episodes.get(name, [])
    if not episodes or name[0] in trial.refused | trial.hopeless or not sent:
        return
    last = episodes[-1]
    if last.is_over and last.ended > trial.calm_since - SENT_RESOLVED_FOR + 60.0:
        verdict.counts["resolves"] += 1
        if sent[-1].is_firing:
            verdict.blame("resolve missing", f"{history.url} {name} {span(last)}")


def _judge_own(verdict: Verdict, history: History) -> None:
    for post in history.posts:
        if post.alertname in NEVER or post.alertname.startswith(("Failed to", "Too many")):
            verdict.blame("own alert", f"{post.alertname}: {post.message}")


def _judge_end(trial: Trial, verdict: Verdict, history: History) -> None:
    """At the end every peer shows what is true, and nothing else."""
    active = history.active(trial.ended)
    shown = {key for alertname, key in active if alertname == SCRIPTED}
    firing = {
        name
        for name, episodes in trial.truth.episodes.items()
        if episodes and not episodes[-1].is_over and name[0] not in trial.hopeless
    }
    verdict.counts["active at the end"] += len(firing)
    for name in sorted(firing - shown):
        verdict.blame("missing at the end", f"{history.url} {name}")
    for name in sorted(shown - firing):
        verdict.blame("left active", f"{history.url} {name}")
    own = {(alertname, key[1]) for alertname, key in active if key[0] == "supervisor"}
    wanted = {(name, "") for name in AT_THE_END}
    wanted |= {("AlertRejected", module) for module in trial.hopeless}
    # What was quarantined and has ended is kept, and announced, for as long as resolved alerts are.
    own -= {("AlertRejected", module) for module in trial.refused}
    for alertname, instance in sorted(own ^ wanted):
        kind = "own alert left" if (alertname, instance) in own else "own alert missing"
        verdict.blame(kind, f"{history.url} {alertname} {instance}")


# -- reports -----------------------------------------------------------------------------------


def _judge_reports(trial: Trial, verdict: Verdict) -> None:
    sent: dict[str, list[Post]] = {}
    for history in trial.histories:
        for (_, token), posts in history.of(SCRIPTED_REPORT).items():
            sent.setdefault(token, []).extend(posts)
    for token in sorted(sent.keys() - trial.truth.reports.keys()):
        verdict.blame("invented", f"report {token}")
    for token in trial.truth.reports:
        posts = sorted(sent.get(token, []), key=lambda post: post.at)
        verdict.counts["reports"] += 1
        taken = [post for post in posts if post.taken]
        if not taken:
            verdict.blame("report lost", token, map(sent_as, posts))
        elif not any(_is_in_time(post, trial.min_visible) for post in taken):
            verdict.blame("report too late", token, map(sent_as, posts))
        _judge_bodies(trial, verdict, token, posts)


def _is_in_time(post: Post, min_visible: float) -> bool:
    return post.at <= post.ends - min_visible + ROUNDING


def _judge_bodies(trial: Trial, verdict: Verdict, token: str, posts: Sequence[Post]) -> None:
    """A report has one body for all peers; only one that came too late may get a new end."""
    firsts: dict[str, Post] = {}
    for post in posts:
        firsts.setdefault(post.body, post)
        if post.key[1] != post.message or f"<b>{token}</b>" not in post.body:
            verdict.blame("report changed", f"{token}: {post.body}")
    bodies = sorted(firsts.values(), key=lambda post: post.ends)
    verdict.counts["reports with a new end"] += any(post.delayed for post in bodies)
    if len({post.ends for post in bodies}) < len(bodies):
        verdict.blame("report changed", f"{token}: {len(bodies)} bodies", (x.body for x in bodies))
    # No peer need ever have been sent the first body: an outage may be longer than its life.
    ends = posts[0].starts + trial.report_lifetime if posts else 0.0
    for post in bodies:
        made = post.ends - trial.report_lifetime
        is_first = abs(made - post.starts) < ROUNDING
        too_early = not is_first and made < ends - trial.min_visible - ROUNDING
        if post.delayed == is_first or post.starts != bodies[0].starts or too_early:
            verdict.blame("report changed", f"{token}: {post.body}", map(sent_as, posts))
        ends = max(ends, post.ends)
