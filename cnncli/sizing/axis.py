"""One axis of windows over an image: the formula with its numbers put in, the verdict, and what would fit."""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from cnncli.sizing.geometry import Fit
from cnncli.sizing.report import Shape, Windows


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
    """One axis, `height` or `width`: what was given, in pixels, and how it fits, rounded down or up."""

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
        return f"({self.size} - {self.window} + {padding})/{self.stride} + 1 = {decimal(self.fit.exact)}"

    @property
    def verdict(self) -> str:
        """`fits`, or how the size is rounded: `54.25 rounded down to 54: 1 pixel dropped`."""
        if self.fits:
            return "fits"
        way = "up" if self.fit.added else "down"
        return f"{decimal(self.fit.exact)} rounded {way} to {self.fit.out}: {self.misfit}"

    @property
    def misfit(self) -> str:
        """What becomes of the pixels that do not fit: `1 pixel dropped`, or nothing where they all do."""
        dropped, added = self.fit.dropped, self.fit.added
        return f"{pixels(dropped)} dropped" if dropped else f"{pixels(added)} added" if added else ""

    @property
    def remedy(self) -> Remedy | None:
        """What would fit, None where it does."""
        if self.fits:
            return None
        smaller = self.size - self._room % self.stride
        return Remedy(smaller if smaller > 0 else None, smaller + self.stride, self._padding(), self._stride())

    @property
    def _room(self) -> int:
        """The pixels that the first window leaves for strides; they fit when it is a multiple of the stride."""
        return self.size + self.before + self.after - self.window

    def _padding(self) -> tuple[int, int] | None:
        """The nearest padding that fits, the same on both sides where that can be; uneven, the end has one more."""
        given, fitting = self.before + self.after, self.window - self.size
        # With more, a window would see nothing but padding.
        most = 2 * (self.window - 1)
        nearest = min(given, most)
        able = []
        # Totals that fit are a stride apart; taking every other one of them, each row is all even or all odd.
        for total in (fitting, fitting + self.stride):
            able += [nearest - (nearest - total) % (2 * self.stride), given + (total - given) % (2 * self.stride)]
        able = [total for total in able if 0 <= total <= most]
        best = min(able, key=lambda total: (total % 2, abs(total - given), total), default=None)
        return None if best is None else (best // 2, best - best // 2)

    def _stride(self) -> int:
        """The nearest stride that fits and skips no pixel; 1 always does."""
        small = [part for part in range(1, isqrt(self._room) + 1) if self._room % part == 0]
        able = [part for one in small for part in (one, self._room // one) if part <= self.window]
        return min(able, key=lambda part: (abs(part - self.stride), part))


def axes(input: Shape, windows: Windows) -> tuple[Axis, Axis]:
    """Height and width of windows over an input of (height, width, channel)."""
    (tall, wide), (down, along), (top, bottom, left, right) = windows.window, windows.stride, windows.padding
    return (
        Axis("height", input[0], tall, down, top, bottom, windows.rows),
        Axis("width", input[1], wide, along, left, right, windows.columns),
    )


def pixels(count: int) -> str:
    """`1 pixel`, `2 pixels`."""
    return f"{count} pixel" if count == 1 else f"{count} pixels"


def sides(before: int, after: int) -> str:
    """A padding in words: `padding 1`, or `padding 0 before and 1 after`."""
    return f"padding {before}" if before == after else f"padding {before} before and {after} after"


def decimal(exact: Fraction) -> str:
    """A fraction as a decimal number: `28`, `4.5`, `112.333...`."""
    text = f"{int(exact)}.{int(exact % 1 * 10**4):04}".rstrip("0").rstrip(".")
    return text if Fraction(text) == exact else f"{int(exact)}.{int(exact % 1 * 1000):03}..."
