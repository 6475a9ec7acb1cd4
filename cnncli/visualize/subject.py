"""A trained network to look into: what it sees of an image, what its layers make of that, and back to pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.facts import Facts
from cnncli.data.inputs import prepare
from cnncli.errors import UsageError
from cnncli.evaluation.trained import Trained
from cnncli.models.model import Arrays, Model, model
from cnncli.networks.layers import Activation
from cnncli.networks.network import Network, walk
from cnncli.sizing.size import size
from cnncli.visualize.layers import chosen

# Parameters and BatchNorm statistics: functions take them as an argument, since XLA would compile constants in.
Weights = tuple[Arrays, Arrays]
# From weights and what the network sees (batch, height, width, channel) to arrays, each with the batch first.
Each = Callable[[Weights, jax.Array], Any]

# Images at a time where a whole split is looked at, fewer where the largest activation has more values (1 GiB).
BATCH, MOST_VALUES = 250, 2**28


@dataclass(frozen=True)
class Subject:
    """A trained network, the facts about its data, and XLA's options for this process."""

    trained: Trained
    facts: Facts
    options: dict[str, str]

    @property
    def network(self) -> Network:
        """Its layers as values."""
        return self.trained.model.network

    @property
    def weights(self) -> Weights:
        """Parameters and statistics, as functions take them."""
        return self.trained.params, self.trained.stats

    @cached_property
    def model(self) -> Model:
        """The model in float32, whose gradients are derivatives, max-pooling's by its switches."""
        return self.by("gradient")

    def by(self, rule: str) -> Model:
        """The model in float32, with a backward rule of `models.rules`.

        Raises UsageError for `deconv` and `guided`, which speak of ReLUs, where a network has other activations.
        """
        if rule != "gradient" and (kind := not_relu(self.network)):
            raise UsageError(
                f"the rule '{rule}' is about ReLUs and {self.network.name} has {kind}; expected --rule gradient, or a "
                "network of ReLUs such as lenet5-modern"
            )
        return model(self.network, jnp.float32, rule)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function compiled as training compiles its own."""
        compiled: Callable[..., Any] = jax.jit(function, compiler_options=self.options)
        return compiled

    def seen(self, images: NDArray[np.uint8]) -> jax.Array:
        """What the network sees of images (batch, height, width, channel) uint8 of any size."""
        return prepare(jnp.asarray(images, jnp.float32), self.trained.scale, self.trained.fit)

    @property
    def bounds(self) -> tuple[jax.Array, jax.Array]:
        """What the network sees of pixels of 0 and of 255, each (1, height, width, channel)."""
        shape = (1, *self.network.input)
        low, high = (np.full(shape, value, np.uint8) for value in (0, 255))
        return self.seen(low), self.seen(high)

    def values(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Back to pixels from what the network sees: floats, of 0 to 255 where they are an image's."""
        low, high = self.bounds
        return (x_BxHxWxC - low) / (high - low) * 255

    def pixels(self, x_BxHxWxC: jax.Array) -> NDArray[np.uint8]:
        """Back to pixels, those out of range cut off."""
        return np.asarray(jnp.clip(jnp.round(self.values(x_BxHxWxC)), 0, 255), np.uint8)

    def over(self, images: NDArray[np.uint8], each: Each, batch: int = BATCH) -> Any:
        """What `each` gives for all images, on the host; it is compiled once.

        At most `batch` are looked at together, fewer where a network's activations are large.
        """
        call, count, parts = self.jit(each), len(images), []
        together = min(batch, count, self.together)
        for start in range(0, count, together):
            # The last batch repeats the last image; its surplus is cut off below.
            places = np.minimum(np.arange(start, start + together), count - 1)
            parts.append(jax.device_get(call(self.weights, self.seen(images[places]))))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)

    @property
    def together(self) -> int:
        """How many images can be looked at together."""
        largest = max(prod(row.output) for row in size(self.network).rows)
        return max(1, MOST_VALUES // max(largest, prod(self.network.input)))

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits (count, class) of images."""
        found: NDArray[np.float32] = self.over(images, lambda weights, x: self.model.logits(*weights, x))
        return found

    def label(self, word: str, option: str = "--class") -> int:
        """The class of a name or a number. Raises UsageError for one that does not exist."""
        classes = self.facts.classes
        if word in classes:
            return classes.index(word)
        return chosen(word, [str(label) for label in range(len(classes))], classes, option)


def activation(built: Model, weights: Weights, x: jax.Array, path: str) -> jax.Array:
    """What the layer at a path gives for what the network sees, `x`; that itself at `input`."""
    return x if path == "input" else activations(built, weights, x, [path])[path]


def activations(built: Model, weights: Weights, x: jax.Array, paths: Sequence[str]) -> dict[str, jax.Array]:
    """What the layers at several paths give."""
    seen: dict[str, jax.Array] = {}

    def tap(here: str, y: jax.Array) -> jax.Array:
        if here in paths:
            seen[here] = y
        return y

    built.logits(*weights, x, tap)
    return seen


def nudged(built: Model, weights: Weights, x: jax.Array, path: str, by: jax.Array) -> jax.Array:
    """Logits where `by` is added to what the layer at a path gives, or to `input`: for slopes in respect of that."""
    if path == "input":
        return built.logits(*weights, x + by)
    return built.logits(*weights, x, lambda here, y: y + by if here == path else y)


def not_relu(network: Network) -> str:
    """An activation that is no ReLU, if there is one."""
    kinds = [layer.kind for layer in walk(network.layers) if isinstance(layer, Activation)]
    return next((kind for kind in kinds if kind != "relu"), "" if kinds else "none")
