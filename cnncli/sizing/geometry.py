"""The arithmetic of windows over a line of pixels: (W - F + P)/S + 1, what does not fit, and receptive fields."""

from dataclasses import dataclass
from fractions import Fraction

from cnncli.errors import UsageError


class TooSmall(UsageError):
    """A window is larger than the padded input it looks at."""


@dataclass(frozen=True)
class Fit:
    """How windows lie on one axis: `exact` is the formula's value, `out` the whole number taken.

    `dropped` pixels at the end are never seen where the size is rounded down; `added` ones are imagined where it is
    rounded up. Both are 0 when the windows fit.
    """

    exact: Fraction
    out: int
    dropped: int = 0
    added: int = 0


def fit(size: int, window: int, stride: int, before: int = 0, after: int = 0, ceil: bool = False) -> Fit:
    """Lay windows of `window` pixels every `stride` over `size` pixels with padding at both ends.

    Rounded up (`ceil`), a window that would start beyond the input and its leading padding is left out, as PyTorch and
    Caffe do. Raises TooSmall when one window is larger than the padded input.
    """
    padded = size + before + after
    if window > padded:
        padding = f" with padding {before}+{after}" if before or after else ""
        raise TooSmall(f"a window of {window} on an input of {size}{padding}: it is larger than what it looks at")
    exact = Fraction(padded - window, stride) + 1
    out = int(exact)
    if ceil and exact != out and out * stride < size + before:
        out += 1
    surplus = (out - 1) * stride + window - padded
    return Fit(exact, out, max(-surplus, 0), max(surplus, 0))


@dataclass(frozen=True)
class Field:
    """What one unit sees of the input along one axis, in pixels: its receptive field, and the jump to its neighbour.

    `start` is where that of the first unit begins, below 0 in the padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, window: int, stride: int, before: int = 0) -> "Field":
        """The field after a layer of windows, the first of which begins in `before` units of padding."""
        return Field(self.size + (window - 1) * self.jump, self.jump * stride, self.start - before * self.jump)

    def joined(self, other: "Field", units: int = 1) -> "Field":
        """The field where two ways to so many units meet: all that is seen on either of them.

        Where their jumps differ, it has room for the unit that lags behind most.
        """
        jump = max(self.jump, other.jump)
        start = min(way.start - (jump - way.jump) * (units - 1) for way in (self, other))
        return Field(max(self.start + self.size, other.start + other.size) - start, jump, start)

    def of(self, unit: int) -> range:
        """The pixels that a unit sees; those below 0, and beyond the image, are padding."""
        first = self.start + unit * self.jump
        return range(first, first + self.size)
