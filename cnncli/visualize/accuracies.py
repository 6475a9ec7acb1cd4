"""Accuracies at rising strengths of something, how sure they are, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from cnncli.drawing.figure import TEXT, plain

# Of the normal distribution: 95 % lie within so many deviations of its mean.
DEVIATIONS = 1.959964

SURE = "bands: 95% Wilson intervals"


@dataclass(frozen=True)
class Accuracy:
    """A strength, and that of `count` images `correct` were recognized: part of one where it is a mean of ways."""

    strength: float
    correct: float
    count: int

    @property
    def share(self) -> float:
        """The accuracy as a fraction."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share (Wilson 1927), of so many independent images."""
        square = DEVIATIONS**2
        middle = (self.correct + square / 2) / (self.count + square)
        spread = sqrt(self.correct * (1 - self.share) + square / 4) * DEVIATIONS / (self.count + square)
        return max(0.0, middle - spread), min(1.0, middle + spread)


def half_lost(points: Sequence[Accuracy], none: float = 0.0) -> list[float]:
    """The first strength, on each side of that of no change, at which less than half of its accuracy is left."""
    clean = next(point.share for point in points if point.strength == none)
    lost = [point.strength for point in points if point.share < clean / 2]
    # Of those on a side, the one next to no change.
    return [at for at in lost if not any(min(at, none) < other < max(at, none) for other in lost)]


def dress(axes: Axes, unit: str, half: float) -> None:
    """Axes for shares from 0 to 1 over a strength, with a dotted line at half of what the clean images have."""
    plain(axes)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(unit, fontsize=TEXT)
    axes.axhline(half, color="#555555", linewidth=1.2, linestyle=":")


def line(axes: Axes, points: Sequence[Accuracy], colour: str, label: str = "") -> None:
    """A line through accuracies, on a band that says how sure they are."""
    strengths = [point.strength for point in points]
    low, high = zip(*(point.interval for point in points), strict=True)
    axes.fill_between(strengths, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(strengths, [point.share for point in points], "o-", color=colour, linewidth=2, markersize=5, label=label)
