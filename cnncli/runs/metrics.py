"""What the lines of metrics.jsonl say: a curve of one of their figures, smoothed, and the best epoch."""

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import median
from typing import Any

# The lines of metrics.jsonl, oldest first.
Metrics = Sequence[Mapping[str, Any]]

# A median of fewer values than this leaves one bad epoch in; one over a tenth of a run shows the same whatever its
# length.
FEWEST, SHARE = 3, 10


def points(metrics: Metrics, key: str) -> list[tuple[int, float]]:
    """(epoch, value) wherever there is a finite value."""
    given = ((int(line["epoch"]), line.get(key)) for line in metrics)
    return [(epoch, float(value)) for epoch, value in given if value is not None and isfinite(value)]


def best_epoch(metrics: Metrics) -> int | None:
    """The epoch of the highest validation accuracy, of equals the one of the lowest loss; None without validation."""
    losses = dict(points(metrics, "val_loss"))
    accuracies = points(metrics, "val_accuracy")
    return max(accuracies, key=lambda point: (point[1], -losses.get(point[0], 0.0)))[0] if accuracies else None


def width(count: int) -> int:
    """Over how many epochs a run of `count` is smoothed: an odd number."""
    return max(FEWEST, count // SHARE) | 1


def smoothed(values: Sequence[float]) -> list[float]:
    """The running median, over fewer values towards both ends, as many on either side.

    A bad epoch between others leaves no trace, and what only rises or only falls stays as it is.
    """
    half, last = width(len(values)) // 2, len(values) - 1
    reach = [min(half, at, last - at) for at in range(len(values))]
    return [median(values[at - by : at + by + 1]) for at, by in enumerate(reach)]
