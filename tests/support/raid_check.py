"""The check `raid`, run by the tests."""

from __future__ import annotations

import json

import trio

from checks.raid import Params, run
from supervisor.api import Condition, Context, Measurement, Observation
from tests.support.check_context import context

ANY = Params()
"""All arrays of the host."""


def observe(given: Context | None = None, params: Params = ANY) -> list[Observation]:
    """Run the check. The state of `given` is kept as the ledger keeps it."""
    given = given or context()
    observed = [*trio.run(run, given, params)]
    given.state.update(json.loads(json.dumps(given.state)))
    return observed


def conditions(given: Context | None = None, params: Params = ANY) -> list[Condition]:
    return [each for each in observe(given, params) if isinstance(each, Condition)]


def measured(observed: list[Observation]) -> dict[str, float]:
    return {each.name: each.value for each in observed if isinstance(each, Measurement)}
