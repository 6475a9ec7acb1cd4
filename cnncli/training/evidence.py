"""What a training's curves show, as plain numbers: where they ended, how they go, gaps, jumps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import isfinite
from statistics import median
from typing import Any

from cnncli.runs.metrics import Metrics, best_epoch, points, smoothed, width

# A loss that rises by this share of itself within an epoch jumps; where training is calm it changes by hundredths.
JUMP = 0.15
# And by this share of what it began at: near zero, a small change is a large share.
FELT = 0.05
# Fewer epochs than these have no trend that is told from noise, and the same medians at both ends.
SHORTEST = 5
# Slopes between this many points, spread evenly, are as good as between all, and soon counted.
MOST = 100


@dataclass(frozen=True)
class Course:
    """A curve in eight numbers, robust to a bad epoch: medians at both ends, extremes of the running median.

    Only `began` is the first value itself, which steps that are too long have not yet thrown up. `trend` is the change
    over the last third and `drift` over the second half, of a loss as a share of `first`, so that neither the unit nor
    the number of epochs matters. Of the slopes between any two epochs (Theil 1950, Sen 1968) three quarters go at least
    so far; where they do not agree on the direction it is 0.
    """

    began: float
    first: float
    last: float
    lowest: float
    lowest_epoch: int
    highest: float
    trend: float
    drift: float


@dataclass(frozen=True)
class Gap:
    """How far validation lags behind training: in accuracy training less validation, in loss validation less training.

    Training accuracy is measured with dropout and augmentation on, so that the gap may well be negative.
    """

    epoch: int
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Evidence:
    """What is seen; None where there is nothing to see it by, accuracies as fractions.

    `finite` says that the last epoch's losses are numbers; `regained` is the rise of validation loss since its
    minimum as a share of its first, `turned` the same where training loss went on falling, and `risen` the rise of
    training loss above where it began, as a share of that; `jumps` counts the epochs of the second half, `chances` in
    all, in which training loss leapt up; `rate_left` is the learning rate at the end as a share of its highest;
    `evaluated` is an accuracy on other images than these.
    """

    epochs: int
    finite: bool
    train_loss: Course | None = None
    train_accuracy: Course | None = None
    val_loss: Course | None = None
    val_accuracy: Course | None = None
    gap_at_end: Gap | None = None
    gap_at_best: Gap | None = None
    regained: float = 0.0
    turned: float = 0.0
    risen: float = 0.0
    jumps: int = 0
    chances: int = 0
    rate_left: float | None = None
    evaluated: float | None = None


def gather(metrics: Metrics, evaluated: float | None = None, best: int | None = None) -> Evidence:
    """Read the lines of metrics.jsonl; `best` is the epoch of the best checkpoint, else it is looked for."""
    curves = {
        key: points(metrics, key)
        for key in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")
    }
    losses, rates = [value for _, value in curves["train_loss"]], [rate for _, rate in curves.pop("learning_rate")]
    courses = {key: _course(curve, key.endswith("loss")) for key, curve in curves.items()}
    gaps = _gaps({key: dict(curve) for key, curve in curves.items()})
    best = best_epoch(metrics) if best is None else best
    regained = _regained(curves["val_loss"], courses["val_loss"])
    jumps, chances = _jumps(losses)
    return Evidence(
        epochs=len(losses),
        finite=not metrics or _finite(metrics[-1]),
        **courses,
        gap_at_end=_typical(gaps),
        gap_at_best=next((gap for gap in gaps if gap.epoch == best), None),
        regained=regained,
        turned=regained if _fell_since(curves["train_loss"], courses["val_loss"]) else 0.0,
        risen=_risen(losses),
        jumps=jumps,
        chances=chances,
        rate_left=rates[-1] / max(rates) if rates and max(rates) > 0 else None,
        evaluated=evaluated,
    )


def _finite(line: Mapping[str, Any]) -> bool:
    """Whether an epoch's losses are numbers; metrics.jsonl holds null for those that are not."""
    keys = ["train_loss", "val_loss"] if line.get("val_accuracy") is not None else ["train_loss"]
    values = [line.get(key) for key in keys]
    return all(value is not None and isfinite(value) for value in values)


