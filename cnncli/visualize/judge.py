"""What a trained network says of images whose pixels need not be whole numbers, and which way it changes its mind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded, Split
from cnncli.data.inputs import Scale, prepare
from cnncli.visualize.subject import Subject, Weights

# Images at a time, and values of them: 20 of 224x224 pixels, since layers keep many times as many for slopes.
BATCH, MOST_VALUES = 125, 3_000_000

# From logits (batch, class) and the class of each image that is spoken of to the score (batch,) that is to rise.
Objective = Callable[[jax.Array, jax.Array], jax.Array]
Slope = Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


@dataclass(frozen=True)
class Judge:
    """A trained network's eyes for pixels (batch, height, width, channel) of 0 to 255 as floats; compiled once each."""

    subject: Subject

    def batch(self, count: int) -> int:
        """How many of so many images at a time."""
        return max(1, min(count, BATCH, MOST_VALUES // prod(self.subject.network.input)))

    def fit(self, images: NDArray[np.uint8]) -> jax.Array:
        """Images of any size as pixels at the network's."""
        return self.subject.trained.fit(jnp.asarray(images, jnp.float32))

    @cached_property
    def _logits(self) -> Callable[..., Any]:
        trained = self.subject.trained

        # As evaluation does it, in the run's own precision: its accuracy is evaluation's, exactly.
        def logits(weights: Weights, scale: Scale, pixels: jax.Array) -> jax.Array:
            return trained.model.logits(*weights, prepare(pixels, scale, trained.fit))

        return self.subject.jit(logits)

    def logits(self, pixels_BxHxWxC: jax.Array) -> jax.Array:
        """Logits (batch, class)."""
        found: jax.Array = self._logits(self.subject.weights, self.subject.trained.scale, pixels_BxHxWxC)
        return found

    def probabilities(self, pixels_BxHxWxC: jax.Array) -> NDArray[np.float32]:
        """The softmax of the logits (batch, class)."""
        return np.asarray(jax.nn.softmax(self.logits(pixels_BxHxWxC)))

    def slope(self, objective: Objective) -> Slope:
        """From pixels and a class each to the slope of an objective in the pixels, and to the predicted classes."""
        if objective not in self._slopes:
            self._slopes[objective] = self._compiled(objective)
        return self._slopes[objective]

    @cached_property
    def _slopes(self) -> dict[Objective, Slope]:
        return {}

    def _compiled(self, objective: Objective) -> Slope:
        built, fit = self.subject.model, self.subject.trained.fit

        def score(x: jax.Array, weights: Weights, scale: Scale, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
            logits = built.logits(*weights, prepare(x, scale, fit))
            return jnp.sum(objective(logits, labels)), jnp.argmax(logits, axis=-1)

        call = self.subject.jit(jax.grad(score, has_aux=True))
        return lambda x, labels: call(x, self.subject.weights, self.subject.trained.scale, labels)


def batches(count: int, size: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """The places of `count` images, `size` at a time, and how many are new: the last ones repeat the last image."""
    for start in range(0, count, size):
        yield np.minimum(np.arange(start, start + size), count - 1), min(size, count - start)


def sampled(data: Loaded, count: int, seed: int, without: int | None = None) -> Split:
    """`count` images of a split by chance, in its order, all where there are no more; then none of a class."""
    labels = data.split.labels
    places = np.sort(np.random.default_rng(seed).permutation(len(labels))[:count])
    places = places[labels[places] != without] if without is not None else places
    return Split(data.split.images[places], labels[places])
