"""Augmentations that leave out a part of an image, or mix images and what is to be learned of them."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from cnncli.data.augmentation import Augmentation
from cnncli.networks.checks import checked, number, whole


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Blacken a square of `size` pixels in each image; its centre is any pixel, so a part of it may lie outside.

    DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017: 16 pixels on
    CIFAR-10, 8 on CIFAR-100. The square is filled with background (0), not with the dataset's mean.
    """

    word = "cutout"
    size: int = checked(whole(0), 8)

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Draw a place in each image."""
        batch, height, width, _ = x_BxHxWxC.shape
        size = jnp.full((batch, 2), min(self.size, 2 * max(height, width)))
        return jnp.where(boxes(key, size, (height, width)), 0, x_BxHxWxC)


@dataclass(frozen=True)
class Mixup(Augmentation):
    """Blend each image, and what is to be learned of it, with another of its batch.

    The image's own share is drawn from the Beta distribution (`alpha`, `alpha`), for each image by itself: near 0 or 1
    where alpha is small, uniform where it is 1. Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018: 1 on
    CIFAR-10, 0.2 on ImageNet.
    """

    word = "mixup"
    alpha: float = checked(number(0.001, 1000), 1.0)

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array, targets_BxK: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Draw a partner and a share for each image."""
        one, two = jax.random.split(key)
        share = _share(one, self.alpha, len(x_BxHxWxC))
        partner = jax.random.permutation(two, len(x_BxHxWxC))
        x = _mixed(share[:, :, None, None], x_BxHxWxC, x_BxHxWxC[partner])
        return x, _mixed(share, targets_BxK, targets_BxK[partner])


@dataclass(frozen=True)
class CutMix(Augmentation):
    """Paste a box of another image of the batch into each image, at the same place; targets mix by the box's area.

    The share of the area that the image keeps is drawn from the Beta distribution (`alpha`, `alpha`), for each image by
    itself; the box has the image's ratio, its centre is any pixel, and what of it lies outside does not count. Yun et
    al., CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features, 2019: 1.
    """

    word = "cutmix"
    alpha: float = checked(number(0.001, 1000), 1.0)

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array, targets_BxK: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Draw a partner and a box for each image."""
        batch, height, width, _ = x_BxHxWxC.shape
        one, two, three = jax.random.split(key, 3)
        side = jnp.sqrt(1 - _share(one, self.alpha, batch))
        size = jnp.round(side * jnp.array([height, width])).astype(jnp.int32)
        pasted = boxes(two, size, (height, width))
        partner = jax.random.permutation(three, batch)
        # A whole divided by itself may be a little more than 1.
        kept = jnp.minimum(jnp.sum(~pasted, axis=(1, 2)) / (height * width), 1)
        return jnp.where(pasted, x_BxHxWxC[partner], x_BxHxWxC), _mixed(kept, targets_BxK, targets_BxK[partner])


def boxes(key: jax.Array, size_Bx2: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Masks (batch, height, width, 1) of boxes of a size in pixels around a random pixel each, cut at the edges."""
    first = jax.random.randint(key, size_Bx2.shape, 0, jnp.array(shape)) - size_Bx2 // 2
    rows, columns = (
        (jnp.arange(length) >= first[:, axis, None])
        & (jnp.arange(length) < first[:, axis, None] + size_Bx2[:, axis, None])
        for axis, length in enumerate(shape)
    )
    return (rows[:, :, None] & columns[:, None, :])[..., None]


def _share(key: jax.Array, alpha: float, batch: int) -> jax.Array:
    """Numbers (batch, 1) of the Beta distribution (`alpha`, `alpha`)."""
    # Which is the uniform one at 1, and then compiles in a quarter of the time.
    return jax.random.uniform(key, (batch, 1)) if alpha == 1 else jax.random.beta(key, alpha, alpha, (batch, 1))


def _mixed(share: jax.Array, own: jax.Array, other: jax.Array) -> jax.Array:
    return share * own + (1 - share) * other
