"""What keeps an image natural while a score is climbed: pulls on its pixels, blurring, and a weight for each place.

Pixels are (batch, height, width, channel) of 0 to 1. A pull is a number for each image, the sum over its pixels; steps
go down its slope while they go up the score's.
"""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp


class Pull(Protocol):
    """From pixels, and those that the network sees as zero, to a number for each image; and its words."""

    def __call__(self, pixels: jax.Array, zero: jax.Array) -> jax.Array:
        """Numbers (batch,)."""

    @property
    def words(self) -> str:
        """What it is called, and its weight."""


@dataclass(frozen=True)
class Power:
    """Pixels towards what the network sees as zero: the sum of |pixel - zero|^power.

    A power of 2 is L2 (Simonyan et al. 2014); of 6 the alpha-norm, which only feels what is large (Mahendran and
    Vedaldi 2015).
    """

    weight: float
    power: float = 2.0

    def __call__(self, pixels: jax.Array, zero: jax.Array) -> jax.Array:
        """Numbers (batch,)."""
        return self.weight * jnp.sum(jnp.abs(pixels - zero) ** self.power, axis=(1, 2, 3))

    @property
    def words(self) -> str:
        """What it is called, and its weight."""
        return f"{'L2' if self.power == 2 else f'alpha-norm ({self.power:g})'} {self.weight:g}"


@dataclass(frozen=True)
class TotalVariation:
    """Pixels towards their neighbours: the sum of (down^2 + right^2)^(power / 2) over a pixel's two differences.

    A power of 1 allows edges, one of 2 smooths them (Mahendran and Vedaldi 2015).
    """

    weight: float
    power: float = 1.0

    def __call__(self, pixels: jax.Array, zero: jax.Array) -> jax.Array:
        """Numbers (batch,)."""
        down = jnp.diff(pixels, axis=1, append=pixels[:, -1:])
        right = jnp.diff(pixels, axis=2, append=pixels[:, :, -1:])
        squares = down**2 + right**2
        # A root has no slope at 0: where nothing differs, nothing pulls.
        flat = squares == 0
        each = jnp.where(flat, 0, jnp.where(flat, 1, squares) ** (self.power / 2))
        return self.weight * jnp.sum(each, axis=(1, 2, 3))

    @property
    def words(self) -> str:
        """What it is called, and its weight."""
        return f"total variation ({self.power:g}) {self.weight:g}"


@dataclass(frozen=True)
class Blur:
    """A Gaussian blur of a deviation in pixels after every so many steps (Yosinski et al. 2015)."""

    deviation: float
    every: int = 10

    def __call__(self, pixels: jax.Array) -> jax.Array:
        """Blurred pixels; beyond the border is nothing, neither dark nor light."""
        down, right = (_bell(side, self.deviation) for side in pixels.shape[1:3])
        return jnp.einsum("ij,bjkc,lk->bilc", down, pixels, right)


@dataclass(frozen=True)
class Centre:
    """Steps weighted by a Gaussian around the middle, its deviation a share of the sides (Nguyen et al. 2016)."""

    deviation: float

    def __call__(self, height: int, width: int) -> jax.Array:
        """A weight for each place, (height, width, 1), of 1 in the middle."""
        down, right = (
            jnp.exp(-(((jnp.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * self.deviation**2))
            for side in (height, width)
        )
        return (down[:, None] * right)[..., None]


def _bell(side: int, deviation: float) -> jax.Array:
    """Each row the weights with which a line of pixels becomes one blurred pixel; they sum to 1."""
    apart = jnp.arange(side)[:, None] - jnp.arange(side)
    weights = jnp.exp(-(apart**2) / (2 * deviation**2))
    return weights / weights.sum(axis=1, keepdims=True)
