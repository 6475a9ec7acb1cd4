"""What a network can be asked to show more of: each a score per image, given its parts and what the network sees.

Their arrays are arguments of a compiled step, so that other classes, units or features of the same shapes need no
other step; their paths and flags decide what is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from cnncli.models.model import Model
from cnncli.visualize.subject import Weights, activation, activations

# From a model, its weights and what it sees (batch, height, width, channel) to scores (batch,).
Objective = Callable[[Model, Weights, jax.Array], jax.Array]


@partial(jax.tree_util.register_dataclass, data_fields=["labels"], meta_fields=[])
@dataclass(frozen=True)
class ClassScore:
    """The logit of a class for each image (Simonyan et al. 2014): a probability would rise as others fall."""

    labels: jax.Array

    def __call__(self, built: Model, weights: Weights, x: jax.Array) -> jax.Array:
        """Scores (batch,)."""
        return _picked(built.logits(*weights, x), self.labels)


@partial(jax.tree_util.register_dataclass, data_fields=["units"], meta_fields=["path", "middle"])
@dataclass(frozen=True)
class UnitScore:
    """One feature of a layer for each image: a map's mean, or with `middle` the one unit in its middle."""

    path: str
    units: jax.Array
    middle: bool = False

    def __call__(self, built: Model, weights: Weights, x: jax.Array) -> jax.Array:
        """Scores (batch,)."""
        y = activation(built, weights, x, self.path)
        if y.ndim == 4:
            y = y[:, y.shape[1] // 2, y.shape[2] // 2] if self.middle else jnp.mean(y, axis=(1, 2))
        return _picked(y, self.units)


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["paths"])
@dataclass(frozen=True)
class Energy:
    """The mean square of what layers give, summed over them: more of whatever is there (Mordvintsev et al. 2015)."""

    paths: tuple[str, ...]

    def __call__(self, built: Model, weights: Weights, x: jax.Array) -> jax.Array:
        """Scores (batch,)."""
        seen = activations(built, weights, x, self.paths)
        return sum((_mean_square(seen[path]) for path in self.paths), start=jnp.zeros(len(x)))


@partial(jax.tree_util.register_dataclass, data_fields=["wanted"], meta_fields=["paths"])
@dataclass(frozen=True)
class Likeness:
    """How near images come to wanted features: minus the squared distance over the squared norm of what is wanted.

    Images come in as many equal parts as there are paths; those of the first are compared at the first, and so on, so
    that one pass serves all layers (Mahendran and Vedaldi 2015).
    """

    paths: tuple[str, ...]
    wanted: tuple[jax.Array, ...]

    def __call__(self, built: Model, weights: Weights, x: jax.Array) -> jax.Array:
        """Scores (batch,), 0 where the features are the wanted ones."""
        seen, scores = activations(built, weights, x, self.paths), []
        for place, (path, wanted) in enumerate(zip(self.paths, self.wanted, strict=True)):
            got = seen[path][place * len(wanted) : (place + 1) * len(wanted)]
            # Features that are all zero have no scale of their own.
            scale = _mean_square(wanted)
            scores.append(-_mean_square(got - wanted) / jnp.where(scale > 0, scale, 1))
        return jnp.concatenate(scores)


def _picked(values_BxF: jax.Array, places: jax.Array) -> jax.Array:
    """One value of each image."""
    return jnp.take_along_axis(values_BxF, places[:, None], axis=1)[:, 0]


def _mean_square(y: jax.Array) -> jax.Array:
    return jnp.mean(jnp.square(y), axis=tuple(range(1, y.ndim)))
