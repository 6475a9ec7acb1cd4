"""Augmentations that move pixels: shifts and crops by whole pixels, and warps that interpolate between them."""

from dataclasses import dataclass
from math import ceil, log, radians

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.augmentation import Augmentation, bounds, up_to
from cnncli.networks.checks import checked, number, whole


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move each image by whole pixels, up to `pixels` each way (at most its size); what comes in is background (0)."""

    word = "shift"
    pixels: int = checked(whole(0), 2)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a shift of each image."""
        batch, *shape = x_BxHxWxC.shape
        most = min(self.pixels, max(shape[:2]))
        padded = jnp.pad(x_BxHxWxC, ((0, 0), (most, most), (most, most), (0, 0)))
        corners = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)
        return jax.vmap(lambda image, corner: jax.lax.dynamic_slice(image, (*corner, 0), shape))(padded, corners)


@dataclass(frozen=True)
class Crop(Augmentation):
    """Pad each image by `padding` pixels of background (0) on each side and cut its size out of that somewhere.

    He et al., Deep Residual Learning, 2016, section 4.2, on CIFAR-10: 4 pixels. It is a shift by another name.
    """

    word = "crop"
    padding: int = checked(whole(0), 4)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a place in each padded image."""
        return Shift(self.padding).images(key, x_BxHxWxC)


@dataclass(frozen=True)
class Mirror(Augmentation):
    """Swap left and right in an image, with a `probability`."""

    word = "mirror"
    probability: float = checked(up_to(1), 0.5)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw which images are swapped."""
        swapped = jax.random.bernoulli(key, self.probability, (len(x_BxHxWxC), 1, 1, 1))
        return jnp.where(swapped, x_BxHxWxC[:, :, ::-1], x_BxHxWxC)


@dataclass(frozen=True)
class ResizedCrop(Augmentation):
    """Cut a part out of each image and bring it back to the image's size, interpolated bilinearly.

    The part's area is uniform within `scale`, as a share of the image's; its ratio of width to height, in pixels, is
    uniform by its logarithm within `ratio`, as far as such a part fits. Szegedy et al., Going Deeper with Convolutions,
    2015, section 6: 8 % to 100 %, 3/4 to 4/3.
    """

    word = "resized-crop"
    scale: tuple[float, float] = checked(bounds(0.001, 1), (0.08, 1.0))
    ratio: tuple[float, float] = checked(bounds(0.01, 100), (3 / 4, 4 / 3))

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a part of each image and look its pixels up."""
        batch, height, width, _ = x_BxHxWxC.shape
        one, two, three = jax.random.split(key, 3)
        area = jax.random.uniform(one, (batch, 1), minval=self.scale[0], maxval=self.scale[1])
        # A part of this area is as wide as the image at `widest` and as high at `-widest`, by the logarithm of the
        # ratio to the image's own.
        widest, own = -jnp.log(area), log(width / height)
        least, most = (jnp.clip(log(bound) - own, -widest, widest) for bound in self.ratio)
        ratio = least + (most - least) * jax.random.uniform(two, (batch, 1))
        down, along = jnp.sqrt(area * jnp.exp(-ratio)), jnp.sqrt(area * jnp.exp(ratio))
        corners = jax.random.uniform(three, (batch, 2))
        rows = _stretched(corners[:, :1], down, height)
        columns = _stretched(corners[:, 1:], along, width)
        shape = (batch, height, width)
        return bilinear(
            x_BxHxWxC, jnp.broadcast_to(rows[:, :, None], shape), jnp.broadcast_to(columns[:, None, :], shape)
        )


def _stretched(corner_Bx1: jax.Array, share_Bx1: jax.Array, size: int) -> jax.Array:
    """Where the `size` pixels of an axis come from in a `share` of it; the corner is a share of the room left."""
    places = (jnp.arange(size) + 0.5) * share_Bx1 - 0.5 + corner_Bx1 * (1 - share_Bx1) * size
    # Half a pixel at the rim lies outside: the image's edge goes on there, not its background.
    return jnp.clip(places, 0, size - 1)


@dataclass(frozen=True)
class Affine(Augmentation):
    """Rotate, scale, shear and move each image a little, each amount uniform between its bounds.

    `degrees` each way; `scale` and `shear` as shares each way (0.1: from 0.9 to 1.1 times, each axis by itself; 0.1
    pixel sideways a row); `shift` as a share of the height and width. Pixels are interpolated bilinearly, what comes in
    is background (0).
    """

    word = "affine"
    degrees: float = checked(up_to(180), 10.0)
    scale: float = checked(number(0, 1), 0.1)
    shear: float = checked(up_to(10), 0.1)
    shift: float = checked(number(0, 1), 0.06)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a transformation of each image and look its pixels up where they come from."""
        batch, height, width, _ = x_BxHxWxC.shape
        one, two, three, four = jax.random.split(key, 4)
        angle = _each_way(one, (batch, 1, 1)) * radians(self.degrees)
        sizes = 1 + _each_way(two, (2, batch, 1, 1)) * self.scale
        shear = _each_way(three, (batch, 1, 1)) * self.shear
        down, along = _each_way(four, (2, batch, 1, 1)) * self.shift
        return warped(x_BxHxWxC, angle, sizes, shear, (down * height, along * width))


