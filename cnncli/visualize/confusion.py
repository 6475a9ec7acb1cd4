"""A confusion matrix: true classes down, predicted classes across, each row coloured by its shares."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from cnncli.visualize.figure import TEXT, blank, save

# From white to a blue as dark as text, lightness falling evenly.
BLUES = LinearSegmentedColormap.from_list("blues", ["#FFFFFF", "#CFE3F2", "#7FB5DA", "#2B7BBA", "#08306B"])
DARK = 0.6

# With more classes than this, counts are not written and only some names are.
WRITTEN = 20
LONGEST = 20

# In pixels: a cell that holds a count, a letter of a name, the matrix of many classes, what the scale and axes need.
CELL, LETTER, MATRIX, SCALE, AXIS = 54, 8, 800, 130, 90


def draw(confusion: Sequence[Sequence[int]], classes: Sequence[str], path: Path, title: str = "") -> None:
    """Draw `confusion[true][predicted]` as a PNG whose size follows the number of classes and their names' length.

    Raises DataError when the file cannot be written.
    """
    counts = np.asarray(confusion, np.int64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in classes]
    figure = blank(*size(names))
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=BLUES, vmin=0, vmax=1, interpolation="nearest")
    _name(axes, names)
    if len(names) <= WRITTEN:
        _write(axes, counts, shares)
    bar = figure.colorbar(image, ax=axes, aspect=30, pad=0.02, ticks=[0, 0.25, 0.5, 0.75, 1], format=PercentFormatter(1))
    bar.ax.tick_params(labelsize=TEXT - 2, length=0)
    bar.set_label("share of the true class", fontsize=TEXT - 1)
    bar.outline.set_visible(False)  # type: ignore[operator]
    axes.set_title(title, fontsize=TEXT + 1, pad=10, parse_math=False)
    save(figure, path)


def size(names: Sequence[str]) -> tuple[int, int]:
    """Width and height of the picture in pixels."""
    matrix = max(4, len(names)) * CELL if len(names) <= WRITTEN else MATRIX
    edge = AXIS + LETTER * max(map(len, names))
    return matrix + edge + SCALE, matrix + (edge if _upright(names) else AXIS) + 30


def _upright(names: Sequence[str]) -> bool:
    """Whether the names of the columns are too long to stand side by side."""
    return len(names) <= WRITTEN and LETTER * max(map(len, names)) > CELL - 4


def _name(axes: Axes, names: Sequence[str]) -> None:
    """The axes' names: of every class, or of every tenth where there are many."""
    ticks = range(0, len(names), 1 if len(names) <= WRITTEN else -(-len(names) // 10))
    labels = [names[tick] for tick in ticks]
    axes.set_yticks(ticks, labels, parse_math=False)
    axes.set_xticks(ticks, labels, parse_math=False, rotation=90 if _upright(names) else 0)
    axes.tick_params(labelsize=TEXT - 1, length=0 if len(names) <= WRITTEN else 4)
    axes.set_ylabel("true class", fontsize=TEXT)
    axes.set_xlabel("predicted class", fontsize=TEXT)
    axes.spines[:].set_color("#999999")


def _write(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """The counts, white on dark cells; a zero stays blank. Fine white lines part the cells."""
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > DARK else "#222222"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=TEXT - 1)
    between = np.arange(len(counts) - 1) + 0.5
    axes.hlines(between, -0.5, len(counts) - 0.5, color="#E4E4E4", linewidth=0.8)
    axes.vlines(between, -0.5, len(counts) - 0.5, color="#E4E4E4", linewidth=0.8)