def _course(curve: Sequence[tuple[int, float]], loss: bool) -> Course | None:
    if not curve:
        return None
    values = [value for _, value in curve]
    calm, ends = smoothed(values), width(len(values))
    lowest = min(range(len(calm)), key=calm.__getitem__)
    first = median(values[:ends])
    unit = (abs(first) or 1.0) if loss else 1.0
    return Course(
        began=values[0],
        first=first,
        last=median(values[-ends:]),
        lowest=calm[lowest],
        lowest_epoch=curve[lowest][0],
        highest=max(calm),
        trend=_change(values[-max(len(values) // 3, SHORTEST) :]) / unit,
        drift=_change(values[-max(len(values) // 2, SHORTEST) :]) / unit,
    )


def _change(values: Sequence[float]) -> float:
    """From the first of some values to the last, as far as three quarters of the slopes between any two agree."""
    spread = values[:: -(-len(values) // MOST)]
    if len(spread) < 2:
        return 0.0
    slopes = sorted((later - one) / (at - before) for (before, one), (at, later) in combinations(enumerate(spread), 2))
    low, high = slopes[len(slopes) // 4], slopes[-1 - len(slopes) // 4]
    return (high if high < 0 else max(low, 0.0)) * (len(spread) - 1)


def _gaps(curves: Mapping[str, Mapping[int, float]]) -> list[Gap]:
    epochs = [epoch for epoch in curves["train_loss"] if all(epoch in curve for curve in curves.values())]
    return [
        Gap(
            epoch,
            curves["train_accuracy"][epoch] - curves["val_accuracy"][epoch],
            curves["val_loss"][epoch] - curves["train_loss"][epoch],
        )
        for epoch in epochs
    ]


def _typical(gaps: Sequence[Gap]) -> Gap | None:
    """The gap at the end."""
    if not gaps:
        return None
    ending = gaps[-width(len(gaps)) :]
    return Gap(gaps[-1].epoch, median(gap.accuracy for gap in ending), median(gap.loss for gap in ending))


def _regained(curve: Sequence[tuple[int, float]], val: Course | None) -> float:
    """How far validation loss has risen since its minimum; one among the last epochs is none yet."""
    if val is None or val.lowest_epoch >= curve[-width(len(curve)) :][0][0]:
        return 0.0
    return max(val.last - val.lowest, 0.0) / (abs(val.first) or 1.0)


def _fell_since(train: Sequence[tuple[int, float]], val: Course | None) -> bool:
    """Whether training loss has gone on falling since validation loss was lowest."""
    if val is None or not train:
        return False
    calm = dict(zip((epoch for epoch, _ in train), smoothed([value for _, value in train]), strict=True))
    then, now = calm.get(val.lowest_epoch), median(value for _, value in train[-width(len(train)) :])
    return then is not None and now < then


def _risen(losses: Sequence[float]) -> float:
    """How far a loss rose above where it began; what only falls, or has one bad epoch, did not."""
    ends = width(len(losses))
    # Where the running median has its whole width, after those it began with.
    later = smoothed(losses)[ends : len(losses) - ends // 2]
    began = losses[0] if losses else 0.0
    return max((loss - began for loss in later), default=0.0) / (abs(began) or 1.0)


def _jumps(losses: Sequence[float]) -> tuple[int, int]:
    """How many epochs of the second half leapt up, and of how many."""
    if len(losses) < 2:
        return 0, 0
    felt = FELT * median(losses[: width(len(losses))])
    steps = list(pairwise(losses))[len(losses) // 2 - 1 :]
    return sum(later - one > max(JUMP * one, felt) for one, later in steps), len(steps)
