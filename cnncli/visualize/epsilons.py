"""Accuracy against the radius of the ball that attacks may search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from cnncli.data.dataset import Loaded, Split
from cnncli.drawing.figure import BLUE, ORANGE, TEXT, blank, save
from cnncli.errors import UsageError
from cnncli.visualize import attacks
from cnncli.visualize.accuracies import SURE, Accuracy, dress, half_lost, line
from cnncli.visualize.adversarial import Plan, epsilon
from cnncli.visualize.attacks import ATTACKS, BALLS, Attack, Ball
from cnncli.visualize.judge import Judge, batches, sampled

# Where a curve is measured, as shares of its largest radius.
SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
COLOURS = (BLUE, ORANGE)


@dataclass(frozen=True)
class Curve:
    """An attack, and the accuracy at each radius of its ball, the first 0: no attack.

    An image counts as long as no try has fooled it: one that was found in a smaller ball is in the larger ones too.
    """

    plan: Plan
    points: tuple[Accuracy, ...]


def chosen(data: Loaded, count: int, target: int | None, seed: int) -> Split:
    """Up to `count` images of a split by chance, without those of the target's class, which need no attack."""
    split = sampled(data, count, seed, target)
    if not len(split.labels):
        raise UsageError("--target: all of the images are of this class already; expected another class")
    return split


def measured(judge: Judge, split: Split, plan: Plan, radii: Sequence[float], seed: int) -> Curve:
    """Attack images at rising radii; what is misclassified as it is, or was fooled, is not attacked any more."""
    attack = Attack(judge, plan.by, plan.target is not None, plan.steps)
    count, keys = len(split.labels), attacks.keys(seed, len(split.labels))
    aims = split.labels if plan.target is None else np.full_like(split.labels, plan.target)
    right, points = np.ones(count, np.bool_), []
    for radius in (0.0, *radii):
        left = np.flatnonzero(right)
        for at, new in batches(len(left), judge.batch(count)):
            places = left[at]
            x = judge.fit(split.images[places])
            if radius:
                x = attack(x, jnp.asarray(aims[places]), Ball(plan.ball.norm, radius), keys[places])
            predicted = np.argmax(judge.logits(x), axis=-1)[:new]
            right[places[:new]] = predicted == split.labels[places[:new]]
        points.append(Accuracy(radius, int(right.sum()), count))
    return Curve(replace(plan, ball=Ball(plan.ball.norm, points[-1].strength)), tuple(points))


def draw(curves: Sequence[Curve], path: Path, title: str, about: Mapping[str, str] | None = None) -> None:
    """Draw curves of one norm as a PNG of 800x500 pixels. Raises DataError when the file cannot be written."""
    figure = blank(800, 500)
    axes, points = figure.subplots(), curves[0].points
    ball = curves[0].plan.ball
    dress(axes, f"epsilon: radius of the {BALLS[ball.norm]} ball, 1 is a pixel's whole range", points[0].share / 2)
    for curve, colour in zip(curves, COLOURS, strict=False):
        line(axes, curve.points, colour, f"{ATTACKS[curve.plan.by]}{_steps(curve.plan)}")
    # Close ones would be written over each other.
    ticks = [point.strength for point in points]
    apart = all(after - before > ticks[-1] / 20 for before, after in pairwise(ticks))
    if apart:
        axes.set_xticks(ticks, [epsilon(tick) for tick in ticks])
    axes.set_ylabel(f"accuracy, n = {points[0].count:,}", fontsize=TEXT)
    axes.legend(fontsize=TEXT, edgecolor="none")
    axes.set_title(f"dotted: half of the clean accuracy; {SURE}", fontsize=TEXT - 4, loc="left")
    figure.suptitle(title, fontsize=TEXT + 2, parse_math=False)
    save(figure, path, about=about)


def sentences(curves: Sequence[Curve]) -> list[str]:
    """From where on less than half of the accuracy is left."""
    clean = curves[0].points[0]
    said = [f"Accuracy is {clean.share:.2%} on {clean.count:,} images without an attack"]
    for curve in curves:
        lost, last = half_lost(curve.points), curve.points[-1]
        where = f"falls below half of that at epsilon {epsilon(lost[0])}" if lost else "stays above half of that"
        said.append(
            f"under {ATTACKS[curve.plan.by]} in the {BALLS[curve.plan.ball.norm]} ball it {where}; "
            f"at {epsilon(last.strength)} it is {last.share:.2%}"
        )
    return said


def _steps(plan: Plan) -> str:
    return f", {plan.steps} steps" if plan.by == "pgd" else ""
