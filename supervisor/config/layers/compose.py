"""Makes one document of a service file and of all files that belong to it."""

from __future__ import annotations

from attrs import evolve

from supervisor.config.files import Source
from supervisor.config.layers.effective import EXTENDS, VARS, Effective
from supervisor.config.layers.merge import merged
from supervisor.config.layers.reading import read_others
from supervisor.config.layers.shape import service_shape
from supervisor.config.layers.tree import Table, plain, references, tree
from supervisor.config.layers.variables import Variables
from supervisor.config.problems import ParamsOf
from supervisor.errors import ConfigError, Problem


def compose(source: Source, params_of: ParamsOf) -> Effective:
    """Return what a service file says with all other files. Raises `ConfigError`."""
    families, fragments = read_others(source)
    sources = (*families, source, *fragments)
    try:
        trees = [tree(each) for each in sources]
        variables = Variables.of(source, trees)
        filled = [variables.filled(_without_own_keys(each)) for each in trees]
        whole, faults = merged(filled, service_shape(params_of))
        return Effective(
            path=source.path,
            table=plain(whole),
            sources=sources,
            tree=whole,
            faults=(*variables.faults, *faults),
            unknown=tuple(references(whole)),
        )
    except RecursionError:
        wrong = "is nested too deeply, or a file that it extends is"
        raise ConfigError([Problem(str(source.path), "", wrong, "write it flatter")]) from None


def _without_own_keys(document: Table) -> Table:
    """Return a document without the keys that say what to merge."""
    kept = {key: node for key, node in document.keys.items() if key not in (EXTENDS, VARS)}
    return evolve(document, keys=kept)
