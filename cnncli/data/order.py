"""Which examples come when: functions of seed and epoch, never state, so that resuming is exact by construction."""

import numpy as np
from numpy.typing import NDArray

from cnncli.errors import UsageError

Indices = NDArray[np.int64]


def shuffled(count: int, seed: int, epoch: int) -> Indices:
    """The order of `count` examples in an epoch, counted from 0."""
    # Philox takes its key as it is, so every (seed, epoch) has a stream of its own.
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


def hold_out(labels: NDArray[np.int32], share: float, seed: int) -> tuple[Indices, Indices]:
    """Split a training set into the indices to train on and the ones to validate on, stratified by class.

    `share` of each class, rounded, is held out; 0 holds out nothing. Both come in ascending order. Raises UsageError
    when a class would be left without an example on either side.
    """
    if share == 0:
        return np.arange(len(labels)), np.arange(0)
    random = np.random.Generator(np.random.Philox(key=[seed, 2**32]))
    held = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = round(share * len(members))
        if not 0 < count < len(members):
            raise UsageError(
                f"validation = {share:g} of the {len(members)} training images of class {label} is {count}; expected "
                "at least one to train on and one to validate on: choose another share, or 0 for no validation"
            )
        held.append(random.permutation(members)[:count])
    validation = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), validation), validation