@dataclass(frozen=True)
class Rotate(Augmentation):
    """Turn each image about its middle, by up to `degrees` each way; see `affine`."""

    word = "rotate"
    degrees: float = checked(up_to(180), 15.0)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw an angle for each image."""
        return Affine(self.degrees, 0, 0, 0).images(key, x_BxHxWxC)


@dataclass(frozen=True)
class Rescale(Augmentation):
    """Make each image larger or smaller, height and width each by a share of up to `amount`; see `affine`."""

    word = "scale"
    amount: float = checked(number(0, 1), 0.1)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw two sizes for each image."""
        return Affine(0, self.amount, 0, 0).images(key, x_BxHxWxC)


@dataclass(frozen=True)
class Shear(Augmentation):
    """Slant each image, by up to `amount` pixels sideways a row; see `affine`."""

    word = "shear"
    amount: float = checked(up_to(10), 0.1)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a slant for each image."""
        return Affine(0, 0, self.amount, 0).images(key, x_BxHxWxC)


@dataclass(frozen=True)
class Elastic(Augmentation):
    """Displace each pixel by a smooth random field, as a hand that shakes would.

    A field each for rows and columns: noise uniform in -1 to 1, convolved with a Gaussian of deviation `sigma` pixels,
    times `alpha`. Displacements then deviate by alpha / (sigma sqrt(12 pi)) pixels, 1.4 of them at alpha 34 and sigma
    4, which Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks, 2003, use on MNIST in
    29x29 pixels. The noise wraps around, so that pixels at the edge move as much as any. Pixels are interpolated
    bilinearly, what comes in is background (0).
    """

    word = "elastic"
    alpha: float = checked(up_to(10_000), 34.0)
    sigma: float = checked(number(0.1, 1000), 4.0)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a field for each image and look its pixels up where they come from."""
        down, along = self.fields(key, x_BxHxWxC.shape[:3])
        rows, columns = _grid(*x_BxHxWxC.shape[1:3])
        return bilinear(x_BxHxWxC, rows + down, columns + along)

    def fields(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Displacements in pixels (2, batch, height, width), of rows and of columns."""
        noise = _each_way(key, (2, *shape))
        rows, columns = (smoothing(size, self.sigma) for size in shape[1:])
        return self.alpha * jnp.einsum("ih,abhw,jw->abij", rows, noise, columns, precision="highest")


def smoothing(size: int, sigma: float) -> NDArray[np.float32]:
    """The matrix (size, size) that convolves a ring of `size` values with a Gaussian, cut off at 4 deviations."""
    reach = np.arange(-ceil(4 * sigma), ceil(4 * sigma) + 1)
    weights = np.exp(-0.5 * (reach / sigma) ** 2)
    ring = np.bincount(reach % size, weights / weights.sum(), size).astype(np.float32)
    places = np.arange(size)
    return np.asarray(ring[(places - places[:, None]) % size])


def warped(
    x_BxHxWxC: jax.Array, angle: jax.Array, sizes: jax.Array, shear: jax.Array, shift: tuple[jax.Array, jax.Array]
) -> jax.Array:
    """Images turned by an angle in radians, grown to so many times their height and width, slanted and moved.

    `shift` is how many pixels further down and to the right each pixel is looked up, so that what is seen moves up and
    to the left. Each amount is one for all images, or (batch, 1, 1).
    """
    batch, height, width, _ = x_BxHxWxC.shape
    # Places are counted from the middle, about which everything turns and grows.
    rows, columns = _grid(height, width)
    rows, columns = rows - (height - 1) / 2, columns - (width - 1) / 2
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    down = (cosine * rows - sine * columns) / sizes[0] + shift[0] + (height - 1) / 2
    along = ((sine + shear) * rows + cosine * columns) / sizes[1] + shift[1] + (width - 1) / 2
    shape = (batch, height, width)
    return bilinear(x_BxHxWxC, jnp.broadcast_to(down, shape), jnp.broadcast_to(along, shape))


def bilinear(x_BxHxWxC: jax.Array, rows_BxHxW: jax.Array, columns_BxHxW: jax.Array) -> jax.Array:
    """The images seen at places in pixels, interpolated between the four pixels around each; outside there is 0."""
    batch, height, width, channels = x_BxHxWxC.shape
    # A frame of zeros stands for everything outside.
    framed = jnp.pad(x_BxHxWxC, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(batch, -1, channels)
    above, left = jnp.floor(rows_BxHxW), jnp.floor(columns_BxHxW)

    def at(down: int, along: int) -> jax.Array:
        row = jnp.clip(above + down + 1, 0, height + 1).astype(jnp.int32)
        column = jnp.clip(left + along + 1, 0, width + 1).astype(jnp.int32)
        places = (row * (width + 2) + column).reshape(batch, -1, 1)
        return jnp.take_along_axis(framed, places, axis=1).reshape(x_BxHxWxC.shape)

    down, along = (rows_BxHxW - above)[..., None], (columns_BxHxW - left)[..., None]
    upper = (1 - along) * at(0, 0) + along * at(0, 1)
    lower = (1 - along) * at(1, 0) + along * at(1, 1)
    return (1 - down) * upper + down * lower


def _each_way(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Numbers uniform between -1 and 1."""
    return jax.random.uniform(key, shape, minval=-1, maxval=1)


def _grid(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """The row (height, 1) and the column (1, width) of each pixel."""
    return jnp.arange(height, dtype=jnp.float32)[:, None], jnp.arange(width, dtype=jnp.float32)[None, :]
