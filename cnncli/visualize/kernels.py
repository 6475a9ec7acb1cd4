"""Kernels to convolve an image with: the well-known ones by name, and any by their numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnncli.errors import UsageError

# A kernel with more numbers on a side cannot be read on a screen.
LARGEST = 7


@dataclass(frozen=True)
class Kernel:
    """A name, and numbers by row that are divided by `divisor`. Raises UsageError for rows of different lengths."""

    name: str
    rows: tuple[tuple[float, ...], ...]
    divisor: float = 1.0

    def __post_init__(self) -> None:
        """Check the shape."""
        lengths = {len(row) for row in self.rows}
        if len(lengths) != 1 or not 1 <= min(lengths) <= LARGEST or len(self.rows) > LARGEST:
            raise UsageError(
                f"the kernel has {len(self.rows)} rows of {' and '.join(map(str, sorted(lengths)))} numbers; expected "
                f"1 to {LARGEST} rows of as many numbers each, at most {LARGEST}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return len(self.rows), len(self.rows[0])

    @property
    def numbers(self) -> NDArray[np.float32]:
        """The numbers before they are divided."""
        return np.array(self.rows, np.float32)

    @property
    def weights(self) -> NDArray[np.float32]:
        """What pixels are multiplied by."""
        return self.numbers / np.float32(self.divisor)

    @property
    def turned(self) -> "Kernel":
        """The kernel turned by 180 degrees, with which cross-correlation is a convolution."""
        return Kernel(self.name, tuple(row[::-1] for row in self.rows[::-1]), self.divisor)


# Gonzalez and Woods, Digital Image Processing, chapter 3; emboss and ridge as image editors have them.
KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel("emboss", ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))),
        Kernel("edge", ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))),
        Kernel("laplacian", ((0, 1, 0), (1, -4, 1), (0, 1, 0))),
        Kernel("sobel-x", ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))),
        Kernel("sobel-y", ((-1, -2, -1), (0, 0, 0), (1, 2, 1))),
        Kernel("blur", ((1, 1, 1), (1, 1, 1), (1, 1, 1)), 9),
        Kernel("gaussian", ((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16),
        Kernel("sharpen", ((0, -1, 0), (-1, 5, -1), (0, -1, 0))),
        Kernel("shift", ((0, 0, 0), (1, 0, 0), (0, 0, 0))),
        Kernel("identity", ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
    )
}
