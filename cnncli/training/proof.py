"""The proof that what is frozen stays as it was: one digest of all its values."""

import hashlib

from cnncli.errors import Bug
from cnncli.models.arrays import flat, only
from cnncli.models.model import Arrays
from cnncli.runs.digests import digest
from cnncli.training.events import Frozen
from cnncli.training.step import State


def proof(state: State, layers: frozenset[str]) -> Frozen:
    """What layers hold: parameters and statistics. Raises Bug where the average of what never changes differs."""
    found = _of(state.params, state.stats, layers)
    if state.average and _of(state.average, state.evaluated_stats, layers) != found:
        raise Bug("the average of frozen parameters is not what they are")
    return found


def _of(params: Arrays, stats: Arrays, layers: frozenset[str]) -> Frozen:
    values, names, sha = 0, set(), hashlib.sha256()
    arrays = [*flat(only(params, layers)), *flat(only(stats, layers))]
    for path, name, array in sorted(arrays, key=lambda one: one[:2]):
        sha.update(f"{path}/{name} {digest(array)}\n".encode())
        values += array.size
        names.add(path)
    return Frozen(len(names), values, sha.hexdigest())
