"""Attributions: how much each place of an image counts for a network's score of a class, by the literature's methods.

The score is the logit. Each method is a function of an explainer, weights, what the network sees (batch, height, width,
channel) and a class each (batch,); it gives (batch, height, width, channel), of one channel where a place counts as a
whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.errors import UsageError
from cnncli.networks.network import Network
from cnncli.sizing.size import show, size
from cnncli.visualize.layers import last_maps, row_of
from cnncli.visualize.subject import Subject, Weights, activation, not_relu

Maps = NDArray[np.float32]
# From weights, what the network sees and classes to arrays, the batch first.
Compiled = Callable[[Weights, jax.Array, jax.Array], jax.Array]

# Images at a time, fewer where all of a network's activations, which gradients need, have more values (512 MiB).
BATCH, MOST_VALUES = 64, 2**27

# Pixels of what stands for nothing; the patch that hides a place is grey.
PIXELS = {"black": 0.0, "grey": 127.5, "white": 255.0}


@dataclass(frozen=True)
class How:
    """What the methods are told.

    `layer` is whose maps Grad-CAM weighs; SmoothGrad takes `samples` with `noise`, as a share of the pixels' range;
    integrated gradients go from the `baseline`, a pixel of 0 to 255, in `steps`; occlusion moves a patch of `window`
    pixels by `stride`.
    """

    layer: str = ""
    samples: int = 50
    noise: float = 0.15
    baseline: float = PIXELS["black"]
    steps: int = 64
    window: int = 8
    stride: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Explainer:
    """A network and how it is asked; what the methods compute is compiled once, for all weights."""

    subject: Subject
    how: How

    @property
    def batch(self) -> int:
        """How many images at a time."""
        values = sum(prod(row.output) for row in size(self.subject.network).rows)
        return max(1, min(BATCH, MOST_VALUES // values))

    def level(self, pixel: float) -> jax.Array:
        """What the network sees of an image (1, height, width, channel) that is this pixel everywhere."""
        low, high = self.subject.bounds
        return low + (high - low) * (pixel / 255)

    @cached_property
    def logits(self) -> Callable[[Weights, jax.Array], jax.Array]:
        """From weights and images to logits (batch, class)."""
        built = self.subject.model

        def logits(weights: Weights, x: jax.Array) -> jax.Array:
            return built.logits(*weights, x)

        return self.subject.jit(logits)

    @cached_property
    def slope(self) -> Callable[[str], Compiled]:
        """By the name of a backward rule: what goes back from the scores to the images.

        Raises UsageError where the rule is not defined.
        """

        @cache
        def by(rule: str) -> Compiled:
            built = self.subject.by(rule)

            def score(x: jax.Array, weights: Weights, labels: jax.Array) -> jax.Array:
                return jnp.sum(_of_class(built.logits(*weights, x), labels))

            return self.subject.jit(lambda weights, x, labels: jax.grad(score)(x, weights, labels))

        return by

    @cached_property
    def weighed(self) -> Compiled:
        """The layer's maps, each weighed by its mean slope, and their sum where it is positive."""
        built, path = self.subject.model, self.how.layer

        def weighed(weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
            def score(maps: jax.Array) -> jax.Array:
                logits = built.logits(*weights, x, lambda here, y: maps if here == path else y)
                return jnp.sum(_of_class(logits, labels))

            maps = activation(built, weights, x, path)
            importance = jnp.mean(jax.grad(score)(maps), axis=(1, 2), keepdims=True)
            return jnp.maximum(jnp.sum(importance * maps, axis=-1, keepdims=True), 0)

        return self.subject.jit(weighed)


def gradient(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """The score's gradient (Simonyan et al. 2014)."""
    return explainer.slope("gradient")(weights, x, labels)


def guided(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Guided backpropagation (Springenberg et al. 2015)."""
    return explainer.slope("guided")(weights, x, labels)


def deconv(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """The DeconvNet's projection of the score (Zeiler and Fergus 2014)."""
    return explainer.slope("deconv")(weights, x, labels)


def smoothgrad(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean gradient of noisy copies (Smilkov et al. 2017); all images have the same noise."""
    how, slope = explainer.how, explainer.slope("gradient")
    spread = how.noise * (explainer.level(255) - explainer.level(0))
    draw, total = np.random.default_rng(how.seed), jnp.zeros_like(x)
    # A loop here and not in XLA, whose convolutions are three times slower inside loops on CPU.
    for _ in range(how.samples):
        total += slope(weights, x + spread * draw.standard_normal((1, *x.shape[1:]), np.float32), labels)
    return total / how.samples


def integrated(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Integrated gradients (Sundararajan et al. 2017), by the midpoint rule along the line from the baseline."""
    how, slope = explainer.how, explainer.slope("gradient")
    start, total = explainer.level(how.baseline), jnp.zeros_like(x)
    for step in range(how.steps):
        total += slope(weights, start + (x - start) * ((step + 0.5) / how.steps), labels)
    return (x - start) * total / how.steps


def grad_cam(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Grad-CAM (Selvaraju et al. 2017), enlarged bilinearly to the image."""
    found = explainer.weighed(weights, x, labels)
    enlarged: jax.Array = jax.image.resize(found, (*x.shape[:3], 1), "bilinear")
    return enlarged


def occlusion(explainer: Explainer, weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """How far the class's probability drops under a grey patch (Zeiler and Fergus 2014).

    A place has the mean of all patches that hide it.
    """

    def probability(x: jax.Array) -> Maps:
        return np.asarray(_of_class(jax.nn.softmax(explainer.logits(weights, x)), labels))

    whole, patch = probability(x), explainer.level(PIXELS["grey"])
    total, times = np.zeros((*x.shape[:3], 1), np.float32), np.zeros((1, *x.shape[1:3], 1), np.float32)
    for place in _patches(x.shape[1:3], explainer.how):
        hidden = np.zeros(times.shape, bool)
        hidden[:, *place] = True
        total[:, *place] += (whole - probability(jnp.where(hidden, patch, x)))[:, None, None, None]
        times += hidden
    return jnp.asarray(total / times)


def _patches(sides: tuple[int, ...], how: How) -> Iterator[tuple[slice, ...]]:
    """Where the patch lies, the last ones at the far edges so that every place is hidden."""
    starts = []
    for side in sides:
        last = max(0, side - how.window)
        starts.append(sorted({*range(0, last, how.stride), last}))
    for corner in product(*starts):
        yield tuple(slice(start, start + how.window) for start in corner)


def _of_class(values: jax.Array, labels: jax.Array) -> jax.Array:
    """Of values (batch, class) those of a class each (batch,)."""
    return jnp.take_along_axis(values, labels[:, None], axis=1)[:, 0]


METHODS: dict[str, Callable[[Explainer, Weights, jax.Array, jax.Array], jax.Array]] = {
    "gradient": gradient,
    "guided": guided,
    "deconv": deconv,
    "smoothgrad": smoothgrad,
    "integrated": integrated,
    "grad-cam": grad_cam,
    "occlusion": occlusion,
}

# What sentences call them.
TITLES = {
    "gradient": "gradient",
    "guided": "guided backprop",
    "deconv": "DeconvNet",
    "smoothgrad": "SmoothGrad",
    "integrated": "integrated gradients",
    "grad-cam": "Grad-CAM",
    "occlusion": "occlusion",
}


def lacking(network: Network, method: str) -> str:
    """Why a method does not make sense for a network; nothing where it does."""
    if method in ("guided", "deconv") and (kind := not_relu(network)):
        return f"about ReLUs, and {network.name} has {'no activations' if kind == 'none' else kind}"
    if method == "grad-cam":
        try:
            last_maps(network)
        except UsageError:
            return f"about feature maps, and {network.name} has none"
    return ""


def patch(input: tuple[int, int, int], window: int | None, stride: int | None) -> tuple[int, int]:
    """How large occlusion's patch is and how far it moves: by default a quarter of the image, and a quarter of that.

    Raises UsageError for a patch that is larger than the image, or skips a part of it.
    """
    side = min(input[:2])
    # A whole number of strides to the patch: each place is hidden equally often, but at the edges.
    window = window or 4 * round(side / 16) or max(1, side // 4)
    stride = stride or max(1, window // 4)
    if window > side:
        raise UsageError(f"--window is {window}; expected at most {side}, as the network sees {show(input)}")
    if stride > window:
        raise UsageError(f"--stride is {stride}; expected at most the patch's {window}, so that no place is left out")
    return window, stride


def weighable(network: Network, path: str | None) -> str:
    """The layer whose maps Grad-CAM weighs: the last that has maps, or the one asked for; none where there are no maps.

    Raises UsageError for a layer that does not exist or has no maps.
    """
    if path is None:
        return "" if lacking(network, "grad-cam") else last_maps(network).path
    row = row_of(network, path)
    if len(row.output) != 3:
        raise UsageError(
            f"--layer {path} gives {show(row.output)} values, and Grad-CAM weighs maps; expected a layer of maps"
            + ("" if lacking(network, "grad-cam") else f", such as {last_maps(network).path}")
        )
    return path


@dataclass(frozen=True)
class Completeness:
    """What integrated gradients sum up to and what they should: the differences of scores, both (batch,)."""

    sums: NDArray[np.float32]
    differences: NDArray[np.float32]

    @property
    def error(self) -> float:
        """How far a sum is off at most."""
        return float(np.abs(self.sums - self.differences).max())

    @property
    def size(self) -> float:
        """How large a difference is on average."""
        return float(np.abs(self.differences).mean())


def completeness(
    explainer: Explainer, weights: Weights, x: jax.Array, labels: NDArray[np.int64], maps: Maps
) -> Completeness:
    """Compare maps of integrated gradients with the scores of the images and of the baseline."""
    start = explainer.level(explainer.how.baseline)

    def difference(x: jax.Array, labels: jax.Array) -> jax.Array:
        scores, nothing = (explainer.logits(weights, each) for each in (x, jnp.broadcast_to(start, x.shape)))
        return _of_class(scores - nothing, labels)

    return Completeness(maps.sum(axis=(1, 2, 3)), batched(explainer, difference, x, labels))


def attributions(
    explainer: Explainer, methods: Sequence[str], weights: Weights, x: jax.Array, labels: NDArray[np.int64]
) -> dict[str, Maps]:
    """What each method gives for all images."""
    return {
        method: batched(explainer, lambda *seen: METHODS[method](explainer, weights, *seen), x, labels)  # noqa: B023
        for method in methods
    }


def batched(
    explainer: Explainer, each: Callable[[jax.Array, jax.Array], jax.Array], x: jax.Array, labels: NDArray[np.int64]
) -> Maps:
    """What `each` gives for images and classes, few at a time, on the host."""
    together, parts = min(explainer.batch, len(x)), []
    for start in range(0, len(x), together):
        # The last batch repeats the last image; its surplus is cut off below.
        places = np.minimum(np.arange(start, start + together), len(x) - 1)
        parts.append(np.asarray(each(x[places], jnp.asarray(labels[places]))))
    return np.concatenate(parts)[: len(x)]
