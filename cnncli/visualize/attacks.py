"""Small changes of pixels that change what a network says: FGSM, PGD, and plain ascent on another class's score.

Pixels are those of 0 to 255 at the network's own size, whatever scaling it sees them through, what pads a small image
among them. Every result stays within them, and an attack with a ball within that.
"""

from dataclasses import dataclass
from math import prod, sqrt

import jax
import jax.numpy as jnp

from cnncli.visualize.judge import Judge, Slope

ATTACKS = {"fgsm": "FGSM", "pgd": "PGD", "ascent": "ascent"}
BALLS = {"linf": "L-infinity", "l2": "L2"}

# How many steps at most, unless one says.
STEPS = {"fgsm": 1, "pgd": 10, "ascent": 200}

# A PGD of n steps makes each of them this / n of the radius (Madry et al. 2018), and could cross the ball.
STRIDE = 2.5
# So many steps of ascent are together as long as the usual L2 ball's radius.
STEPS_A_RADIUS = 20


@dataclass(frozen=True)
class Ball:
    """All images within a radius of another, where 1 is a pixel's whole range: `linf` for
    each value by itself, or `l2` for all of them.
    """

    norm: str
    radius: float

    def within(self, pixels: jax.Array, centre: jax.Array) -> jax.Array:
        """The nearest image in the ball around `centre`, cut off at 0 and 255, which leads no further from it."""
        reach, away = 255 * self.radius, pixels - centre
        if self.norm == "linf":
            away = jnp.clip(away, -reach, reach)
        else:
            away *= jnp.minimum(1, reach / jnp.maximum(lengths(away), 1e-12))
        return jnp.clip(centre + away, 0, 255)

    def steepest(self, slope: jax.Array) -> jax.Array:
        """The change on the ball's rim along which a linear function of this slope rises most; 0 where it is flat."""
        if self.norm == "linf":
            return 255 * self.radius * jnp.sign(slope)
        # The largest value first, since squares of small ones vanish.
        peak = jnp.max(jnp.abs(slope), axis=(1, 2, 3), keepdims=True)
        scaled = slope / jnp.where(peak == 0, 1, peak)
        return 255 * self.radius * scaled / jnp.maximum(lengths(scaled), 1)

    def drawn(self, keys: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """A change for each key, uniform in the ball; `shape` is an image's."""

        def one(key: jax.Array) -> jax.Array:
            if self.norm == "linf":
                return jax.random.uniform(key, shape, minval=-1, maxval=1)
            direction, how_far = jax.random.split(key)
            away = jax.random.normal(direction, shape)
            return away / lengths(away[None])[0] * jax.random.uniform(how_far) ** (1 / prod(shape))

        return 255 * self.radius * jax.vmap(one)(keys)


def keys(seed: int, count: int) -> jax.Array:
    """The chance of each of so many images, however many are attacked at a time."""
    return jax.vmap(lambda place: jax.random.fold_in(jax.random.key(seed), place))(jnp.arange(count))


def usual(norm: str, shape: tuple[int, ...]) -> float:
    """The radius that articles take for images of a shape (height, width, channel).

    L-infinity: 0.25 for grey images (Goodfellow et al. 2015, MNIST), 8/255 for others (Madry et al. 2018, CIFAR-10).
    L2: a quarter of what that can add up to, to two digits: 1.8 for 28x28 in grey, 0.43 for CIFAR-10, 3.0 for 224x224.
    """
    each = 0.25 if shape[-1] == 1 else 8 / 255
    return each if norm == "linf" else float(f"{each * sqrt(prod(shape)) / 4:.2g}")


def against(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The logarithm of the odds against a class each, (batch,).

    The cross-entropy rises with it and has a slope of the same direction; this one does not fade where the network is
    so sure that a softmax of float32 is 0 or 1.
    """
    own = jax.nn.one_hot(labels, logits.shape[-1], dtype=bool)
    return jax.nn.logsumexp(jnp.where(own, -jnp.inf, logits), axis=-1) - score(logits, labels)


def towards(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The logarithm of the odds for a class each, (batch,)."""
    return -against(logits, labels)


def score(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The logit of a class each, (batch,)."""
    return jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]


def lengths(pixels_BxHxWxC: jax.Array) -> jax.Array:
    """The L2 norm of each image, (batch, 1, 1, 1)."""
    return jnp.sqrt(jnp.sum(pixels_BxHxWxC**2, axis=(1, 2, 3), keepdims=True))


@dataclass(frozen=True)
class Attack:
    """One of ATTACKS on a network, that an image no longer is taken for a class, or, `targeted`, that it is.

    `fgsm` is one step to the ball's rim, by the slope's signs or, in L2, along the slope itself (Goodfellow et al.
    2015). `pgd` starts anywhere in the ball and after each of `steps` goes back into it (Madry et al. 2018). `ascent`
    has a target and no ball: along the slope of its score until the image is taken for it, `steps` at most.
    """

    judge: Judge
    by: str
    targeted: bool
    steps: int

    @property
    def _slope(self) -> Slope:
        return self.judge.slope(score if self.by == "ascent" else towards if self.targeted else against)

    def __call__(self, pixels: jax.Array, labels: jax.Array, ball: Ball, keys: jax.Array) -> jax.Array:
        """What becomes of images, each with its class and a key that decides where it starts."""
        match self.by:
            case "fgsm":
                return ball.within(pixels + ball.steepest(self._slope(pixels, labels)[0]), pixels)
            case "pgd":
                return self._projected(pixels, labels, ball, keys)
            case _:
                return self._ascended(pixels, labels)

    def _projected(self, pixels: jax.Array, labels: jax.Array, ball: Ball, keys: jax.Array) -> jax.Array:
        x = ball.within(pixels + ball.drawn(keys, pixels.shape[1:]), pixels)
        # A loop here, not in XLA, whose convolutions inside loops are slow on a CPU.
        for _ in range(self.steps):
            x = ball.within(x + STRIDE / self.steps * ball.steepest(self._slope(x, labels)[0]), pixels)
        return x

    def _ascended(self, pixels: jax.Array, labels: jax.Array) -> jax.Array:
        stride = Ball("l2", usual("l2", pixels.shape[1:]) / STEPS_A_RADIUS)
        for _ in range(self.steps):
            slope, predicted = self._slope(pixels, labels)
            there = predicted == labels
            if there.all():
                break
            pixels = jnp.clip(pixels + jnp.where(there[:, None, None, None], 0, stride.steepest(slope)), 0, 255)
        return pixels
