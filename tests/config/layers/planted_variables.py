"""Faults in the variables of a family, each with what must be said of it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.config.layers.planting import (
    EXTENDS,
    FAMILY_FILE,
    HOST_FILE,
    SITE,
    WRONG_DECLARATIONS,
    WRONG_VALUES,
    Planted,
    family,
    host,
    more,
    variable,
)
from tests.support.layered_files import HOST


def wrong_values() -> Iterator[Planted]:
    for kind, values in WRONG_VALUES.items():
        declared = variable(f'x = {{ type = "{kind}" }}')
        for number, value in enumerate(values):
            files = {**declared, HOST_FILE: f"{HOST}x = {value} # HERE\n"}
            yield Planted(f"{kind}: wrong value {number}", files, "vars.x")
        default = variable(f'x = {{ type = "{kind}", default = {values[0]} }} # HERE')
        yield Planted(f"{kind}: wrong default", default, "vars.x.default")
        files = {
            **variable(f'x = {{ type = "{kind}" }} # FIRST'),
            **host("[vars]", "[vars] # HERE"),
        }
        said = "vars.x: is missing: it has no default in"
        yield Planted(f"{kind}: missing", files, said)


def wrong_variables() -> Iterator[Planted]:
    for text, said in WRONG_DECLARATIONS.items():
        yield Planted(f"declared as {text}", variable(f"x = {text} # HERE"), said)
    yield Planted("vars is a list", more("vars = [1] # HERE"), "vars: is a list, not a table")
    yield Planted(
        "a value with a slip in its name",
        host(SITE, f'{SITE}\nsiet = "a" # HERE'),
        "vars.siet: is not declared, so it has no type; did you mean 'site'?",
    )
    yield Planted(
        "a variable that no file declares",
        more('[labels]\nteam = { var = "taem" } # HERE'),
        "labels.team: names the variable 'taem', which is not declared; declared are",
    )
    label = '[labels]\nteam = { var = "team" } # HERE'
    yield Planted(
        "a variable where there is none",
        {HOST_FILE: f'service = "X"\n{EXTENDS}\n{label}', FAMILY_FILE: ""},
        "labels.team: names the variable 'team', which is not declared; declare it under [vars]",
    )
    twice = "is given twice, first in"
    first, second = 'x = { type = "text", default = "" } # FIRST', 'x = { type = "text" } # HERE'
    declared = {**variable(first), **more(f"[vars]\n{second}")}
    yield Planted("declared twice", declared, f"vars.x: {twice}")
    given = {**host(SITE, f"{SITE} # FIRST"), **more('[vars]\nsite = "prod2" # HERE')}
    yield Planted("a value twice", given, f"vars.site: {twice}")
    yield Planted(
        "missing in a host without variables",
        {
            HOST_FILE: f'service = "X" # HERE\n{EXTENDS}',
            FAMILY_FILE: '[vars]\nx = { type = "text" }',
        },
        "vars.x: is missing: it has no default in families/KorPnr.toml:2; write under [vars]",
    )
    yield Planted(
        "a value that does not fit its key",
        {
            **family('{ var = "max_sessions" }', '{ var = "site" } # HERE'),
            **host(SITE, f"{SITE} # FIRST"),
        },
        "module 'session': max_total: is text, not an integer (the variable is given in",
    )
