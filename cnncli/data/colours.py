"""Augmentations that change colours and leave every pixel in its place."""

from dataclasses import dataclass
from math import tau

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.augmentation import Augmentation, up_to
from cnncli.errors import Bug
from cnncli.networks.checks import checked

# How bright red, green and blue are, and the two axes of colour of YIQ: the television standards' (ITU-R BT.601, NTSC).
LUMA = np.array([0.299, 0.587, 0.114])
CHROMA = np.array([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
# Of so many pixels the covariance is known to a thousandth.
PIXELS = 1_000_000


def _quarter_turn() -> NDArray[np.float64]:
    """The matrix that takes the grey out of a colour and turns the rest by a quarter about the grey axis."""
    axes = np.vstack([LUMA, CHROMA])
    turn = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return np.asarray(np.linalg.inv(axes) @ turn @ axes)


GREY = np.ones((3, 1)) * LUMA
COLOUR = np.eye(3) - GREY
QUARTER_TURN = _quarter_turn()


@dataclass(frozen=True)
class ColourJitter(Augmentation):
    """Change brightness, contrast, saturation and hue of each image, in this order; then pixels are cut to 0..255.

    The first three are shares each way (0.4: times 0.6 to 1.4): of the pixels, of their distance from the image's mean
    grey, of their distance from their own grey. `hue` turns colours about the grey axis of YIQ, by up to this share of
    a full turn each way. Saturation and hue are for images of three channels and leave others as they are.
    """

    word = "colour-jitter"
    brightness: float = checked(up_to(1), 0.4)
    contrast: float = checked(up_to(1), 0.4)
    saturation: float = checked(up_to(1), 0.4)
    hue: float = checked(up_to(0.5), 0.1)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw the four amounts for each image."""
        batch, _, _, channels = x_BxHxWxC.shape
        draws = jax.random.uniform(key, (4, batch, 1, 1), minval=-1, maxval=1)
        brightness, contrast = 1 + draws[0] * self.brightness, 1 + draws[1] * self.contrast
        saturation, angle = 1 + draws[2] * self.saturation, draws[3] * self.hue * tau
        # All of this is linear in an image's pixels: one matrix (channel, channel) and one grey.
        matrix = jnp.eye(channels)
        if channels == 3:
            matrix = GREY + saturation * (jnp.cos(angle) * COLOUR + jnp.sin(angle) * QUARTER_TURN)
        matrix = brightness * contrast * matrix
        middle = jnp.sum(x_BxHxWxC.mean(axis=(1, 2)) * luma(channels), axis=1)[:, None, None]
        # A matrix product of so few channels is ten times slower on CPU.
        parts = (x_BxHxWxC[..., one : one + 1] * matrix[:, None, None, :, one] for one in range(channels))
        return jnp.clip(sum(parts, start=((1 - contrast) * brightness * middle)[..., None]), 0, 255)


def luma(channels: int) -> NDArray[np.float64]:
    """The share of each channel in how bright a pixel is: the same for all of them, if they are not RGB."""
    return LUMA if channels == 3 else np.full(channels, 1 / channels)


@dataclass(frozen=True)
class PcaNoise(Augmentation):
    """Add one colour to all pixels of an image, drawn along the principal components of the training pixels' colours.

    Along each component the colour deviates by `deviation` times what the training pixels do. Krizhevsky, Sutskever and
    Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012, section 4.1: 0.1. (There the factor
    is called the eigenvalue of the covariance, whose unit is that of pixels squared; its authors' program has the
    deviation, the root of it.) Then pixels are cut to 0..255.
    """

    word = "pca-noise"
    deviation: float = checked(up_to(10), 0.1)

    def for_data(self, images_NxHxWxC: NDArray[np.uint8]) -> "ColourNoise":
        """Measure the colours of the training pixels, of a million of them where there are more."""
        pixels = images_NxHxWxC.reshape(-1, images_NxHxWxC.shape[-1])
        if len(pixels) > PIXELS:
            pixels = pixels[np.random.default_rng(0).integers(0, len(pixels), PIXELS)]
        covariance = np.atleast_2d(np.cov(pixels, rowvar=False, bias=True, dtype=np.float64))
        variances, components = np.linalg.eigh(covariance)
        # The symmetric root: components times deviations times components. Unlike components it has but one sign.
        root = components * np.sqrt(np.maximum(variances, 0)) @ components.T
        return ColourNoise(tuple(tuple(map(float, row)) for row in self.deviation * root))

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Not before `for_data`."""
        raise Bug("the components of pca-noise were not measured")


@dataclass(frozen=True)
class ColourNoise(Augmentation):
    """Add one colour to all pixels of an image: `directions` (channel, channel) times as many standard normals."""

    word = "pca-noise"
    directions: tuple[tuple[float, ...], ...]

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a colour for each image."""
        normal = jax.random.normal(key, (len(x_BxHxWxC), len(self.directions)))
        colours = jnp.matmul(normal, jnp.asarray(self.directions), precision="highest")
        return jnp.clip(x_BxHxWxC + colours[:, None, None, :], 0, 255)
