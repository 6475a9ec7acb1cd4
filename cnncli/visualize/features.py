"""What a layer makes of many images of a split: a vector each."""

from dataclasses import dataclass
from math import prod

import jax
import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.errors import DataError, UsageError
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from cnncli.visualize.layers import features, row_of
from cnncli.visualize.subject import Subject, Weights, activation

# Bytes that the vectors of all images may take together.
MOST_BYTES = 2**31

# A network of more multiply-adds for all its images together is not shown all of them unless one says so: this is
# about a minute of two cores. So many it is shown in any case.
MULTIPLY_ADDS, LEAST = 2e12, 500


@dataclass(frozen=True)
class Layer:
    """A layer to take vectors from, by its path, and how many values it gives."""

    network: Network
    path: str
    values: int

    @classmethod
    def of(cls, network: Network, path: str | None) -> "Layer":
        """The layer asked for, or what the last one with weights looks at. Raises UsageError for one there is not."""
        row = features(network) if path is None else row_of(network, path)
        return cls(network, row.path, prod(row.output))

    def count(self, wanted: int | None, data: Loaded, most: int) -> int:
        """How many images of a split to look at: those wanted, or `most`, or what time and memory allow.

        Raises UsageError where the vectors of those wanted would not fit in memory.
        """
        fitting = max(1, MOST_BYTES // (4 * max(self.values, prod(data.split.images.shape[1:]))))
        if wanted is not None and wanted > fitting:
            raise UsageError(
                f"--images {wanted:,}: {self.path} gives {self.values:,} values an image; expected at most {fitting:,}"
            )
        quick = max(LEAST, int(MULTIPLY_ADDS / max(1, size(self.network).totals.macs)))
        return min(wanted or min(most, quick, fitting), len(data.split.labels))

    def vectors(self, subject: Subject, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What it gives for images, flattened: (count, values).

        Raises DataError for a network that gives no finite numbers.
        """

        def each(weights: Weights, x: jax.Array) -> jax.Array:
            return activation(subject.model, weights, x, self.path).reshape(len(x), -1)

        found: NDArray[np.float32] = subject.over(images, each)
        if not np.isfinite(found).all():
            raise DataError(f"{self.path} gives values that are not finite: this checkpoint's training has diverged")
        return found


def raw(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The pixels of images, flattened: (count, values)."""
    return images.reshape(len(images), -1).astype(np.float32)


def sample(of: int, count: int, seed: int) -> NDArray[np.int64]:
    """The places of `count` images out of so many, drawn by chance, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(of)[:count])
