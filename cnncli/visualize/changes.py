"""Changes of images that leave what they show: shifts, rotations, scales, blur and noise, each by a strength.

Images are floats of 0 to 255 at their own size, before they reach the network's; what comes in from outside is the
data's background (0), and pixels are interpolated as augmentation does it (`data.warps`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.warps import smoothing, warped

# What `made` takes besides images and keys.
Way = tuple[Any, ...]

# Strengths in pixels are for images of so many.
SIDE = 32


@dataclass(frozen=True)
class Change:
    """A kind of change: its strengths, `none` of which changes nothing, how an amount is said, and what it does.

    `ways` are the arguments of `made` for a strength and the height and width of images: several where a change has
    directions. `made` takes images (batch, height, width, channel), a key for each, and those arguments.
    """

    unit: str
    said: str
    none: float
    strengths: tuple[float, ...]
    ways: Callable[[float, tuple[int, int]], list[Way]]
    made: Callable[..., jax.Array]
    in_pixels: bool = False
    in_whole: bool = False

    def strengths_for(self, size: tuple[int, int]) -> list[float]:
        """Rising strengths for images of a height and width, `none` among them; those in pixels grow with images."""
        # In quarters, so that strengths stay short: MNIST's 28 pixels have those of 32.
        share = max(1, round(4 * min(size) / SIDE)) / 4 if self.in_pixels else 1
        grown = {strength * share for strength in self.strengths}
        if self.in_whole:
            grown = {max(1.0, float(round(strength))) for strength in grown}
        return sorted({self.none, *grown})

    def changed(self, x: jax.Array, keys: jax.Array, strength: float) -> list[jax.Array]:
        """Images changed in each direction."""
        if strength == self.none:
            return [x]
        return [self.made(x, keys, *way) for way in self.ways(strength, (x.shape[1], x.shape[2]))]


@jax.jit
def _warped(x: jax.Array, keys: jax.Array, degrees: Any, size: Any, down: Any, along: Any) -> jax.Array:
    batch, height, width, channels = x.shape
    # All images are warped alike: as the channels of one they are looked up once.
    one = jnp.moveaxis(x, 0, 2).reshape(1, height, width, -1)
    moved = warped(one, jnp.radians(degrees), jnp.stack([size, size]), jnp.zeros(()), (down, along))
    return jnp.moveaxis(moved.reshape(height, width, batch, channels), 2, 0)


@jax.jit
def _blurred(x: jax.Array, keys: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    return jnp.einsum("ih,bhwc,jw->bijc", rows, x, columns, precision="highest")


@jax.jit
def _noisy(x: jax.Array, keys: jax.Array, sigma: Any) -> jax.Array:
    noise = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(keys)
    return jnp.clip(x + 255 * sigma * noise, 0, 255)


def blur(size: int, sigma: float) -> NDArray[np.float32]:
    """The matrix (size, size) that convolves an axis with a Gaussian; beyond its ends the outermost value goes on."""
    if sigma == 0:
        return np.eye(size, dtype=np.float32)
    reach = ceil(4 * sigma)
    ring = smoothing(size + 2 * reach, sigma)[reach : reach + size]
    matrix = ring[:, reach : reach + size].copy()
    matrix[:, 0] += ring[:, :reach].sum(axis=1)
    matrix[:, -1] += ring[:, reach + size :].sum(axis=1)
    return matrix


CHANGES = {
    "shift": Change(
        "shift in pixels, mean of up, down, left and right",
        "a shift of {:g} px",
        0.0,
        (1, 2, 3, 4, 6, 8),
        lambda by, size: [(0.0, 1.0, down * by, along * by) for down, along in ((0, 1), (0, -1), (1, 0), (-1, 0))],
        _warped,
        in_pixels=True,
        in_whole=True,
    ),
    "rotation": Change(
        "rotation in degrees, mean of both ways",
        "a rotation of {:g} degrees",
        0.0,
        (10, 20, 30, 45, 60, 90),
        lambda by, size: [(by, 1.0, 0.0, 0.0), (-by, 1.0, 0.0, 0.0)],
        _warped,
    ),
    "scale": Change(
        "scale",
        "a scale of {:g}",
        1.0,
        (0.5, 0.7, 0.85, 1.15, 1.3, 1.5),
        lambda by, size: [(0.0, by, 0.0, 0.0)],
        _warped,
    ),
    "blur": Change(
        "Gaussian blur, sigma in pixels",
        "a blur of {:g} px",
        0.0,
        (0.5, 1, 1.5, 2, 3),
        lambda by, size: [(blur(size[0], by), blur(size[1], by))],
        _blurred,
        in_pixels=True,
    ),
    "noise": Change(
        "Gaussian noise, sigma (1 is a pixel's whole range)",
        "noise of {:g}",
        0.0,
        (0.05, 0.1, 0.2, 0.3, 0.4),
        lambda by, size: [(by,)],
        _noisy,
    ),
}
