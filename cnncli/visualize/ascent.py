"""Climbing: pixels change step by step so that a score of what a network makes of them rises.

The chapter's update in 12.9.4 subtracts the gradient of the score, a misprint: to maximize a score is to add it.
"""

from dataclasses import dataclass
from functools import partial
from math import cos, pi

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.errors import DataError
from cnncli.models.model import Model
from cnncli.visualize.objectives import Objective
from cnncli.visualize.regularizers import Blur, Centre, Pull
from cnncli.visualize.subject import Subject, Weights

# The share of a step that goes on in the next: it averages over jitter.
MOMENTUM = 0.9
# The share of the steps among which pixels are blurred; the rest sharpen what is left.
BLURRED = 0.75


@partial(jax.tree_util.register_dataclass, data_fields=["low", "span"], meta_fields=[])
@dataclass(frozen=True)
class Canvas:
    """Pixels of 0 to 1 at the network's size, whatever scaling it sees them through.

    `low` is what it sees of 0, `span` how much more it sees of 1, both (1, height, width, channel).
    """

    low: jax.Array
    span: jax.Array

    @classmethod
    def of(cls, subject: Subject) -> "Canvas":
        """A network's own."""
        low, high = subject.bounds
        return cls(low, high - low)

    @property
    def zero(self) -> jax.Array:
        """The pixels nearest to those that the network sees as 0."""
        return jnp.clip(-self.low / self.span, 0, 1)

    def seen(self, pixels: jax.Array) -> jax.Array:
        """What the network sees of pixels."""
        return self.low + pixels * self.span

    def pixels(self, images: NDArray[np.uint8], subject: Subject) -> jax.Array:
        """Pixels of images of any size, at the network's."""
        return (subject.seen(images) - self.low) / self.span

    def noise(self, count: int, seed: int, deviation: float = 0.1) -> jax.Array:
        """Images around zero, each pixel drawn for itself."""
        drawn = deviation * jax.random.normal(jax.random.key(seed), (count, *self.low.shape[1:]))
        return jnp.clip(self.zero + drawn, 0, 1)


@dataclass(frozen=True)
class Ascent:
    """How to climb.

    In each of `steps`, pixels go up the score's gradient divided by its root mean square, less the gradients of all
    `pulls`, times `rate`, a share of the pixels' range that falls to 0 as a cosine; then a share `decay` of what they
    differ from zero is lost, and they are cut off at 0 and 1. `jitter` is by how many pixels at most the image is
    rolled before the network sees it.
    """

    steps: int
    rate: float
    pulls: tuple[Pull, ...] = ()
    jitter: int = 0
    blur: Blur | None = None
    decay: float = 0.0
    centre: Centre | None = None


@dataclass(frozen=True)
class Climb:
    """Where a climb ended, and how: pixels of 0 to 1, and the scores (steps + 1, batch).

    The first and the last score are of the images as they are, those between of rolled ones where there is jitter.
    `flat` says for which images no step had a gradient; `kept` are some steps and their images, the last among them.
    """

    pixels: jax.Array
    scores: NDArray[np.float32]
    flat: NDArray[np.bool_]
    kept: tuple[tuple[int, NDArray[np.uint8]], ...]

    @property
    def images(self) -> NDArray[np.uint8]:
        """Where it ended, as images."""
        return self.kept[-1][1]


def climb(
    subject: Subject, objective: Objective, start: jax.Array, how: Ascent, seed: int = 0, frames: int = 1
) -> Climb:
    """Climb from pixels (batch, height, width, channel) of 0 to 1, and keep so many of the images on the way.

    Raises DataError for a network that gives no finite numbers.
    """
    canvas, draw = Canvas.of(subject), np.random.default_rng(seed)
    step = subject.jit(partial(_step, subject.model, how))
    blur = jax.jit(how.blur) if how.blur else None
    keep = {int(place) for place in np.linspace(how.steps, 0, frames).round()}
    pixels, speed, scores, slopes, kept = start, jnp.zeros_like(start), [], [], []
    for place in range(how.steps + 1):
        if place in keep:
            kept.append((place, _bytes(pixels)))
        # The first and the last are seen as they are; the step behind the last is not taken.
        still = place in (0, how.steps)
        shift = draw.integers(-how.jitter, how.jitter + 1, 2) * (not still)
        rate = how.rate * (0.5 + 0.5 * cos(pi * place / how.steps))
        after, speed, score, slope = step(
            subject.weights, canvas, objective, pixels, speed, jnp.asarray(shift, jnp.int32), jnp.float32(rate)
        )
        scores.append(score)
        slopes.append(slope)
        if place < how.steps:
            due = blur and how.blur and (place + 1) % how.blur.every == 0 and place < BLURRED * how.steps
            pixels = blur(after) if blur and due else after
    found, sizes = (np.stack(jax.device_get(each)) for each in (scores, slopes))
    if not np.isfinite(found).all():
        raise DataError("the network gives scores that are not finite: this checkpoint's training has diverged")
    return Climb(pixels, found, sizes.max(axis=0) == 0, tuple(kept))


def _step(
    built: Model,
    how: Ascent,
    weights: Weights,
    canvas: Canvas,
    objective: Objective,
    pixels: jax.Array,
    speed: jax.Array,
    shift: jax.Array,
    rate: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Pixels and speed behind a step, the scores before it, and the root mean square of their gradients."""

    def score(pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        rolled = jnp.roll(pixels, shift, axis=(1, 2)) if how.jitter else pixels
        scores = objective(built, weights, canvas.seen(rolled))
        return jnp.sum(scores), scores

    def pull(pixels: jax.Array) -> jax.Array:
        return sum((jnp.sum(each(pixels, canvas.zero)) for each in how.pulls), start=jnp.zeros(()))

    gradient, scores = jax.grad(score, has_aux=True)(pixels)
    push, slope = even(gradient)
    push = (push - jax.grad(pull)(pixels)) * (how.centre(*pixels.shape[1:3]) if how.centre else 1)
    speed = MOMENTUM * speed + (1 - MOMENTUM) * push
    moved = canvas.zero + (pixels + rate * speed - canvas.zero) * (1 - how.decay)
    return jnp.clip(moved, 0, 1), speed, scores, slope


def even(gradient_BxHxWxC: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A gradient with a root mean square of 1 in each image, or 0 where it is flat, and what it was, (batch,)."""
    size = jnp.sqrt(jnp.mean(gradient_BxHxWxC**2, axis=(1, 2, 3)))
    return gradient_BxHxWxC / jnp.where(size > 0, size, 1)[:, None, None, None], size


def words(how: Ascent) -> str:
    """How it is climbed, in words."""
    said = [f"{how.steps} steps of {how.rate:g}", *(pull.words for pull in how.pulls)]
    said += [f"jitter {how.jitter}"] if how.jitter else []
    said += [f"blur {how.blur.deviation:g} every {how.blur.every} steps"] if how.blur else []
    said += [f"decay {how.decay:g}"] if how.decay else []
    said += [f"weighted to the centre {how.centre.deviation:g}"] if how.centre else []
    return ", ".join(said)


def span(values: NDArray[np.float32]) -> str:
    """The least and the greatest of some numbers, or the one that they are."""
    low, high = (f"{value:.3g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _bytes(pixels: jax.Array) -> NDArray[np.uint8]:
    return np.asarray(jnp.round(255 * pixels), np.uint8)
