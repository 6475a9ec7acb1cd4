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
    """What one unit sees of the input along one axis, in pixels: its receptive field, and the jump to its neighbour."""

    size: int = 1
    jump: int = 1

    def through(self, window: int, stride: int) -> "Field":
        """The field after a layer of windows."""
        return Field(self.size + (window - 1) * self.jump, self.jump * stride)

    def joined(self, other: "Field") -> "Field":
        """The field where two ways meet: the longest path's."""
        return Field(max(self.size, other.size), max(self.jump, other.jump))
