"""Groups of layers in one optimizer: they begin to train at different steps, and move at different rates."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from cnncli.errors import UsageError
from cnncli.models.arrays import only, over
from cnncli.models.model import Arrays
from cnncli.networks.network import Network
from cnncli.training.freezing import Freezing, covered, head, layers, pairs
from cnncli.training.optimizers import Optimizer

HEAD, REST = "head", "rest"
# What an error calls them: the command line and a recipe have different words.
NAMED = "rates of groups (--lr, lr_shares)"
EXAMPLE = "head=1, rest=0.01"


def shares(network: Network, text: str, freezing: Freezing) -> dict[str, float]:
    """The share of the rate at which each layer trains, by its path, where it is not 1.

    `text` names groups: `head`, `rest` (what no other word covers), a layer or group by its path, or a pattern. Of
    several words that cover a layer the last counts. Raises UsageError for a share that is not above 0 and at most 1,
    and for a word that covers nothing that trains.
    """
    rows = [row for row in layers(network) if row.path not in freezing.frozen]
    found: dict[str, float] = {}
    rest = 1.0
    for word, value in pairs(text, "lr_shares", EXAMPLE):
        share = _share(word, value)
        if word == REST:
            rest = share
            continue
        named = head(network) if word == HEAD else covered(layers(network), word, NAMED, HEAD)
        if not (trained := named & {row.path for row in rows if row.params}):
            raise UsageError(f"{NAMED}: '{word}' covers nothing that trains; leave it out, or freeze less")
        found |= dict.fromkeys(trained, share)
    return {row.path: share for row in rows if (share := found.get(row.path, rest)) != 1}


def _share(word: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f"lr_shares: {word}={value}; expected a share of the rate, above 0 and at most 1")
    return share


def grouped(
    optimizer: Optimizer, rate: optax.Schedule, freezing: Freezing, per_epoch: int, shares: Mapping[str, float]
) -> optax.GradientTransformationExtraArgs:
    """The optimizer for nested dicts of arrays by path, of which some begin later or move by a share of the rate.

    Each stage has an optimizer of its own, which counts from its first step, as new as its layers are to training; only
    its schedule knows the time. A stage whose layers are not among the gradients stays as it is. What never trains has
    no state.
    """
    if len(freezing.stages) == 1 and not freezing.frozen and not shares:
        return optimizer.transformation(rate)
    starts = [(stage.epoch - 1) * per_epoch for stage in freezing.stages]
    stages = [
        (stage.layers, optimizer.transformation(_later(rate, start)))
        for stage, start in zip(freezing.stages, starts, strict=True)
    ]

    def init(params: Arrays) -> tuple[Any, ...]:
        return tuple(own.init(only(params, mine)) for mine, own in stages)

    def update(slopes: Arrays, state: Any, params: Any = None, **how: Any) -> tuple[Arrays, tuple[Any, ...]]:
        updates: Arrays = {}
        after = []
        for (mine, own), before in zip(stages, state, strict=True):
            if part := only(slopes, mine):
                moved, before = own.update(part, before, only(params, mine), **how)
                updates = over(updates, moved)
            after.append(before)
        return _shared(updates, shares), tuple(after)

    return optax.GradientTransformationExtraArgs(init, update)


def _later(rate: optax.Schedule, start: int) -> optax.Schedule:
    return lambda step: rate(step + start)


def _shared(updates: Arrays, shares: Mapping[str, float]) -> Arrays:
    """Updates times the layers' shares; they are linear in the rate, wherever it stands in the optimizer's rule."""

    def scaled(keys: tuple[Any, ...], update: jax.Array) -> jax.Array:
        share = shares.get("/".join(key.key for key in keys[:-1]), 1.0)
        return update if share == 1 else jnp.asarray(share, update.dtype) * update

    moved: Arrays = jax.tree_util.tree_map_with_path(scaled, updates)
    return moved
