"""A run's curves: loss and accuracy by epoch, in training and in validation."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from cnncli.errors import DataError
from cnncli.visualize.figure import BLUE, ORANGE, TEXT, blank, plain, save

WIDTH, HEIGHT = 1000, 400

# Losses that span more than this are drawn on a logarithmic axis.
WIDE = 8.0

# The lines of metrics.jsonl.
Metrics = Sequence[Mapping[str, Any]]


def draw(metrics: Metrics, path: Path, title: str = "") -> None:
    """Draw the epochs' metrics as a PNG of 1000x400 pixels, the best epoch in validation marked.

    Values of None are left out. Raises DataError when there are no epochs or the file cannot be written.
    """
    if not metrics:
        raise DataError(f"there are no epochs to draw in {path}: the run has no metrics yet")
    figure = blank(WIDTH, HEIGHT)
    loss, accuracy = figure.subplots(1, 2)
    _panel(loss, metrics, "loss", 1)
    _panel(accuracy, metrics, "accuracy", 100)
    _scale_loss(loss, [value for kind in ("train_loss", "val_loss") for _, value in _points(metrics, kind)])
    accuracy.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))
    if title:
        figure.suptitle(title, fontsize=TEXT + 2, parse_math=False)
    save(figure, path)


def _panel(axes: Axes, metrics: Metrics, kind: str, unit: float) -> None:
    plain(axes)
    axes.set_title(kind, fontsize=TEXT + 1, loc="left")
    axes.set_xlabel("epoch", fontsize=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    for which, name, colour in (("train", "training", BLUE), ("val", "validation", ORANGE)):
        points = [(epoch, unit * value) for epoch, value in _points(metrics, f"{which}_{kind}")]
        if points:
            marker = "o" if len(points) <= 12 else ""
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=2.2, marker=marker, markersize=4, label=name)
    _mark_best(axes, metrics, f"val_{kind}", unit)
    if axes.lines:
        axes.legend(fontsize=TEXT, edgecolor="none", framealpha=0.85, loc="best")


def _mark_best(axes: Axes, metrics: Metrics, key: str, unit: float) -> None:
    """A ring around the value of the best epoch in validation, and its number and value in the legend."""
    best = best_epoch(metrics)
    value = dict(_points(metrics, key)).get(best) if best is not None else None
    if best is None or value is None:
        return
    shown = f"{unit * value:.2f} %" if unit == 100 else f"{value:.3g}"
    ring: dict[str, Any] = {"markersize": 11, "markerfacecolor": "none", "markeredgewidth": 2}
    axes.plot([best], [unit * value], "o", color=ORANGE, label=f"best, epoch {best}: {shown}", **ring)


def best_epoch(metrics: Metrics) -> int | None:
    """The epoch of the highest validation accuracy, of equals the one of the lowest loss; None without validation."""
    losses = dict(_points(metrics, "val_loss"))
    points = _points(metrics, "val_accuracy")
    return max(points, key=lambda point: (point[1], -losses.get(point[0], 0.0)))[0] if points else None


def _points(metrics: Metrics, key: str) -> list[tuple[int, float]]:
    """(epoch, value) wherever there is a finite value."""
    given = ((int(line["epoch"]), line.get(key)) for line in metrics)
    return [(epoch, float(value)) for epoch, value in given if value is not None and isfinite(value)]


def _scale_loss(axes: Axes, losses: list[float]) -> None:
    if losses and min(losses) > 0 and max(losses) > WIDE * min(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
