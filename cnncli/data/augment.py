"""Random changes to training images, made on the device: small values that say what may change and by how much."""

from dataclasses import dataclass
from math import radians
from typing import ClassVar

import jax
import jax.numpy as jnp

from cnncli.networks.checks import Checked, checked, number, whole


@dataclass(frozen=True)
class Augmentation(Checked):
    """Any augmentation; called with a key and float images (batch, height, width, channel), it gives such images."""

    word: ClassVar[str]

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Change each image in its own way."""
        raise NotImplementedError

    def label(self) -> str:
        """The word, in errors."""
        return f"augment '{self.word}': "


@dataclass(frozen=True)
class NoAugmentation(Augmentation):
    """The images as they are."""

    word = "none"

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Give the images back."""
        return x_BxHxWxC


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move each image by whole pixels, up to `pixels` each way; what comes in is background (0)."""

    word = "shift"
    pixels: int = checked(whole(0), 2)

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a shift of each image."""
        batch, height, width, _ = x_BxHxWxC.shape
        most = self.pixels
        padded = jnp.pad(x_BxHxWxC, ((0, 0), (most, most), (most, most), (0, 0)))
        corners = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)
        rows = corners[:, :1] + jnp.arange(height)
        columns = corners[:, 1:] + jnp.arange(width)
        return padded[jnp.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


@dataclass(frozen=True)
class Affine(Augmentation):
    """Rotate, scale, shear and move each image a little, each amount uniform between its bounds.

    `degrees` each way; `scale` and `shear` as shares each way (0.1: from 0.9 to 1.1 times; 0.1 pixel sideways a row);
    `shift` as a share of the height and width. Pixels are interpolated bilinearly, what comes in is background (0).
    """

    word = "affine"
    degrees: float = checked(number(0), 10.0)
    scale: float = checked(number(0, 1), 0.1)
    shear: float = checked(number(0), 0.1)
    shift: float = checked(number(0, 1), 0.06)

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a transformation of each image and look its pixels up where they come from."""
        height, width = x_BxHxWxC.shape[1:3]
        middle = jnp.array([(height - 1) / 2, (width - 1) / 2])
        rows, columns = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        places = jnp.stack([rows.ravel(), columns.ravel()], axis=-1) - middle
        turn, move = self._draw(key, len(x_BxHxWxC))
        move = move * jnp.array([height, width])
        sources = jnp.einsum("bij,pj->bpi", turn, places, precision="highest") + move[:, None] + middle
        return bilinear(x_BxHxWxC, sources)

    def _draw(self, key: jax.Array, batch: int) -> tuple[jax.Array, jax.Array]:
        """From places in the new image to places in the old: a matrix (batch, 2, 2) and a shift (batch, 2)."""
        one, two, three, four = jax.random.split(key, 4)
        angle = jax.random.uniform(one, (batch,), minval=-1, maxval=1) * radians(self.degrees)
        size = 1 + jax.random.uniform(two, (batch, 2), minval=-1, maxval=1) * self.scale
        shear = jax.random.uniform(three, (batch,), minval=-1, maxval=1) * self.shear
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        turn = jnp.stack([jnp.stack([cosine, -sine], -1), jnp.stack([sine + shear, cosine], -1)], -2)
        move = jax.random.uniform(four, (batch, 2), minval=-1, maxval=1) * self.shift
        return turn / size[:, :, None], move


def bilinear(x_BxHxWxC: jax.Array, sources_BxPx2: jax.Array) -> jax.Array:
    """The images seen at P = H * W places (row, column), interpolated between four pixels; outside there is 0."""
    batch, height, width, channels = x_BxHxWxC.shape
    corner = jnp.floor(sources_BxPx2)
    rest = sources_BxPx2 - corner
    # A frame of zeros stands for everything outside.
    framed = jnp.pad(x_BxHxWxC, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(batch, -1, channels)
    rows, columns = (corner[..., axis].astype(jnp.int32) + 1 for axis in (0, 1))

    def at(down: int, along: int) -> jax.Array:
        row, column = jnp.clip(rows + down, 0, height + 1), jnp.clip(columns + along, 0, width + 1)
        return jnp.take_along_axis(framed, (row * (width + 2) + column)[..., None], axis=1)

    down, along = rest[..., :1], rest[..., 1:]
    upper = (1 - along) * at(0, 0) + along * at(0, 1)
    lower = (1 - along) * at(1, 0) + along * at(1, 1)
    return ((1 - down) * upper + down * lower).reshape(x_BxHxWxC.shape)


AUGMENTATIONS: dict[str, type[Augmentation]] = {kind.word: kind for kind in (NoAugmentation, Shift, Affine)}
