"""The service file, with a comment on each thing that is watched or left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supervisor.discover.draft import Draft, Item, Survey, is_active, quoted


def page(survey: Survey, schema: str, program: str = "alertmanager-supervisor") -> str:
    """Return the text of the service file.

    `schema` is where editors find its JSON Schema, `program` what the reader types.
    """
    return (
        "\n".join([*_head(survey, schema, program), *_modules(survey), *_left_out(survey)]) + "\n"
    )


def _head(survey: Survey, schema: str, program: str) -> Iterator[str]:
    yield f"#:schema {schema}"
    yield f"# What `{program} discover` found on {survey.host}."
    yield "# Nothing in it fires now. Change what you know better, then try it:"
    yield "#"
    yield f"#     {program} validate --service {survey.file}"
    yield f"#     {program} once --service {survey.file}"
    yield "#"
    yield "# Each line that is left out is a comment with its reason. What is not here at all is at"
    yield f"# the end. `{program} checks NAME` shows all parameters of a check."
    yield ""
    yield _with_note(f"service = {quoted(survey.service)}", "the label `service` of its alerts")
    yield _with_note('# timezone = "Europe/Berlin"', "default: the machine's")
    yield ""
    yield "[alertmanager]"
    if survey.alertmanagers:
        urls = ", ".join(map(quoted, survey.alertmanagers))
        yield _with_note(f"urls = [{urls}]", "it runs on this host; name each peer of its cluster")
    else:
        yield _with_note('# urls = ["http://127.0.0.1:9093"]', "none: alerts go to the log alone")
    yield ""
    yield "# [status]"
    yield _with_note('# listen = "127.0.0.1:9477"', "the status page and /metrics")


def _modules(survey: Survey) -> Iterator[str]:
    for draft in survey.modules:
        yield ""
        yield f"# {draft.about}"
        lines = [*_table(draft)]
        if draft.items and not draft.watched and not draft.also:
            yield "# Nothing of it can be watched now, so all of it is a comment."
            yield from (line if line.lstrip().startswith("#") else f"# {line}" for line in lines)
        else:
            yield from lines


def _table(draft: Draft) -> Iterator[str]:
    yield "[[modules]]"
    yield f"check = {quoted(draft.check)}"
    if draft.name:
        yield f"name = {quoted(draft.name)}"
    yield f"every = {quoted(draft.every)}"
    if draft.disabled:
        yield f"enabled = false  # {draft.disabled}"
    yield "[modules.params]"
    yield from draft.also
    if draft.key and draft.items:
        yield f"{draft.key} = ["
        yield from _items(draft.items, indent="    ", end=",")
        yield "]"
    else:
        yield from _items(draft.items)


def _items(items: Iterable[Item], indent: str = "", end: str = "") -> Iterator[str]:
    """Yield a line for each item. A reason that several in a row share is written once."""
    reason = ""
    for item in items:
        if item.left_out and item.left_out != reason:
            yield f"{indent}# left out: {item.left_out}"
        reason = item.left_out
        yield _with_note(f"{indent}{'# ' if reason else ''}{item.text}{end}", item.note)


def _left_out(survey: Survey) -> Iterator[str]:
    yield ""
    yield "# What is left out, and why:"
    for line in survey.left_out:
        yield f"# - {line}"
    yield "# - other hosts, which are never asked: write `connection`, `http` or `certificate`"
    yield '# - a daily report by mail: a module of `daily` with at = ["09:00"]'
    inactive = [draft.module for draft in survey.modules if not is_active(draft)]
    if inactive:
        yield f"# - modules of which nothing can be watched now: {', '.join(inactive)}"


def _with_note(line: str, note: str) -> str:
    return f"{line}  # {note}" if note else line
