"""Convolutions as XLA does them, and as one matrix product where XLA's CPU backend is slow at them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

# A band is worth its zeros for the small convolutions of LeNet5 and its like: measured on 2 cores, forward and
# gradients, 1.5 and 2.4 times as fast for LeNet5's two, but 0.8 times for its first on colour images, and at most half
# as fast for 3x3 windows, for strides, and for many maps.
BAND_WINDOW, BAND_MAPS, BAND_WASTE = 5, 32, 17

Convolve = Callable[..., jax.Array]


def convolution_for(platform: str) -> Convolve:
    """The convolution to use on a platform: `cpu` has its own for images of few channels."""
    return banded_where_faster if platform == "cpu" else lax.conv_general_dilated


def banded_where_faster(
    x_BxHxWxC: jax.Array,
    kernel: jax.Array,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    *,
    feature_group_count: int = 1,
    **options: Any,
) -> jax.Array:
    """`lax.conv_general_dilated`, by a banded matrix where the image is narrow and has few channels.

    XLA's CPU convolutions of 1 or 3 channels fill no vector; a matrix product with zeros off the band does many times
    the work and is still faster, in the gradients above all.
    """
    if any(max(sides) >= size for sides, size in zip(padding, kernel.shape, strict=False)):
        # XLA's CPU backend (jaxlib 0.10.2) errs in the image's gradient where a side is padded by as much as a window.
        x_BxHxWxC, padding = jnp.pad(x_BxHxWxC, ((0, 0), *padding, (0, 0))), ((0, 0), (0, 0))
    width, channels = x_BxHxWxC.shape[2] + sum(padding[1]), x_BxHxWxC.shape[3]
    window, maps = kernel.shape[1], kernel.shape[3]
    small = window >= BAND_WINDOW and maps <= BAND_MAPS and channels * width / window <= BAND_WASTE
    if small and feature_group_count == 1 and tuple(window_strides) == (1, 1):
        return banded(x_BxHxWxC, kernel, padding)
    return lax.conv_general_dilated(
        x_BxHxWxC, kernel, window_strides, padding, feature_group_count=feature_group_count, **options
    )


def banded(x_BxHxWxC: jax.Array, kernel_hxwxCxF: jax.Array, padding: Sequence[tuple[int, int]]) -> jax.Array:
    """A convolution of stride 1 as one matrix product: rows of pixels times a matrix banded along the width."""
    x = jnp.pad(x_BxHxWxC, ((0, 0), *padding, (0, 0)))
    batch, height, width, channels = x.shape
    tall, wide, _, features = kernel_hxwxCxF.shape
    rows, columns = height - tall + 1, width - wide + 1
    # place[k, w, o] is 1 where tap k of the window of output column o lies on input column w.
    taps = np.arange(width)[None, :, None] - np.arange(columns)[None, None, :]
    place = jnp.asarray(taps == np.arange(wide)[:, None, None], kernel_hxwxCxF.dtype)
    band = jnp.einsum("hkcf,kwo->hwcof", kernel_hxwxCxF, place).reshape(tall * width * channels, columns * features)
    lines = x.reshape(batch, height, width * channels)
    seen = jnp.concatenate([lines[:, row : row + rows] for row in range(tall)], axis=-1)
    # Flat on both sides: XLA's CPU backend is half as fast at a product with a batch axis.
    return (seen.reshape(batch * rows, -1) @ band).reshape(batch, rows, columns, features)


class PartialConv(nnx.Module):
    """A convolution with one kernel a link of the connection table: `kernel` is (height, width, link)."""

    def __init__(
        self,
        table: tuple[tuple[int, ...], ...],
        window: tuple[int, int],
        stride: tuple[int, int],
        padding: Sequence[tuple[int, int]],
        channels: int,
        convolve: Convolve,
        weight: Callable[..., jax.Array],
        bias: Callable[[int], Callable[..., jax.Array]],
        *,
        dtype: Any,
        rngs: nnx.Rngs,
    ) -> None:
        self.channels, self.features = channels, len(table)
        self.stride, self.padding, self.convolve, self.dtype = stride, tuple(padding), convolve, dtype
        self.sources = tuple(source for maps in table for source in maps)
        self.targets = tuple(target for target, maps in enumerate(table) for _ in maps)
        # A unit's fan-in is that of its own map, so each map's links start by themselves.
        links = [weight(rngs.params(), (*window, len(maps), 1), jnp.float32)[..., 0] for maps in table]
        biases = [bias(window[0] * window[1] * len(maps))(rngs.params(), (1,), jnp.float32) for maps in table]
        self.kernel = nnx.Param(jnp.concatenate(links, axis=-1))
        self.bias = nnx.Param(jnp.concatenate(biases))

    def __call__(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Images (batch, height, width, channel) to feature maps."""
        links = self.kernel[...].astype(self.dtype)
        full = jnp.zeros((*links.shape[:2], self.channels, self.features), links.dtype)
        full = full.at[:, :, np.array(self.sources), np.array(self.targets)].set(links)
        y = self.convolve(
            x_BxHxWxC.astype(self.dtype),
            full,
            self.stride,
            self.padding,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return y + self.bias[...].astype(self.dtype)
