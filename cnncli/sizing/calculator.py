"""The bare calculator: how one layer of windows fits its input, with the formula's numbers put in."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from cnncli.errors import UsageError
from cnncli.networks import checks
from cnncli.networks.checks import Check, Padding, Pair, four_sides, two
from cnncli.sizing.geometry import Fit, fit
from cnncli.sizing.report import Shape


@dataclass(frozen=True)
class Remedy:
    """What would fit in place of what does not, each alone: another input, padding (before, after) or stride.

    The nearest of each; None where there is none: no smaller input, no padding narrower than the window.
    """

    smaller: int | None
    larger: int
    padding: tuple[int, int] | None
    stride: int


@dataclass(frozen=True)
class Axis:
    """One axis, `height` or `width`: what was given, in pixels, and how it fits."""

    name: str
    size: int
    window: int
    stride: int
    before: int
    after: int
    fit: Fit

    @property
    def fits(self) -> bool:
        """Whether the formula gives a whole number."""
        return self.fit.exact.denominator == 1

    @property
    def formula(self) -> str:
        """(W - F + 2P)/S + 1 with its numbers: `(32 - 5 + 2*0)/1 + 1 = 28`."""
        padding = f"2*{self.before}" if self.before == self.after else f"{self.before} + {self.after}"
        return f"({self.size} - {self.window} + {padding})/{self.stride} + 1 = {_decimal(self.fit.exact)}"

    @property
    def remedy(self) -> Remedy | None:
        """What would fit, None where it does."""
        if self.fits:
            return None
        smaller, larger = self.size - self.fit.dropped, self.size - self.fit.dropped + self.stride
        return Remedy(smaller if smaller > 0 else None, larger, self._padding(), self._stride())

    def _padding(self) -> tuple[int, int] | None:
        """The nearest padding that fits, the same on both sides where that can be; uneven, the end has one more."""
        given = self.before + self.after
        totals = [given - self.fit.dropped + steps * self.stride for steps in (-1, 0, 1, 2)]
        sides = [(total // 2, total - total // 2) for total in totals if total >= 0]
        able = [pair for pair in sides if pair[1] < self.window <= self.size + sum(pair)]
        return min(able, key=lambda pair: (pair[1] - pair[0], abs(sum(pair) - given), sum(pair)), default=None)

    def _stride(self) -> int:
        """The nearest stride that fits and skips no pixel; 1 always does."""
        room = self.size + self.before + self.after - self.window
        near = (stride for away in count(1) for stride in (self.stride - away, self.stride + away))
        return next(stride for stride in near if stride == 1 or (1 < stride <= self.window and room % stride == 0))


@dataclass(frozen=True)
class Answer:
    """How windows fit an input, and what a convolution with them costs.

    `filters` is their number, None for windows alone; `params` (weights and biases) and `macs` are known when the
    input's channels and the number of filters are.
    """

    input: Shape
    filters: int | None
    rows: Axis
    columns: Axis
    params: int | None = None
    macs: int | None = None

    @property
    def fits(self) -> bool:
        """Whether both sizes are whole."""
        return self.rows.fits and self.columns.fits

    @property
    def out(self) -> Shape:
        """The output, rounded down: height, width, and the number of filters where it is given."""
        size = (self.rows.fit.out, self.columns.fit.out)
        return size if self.filters is None else (*size, self.filters)


def calculate(
    input: tuple[int, ...],
    window: Pair,
    stride: Pair = 1,
    pad: Padding = 0,
    filters: int | None = None,
) -> Answer:
    """Lay windows over an input of (size,), (height, width) or (height, width, channel).

    Raises UsageError for values that cannot be, and for a window larger than its padded input.
    """
    shape = _checked("input", _input, input)
    tall, wide = two(_checked("filter", checks.pair(1), window))
    down, along = two(_checked("stride", checks.pair(1), stride))
    top, bottom, left, right = four_sides(_checked("padding", checks.padding, pad))
    rows = _axis("height", shape[0], tall, down, top, bottom)
    columns = _axis("width", shape[1], wide, along, left, right)
    if filters is None:
        return Answer(shape, None, rows, columns)
    _checked("filters", checks.whole(1), filters)
    if len(shape) < 3:
        return Answer(shape, filters, rows, columns)
    weights = tall * wide * shape[2] * filters
    return Answer(shape, filters, rows, columns, weights + filters, weights * rows.fit.out * columns.fit.out)


def _axis(name: str, size: int, window: int, stride: int, before: int, after: int) -> Axis:
    try:
        return Axis(name, size, window, stride, before, after, fit(size, window, stride, before, after))
    except UsageError as error:
        raise type(error)(f"{name}: {error}") from None


def _input(value: Any) -> Shape:
    try:
        sizes = tuple(checks.whole(1)(part) for part in value)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) not in (1, 2, 3):
        raise ValueError("a size, height and width, or height, width and channels, each at least 1")
    return sizes * 2 if len(sizes) == 1 else sizes


def _checked(what: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except ValueError as expected:
        raise UsageError(f"{what} is {checks.shown(value)}; expected {expected}") from None


def _decimal(exact: Fraction) -> str:
    """A fraction as a decimal number: `28`, `4.5`, `112.333...`."""
    text = f"{int(exact)}.{int(exact % 1 * 10**4):04}".rstrip("0").rstrip(".")
    return text if Fraction(text) == exact else f"{int(exact)}.{int(exact % 1 * 1000):03}..."
