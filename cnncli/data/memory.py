"""Images of a whole split in memory: how many there may be, and their mean and deviation."""

import numpy as np
from numpy.typing import NDArray

from cnncli.errors import DataError

LIMIT = 8 << 30
"""The most bytes that the images of one split may take."""

_PART = 256


def empty(what: str, count: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Room for `count` images of a shape; raises DataError for more than 8 GiB, with `what` they are."""
    size = count * int(np.prod(shape))
    if size > LIMIT:
        raise DataError(
            f"{what}: {count:,} images of {'x'.join(map(str, shape))} take {size / 2**30:.1f} GiB in memory; expected "
            f"at most {LIMIT / 2**30:.0f} GiB: use a smaller input size"
        )
    return np.empty((count, *shape), np.uint8)


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel on the 0..1 scale, exactly, from the histogram of the bytes."""
    values = np.arange(256) / 255
    mean, deviation = [], []
    for channel in range(images.shape[-1]):
        counts = np.zeros(256, np.int64)
        # A part at a time: bincount makes eight bytes of each.
        for start in range(0, len(images), _PART):
            counts += np.bincount(images[start : start + _PART, ..., channel].ravel(), minlength=256)
        weights = counts / images[..., channel].size
        mean.append(float(weights @ values))
        deviation.append(float(np.sqrt(weights @ (values - mean[-1]) ** 2)))
    return tuple(mean), tuple(deviation)
