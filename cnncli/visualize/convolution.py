"""A kernel moved over an image step by step: each window's products and sum, as cross-correlation and convolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cnncli.errors import UsageError
from cnncli.networks.checks import Padding, Pair, two
from cnncli.networks.layers import Conv
from cnncli.sizing.calculator import Answer, Question, calculate
from cnncli.visualize.kernels import Kernel
from cnncli.visualize.operation import apply

# So many places of the window are an animation of a minute and a half.
MOST_PLACES = 256


@dataclass(frozen=True)
class Term:
    """One product of a window's sum: a number of the kernel, before it is divided, and the pixel under it."""

    weight: float
    pixel: float


@dataclass(frozen=True)
class Sliding:
    """A kernel over an image (height, width): how its windows lie, and what both operations give for it."""

    image: NDArray[np.float32]
    kernel: Kernel
    answer: Answer
    correlation: NDArray[np.float32]
    convolution: NDArray[np.float32]

    @cached_property
    def padded(self) -> NDArray[np.float32]:
        """The image with its padding of zeros."""
        top, bottom, left, right = self.answer.question.sides
        return np.pad(self.image, ((top, bottom), (left, right)))

    @property
    def places(self) -> list[tuple[int, int]]:
        """The outputs' rows and columns, in the order in which the window comes to them."""
        return list(np.ndindex(self.correlation.shape))

    def corner(self, place: tuple[int, int]) -> tuple[int, int]:
        """The upper left pixel, in the padded image, of the window of an output."""
        down, along = two(self.answer.question.stride)
        return place[0] * down, place[1] * along

    def terms(self, place: tuple[int, int], kernel: Kernel) -> list[Term]:
        """The products of a window, row by row."""
        (top, left), padded = self.corner(place), self.padded
        taps = np.ndenumerate(kernel.numbers)
        return [Term(float(weight), float(padded[top + row, left + column])) for (row, column), weight in taps]


def slide(image: NDArray[np.float32], kernel: Kernel, stride: Pair, padding: Padding) -> Sliding:
    """Move a kernel over an image (height, width), as a convolutional layer does, and turned by 180 degrees.

    Raises UsageError for a kernel larger than the padded image, and for more windows than an animation has frames.
    """
    answer = calculate(Question((*image.shape, 1), kernel.shape, stride, padding, 1))
    rows, columns = answer.out[:2]
    if rows * columns > MOST_PLACES:
        raise UsageError(
            f"the window has {rows} x {columns} places; expected at most {MOST_PLACES}: a greater --stride, or a "
            "smaller --size"
        )
    layer = Conv(1, kernel.shape, stride, padding, bias=False, name="conv")

    def correlated(kernel: Kernel) -> NDArray[np.float32]:
        # Divided last, so that sums of whole numbers are exact.
        sums = apply((layer,), image[..., None], {"conv": {"kernel": kernel.numbers[..., None, None]}})[..., 0]
        return np.asarray(sums / np.float32(kernel.divisor))

    return Sliding(image, kernel, answer, correlated(kernel), correlated(kernel.turned))


def written(terms: Sequence[Term], divisor: float, total: float | None) -> str:
    """A sum written out, `(0·1 + 5·(-2)) / 9 = -1.11`; without its total, how far it is: `0·1 ... so far 0`."""
    products = " + ".join(f"{number(term.pixel)}·{signed(term.weight)}" for term in terms)
    if total is None:
        return f"{products} ... so far {number(sum(term.pixel * term.weight for term in terms))}"
    products = f"({products}) / {number(divisor)}" if divisor != 1 else products
    return f"{products} = {number(total)}"


def number(value: float) -> str:
    """At most two digits behind the point: `3`, `4.67`, `-0.5`."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def signed(value: float) -> str:
    """A factor, in parentheses where it is negative."""
    return f"({number(value)})" if value < 0 else number(value)
