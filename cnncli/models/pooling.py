"""Pooling as arithmetic on shifted slices, rows then columns: XLA's own has a slow gradient (select-and-scatter)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from cnncli.errors import Bug
from cnncli.sizing.report import Windows


def reduce_windows(
    x_BxHxWxC: jax.Array, windows: Windows, join: Callable[[jax.Array, jax.Array], jax.Array], empty: float
) -> jax.Array:
    """Join the pixels of each window of each map; `empty` stands for padding."""
    top, bottom, left, right = windows.padding
    x = _along(x_BxHxWxC, 1, windows.window[0], windows.stride[0], windows.rows.out, top, bottom, join, empty)
    return _along(x, 2, windows.window[1], windows.stride[1], windows.columns.out, left, right, join, empty)


def _along(
    x: jax.Array,
    axis: int,
    window: int,
    stride: int,
    out: int,
    before: int,
    after: int,
    join: Callable[[jax.Array, jax.Array], jax.Array],
    empty: float,
) -> jax.Array:
    # Rounded up, the last window may reach beyond the padding.
    after = max(after, (out - 1) * stride + window - x.shape[axis] - before)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (before, after)
    x = jnp.pad(x, padding, constant_values=empty)
    last = (out - 1) * stride + 1
    joined = lax.slice_in_dim(x, 0, last, stride, axis)
    for tap in range(1, window):
        joined = join(joined, lax.slice_in_dim(x, tap, tap + last, stride, axis))
    return joined


def max_pool(x_BxHxWxC: jax.Array, windows: Windows) -> jax.Array:
    """The largest value of each window; the gradient of equal ones is shared."""
    return reduce_windows(x_BxHxWxC, windows, jnp.maximum, -jnp.inf)


def sum_pool(x_BxHxWxC: jax.Array, windows: Windows) -> jax.Array:
    """The sum of each window."""
    return reduce_windows(x_BxHxWxC, windows, jnp.add, 0.0)


def average_pool(x_BxHxWxC: jax.Array, windows: Windows, count_padding: bool) -> jax.Array:
    """The mean of each window, over its pixels in the image or, with `count_padding`, also over its padding."""
    size = x_BxHxWxC.shape[1:3]
    top, bottom, left, right = windows.padding
    rows = _counts(size[0], windows.window[0], windows.stride[0], windows.rows.out, top, bottom, count_padding)
    columns = _counts(size[1], windows.window[1], windows.stride[1], windows.columns.out, left, right, count_padding)
    # A window that sees only padding has the sum 0, and is divided by 1.
    share = 1.0 / np.maximum(np.outer(rows, columns), 1)
    # Added up in float32: in bfloat16 each of a window's sums would be rounded.
    total = sum_pool(x_BxHxWxC.astype(jnp.float32), windows)
    return (total * jnp.asarray(share[None, :, :, None], jnp.float32)).astype(x_BxHxWxC.dtype)


def _counts(size: int, window: int, stride: int, out: int, before: int, after: int, padding: bool) -> Any:
    """How many pixels each window has on one axis; what ceil imagines beyond the padding never counts."""
    first, end = (-before, size + after) if padding else (0, size)
    start = np.arange(out) * stride - before
    return np.maximum(np.minimum(start + window, end) - np.maximum(start, first), 0)


def l2_pool(x_BxHxWxC: jax.Array, windows: Windows) -> jax.Array:
    """The Euclidean norm of each window, whose gradient at zero is zero."""
    squares = sum_pool(x_BxHxWxC * x_BxHxWxC, windows)
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1.0)), 0.0)


def pool(kind: str, x_BxHxWxC: jax.Array, windows: Windows, count_padding: bool) -> jax.Array:
    """Pool by one of the vocabulary's kinds."""
    match kind:
        case "max":
            return max_pool(x_BxHxWxC, windows)
        case "average":
            return average_pool(x_BxHxWxC, windows, count_padding)
        case "l1":
            return sum_pool(jnp.abs(x_BxHxWxC), windows)
        case "l2":
            return l2_pool(x_BxHxWxC, windows)
        case _:
            raise Bug(f"no pooling '{kind}'")


def adaptive_pool(x_BxHxWxC: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Average pooling to a size: window i of n covers pixels floor(i W/n) to ceil((i + 1) W/n), as PyTorch has it."""
    for axis, out in zip((1, 2), size, strict=True):
        length = x_BxHxWxC.shape[axis]
        shares = np.zeros((length, out), np.float32)
        for place in range(out):
            start, end = place * length // out, -(-(place + 1) * length // out)
            shares[start:end, place] = 1 / (end - start)
        x_BxHxWxC = jnp.moveaxis(
            jnp.tensordot(x_BxHxWxC, jnp.asarray(shares, x_BxHxWxC.dtype), axes=(axis, 0)), -1, axis
        )
    return x_BxHxWxC


class Subsample(nnx.Module):
    """Trainable subsampling: the window's sum times a coefficient plus a bias, one of each a map."""

    def __init__(
        self,
        windows: Windows,
        channels: int,
        weight: Callable[..., jax.Array],
        bias: Callable[[int], Callable[..., jax.Array]],
        *,
        dtype: jnp.dtype,
        rngs: nnx.Rngs,
    ) -> None:
        self.windows, self.dtype = windows, dtype
        fan_in = windows.window[0] * windows.window[1]
        # A unit adds its inputs, so its one coefficient starts as each of fan_in weights would.
        self.scale = nnx.Param(weight(rngs.params(), (fan_in, channels), jnp.float32)[0])
        self.bias = nnx.Param(bias(fan_in)(rngs.params(), (channels,), jnp.float32))

    def __call__(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Feature maps (batch, height, width, channel) to smaller ones."""
        total = sum_pool(x_BxHxWxC.astype(self.dtype), self.windows)
        return total * self.scale[...].astype(self.dtype) + self.bias[...].astype(self.dtype)
