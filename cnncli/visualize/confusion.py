"""A confusion matrix: true classes down, predicted classes across, each row coloured by its shares."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from cnncli.drawing.figure import TEXT, blank, save
from cnncli.drawing.names import shortened

# From white to a blue as dark as text, lightness falling evenly; counts on more than DARK of it are white.
BLUES = LinearSegmentedColormap.from_list("blues", ["#FFFFFF", "#CFE3F2", "#7FB5DA", "#2B7BBA", "#08306B"])
DARK = 0.6

# With more classes than this, counts are not written, and only so many names are.
WRITTEN = 20

# In pixels: a cell that holds a count, the matrix of many classes, a letter of a name, and what stands around.
CELL, MATRIX, LETTER, AXIS, TITLE, SCALE = 54, 800, 8, 70, 40, 115


def draw(
    confusion: Sequence[Sequence[int]],
    classes: Sequence[str],
    path: Path,
    title: str = "",
    about: Mapping[str, str] | None = None,
) -> None:
    """Draw `confusion[true][predicted]` as a PNG whose size follows the number of classes and their names' length.

    Colours go by the square root of the share, so that a mistake of one in a hundred is seen. Raises DataError when
    the file cannot be written.
    """
    save(drawn(confusion, classes, title), path, about=about)


def drawn(confusion: Sequence[Sequence[int]], classes: Sequence[str], title: str = "") -> Figure:
    """A confusion matrix as a figure."""
    counts = np.asarray(confusion, np.int64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shortened(name) for name in classes]
    figure = blank(*size(names, title))
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=BLUES, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    _name(axes, names)
    if len(names) <= WRITTEN:
        _write(axes, counts, shares)
    _scale(axes, image, _side(names))
    axes.set_title(title, fontsize=TEXT + 1, pad=10, parse_math=False)
    return figure


def mixed_up(confusion: Sequence[Sequence[int]], most: int = 3) -> list[tuple[int, int, int]]:
    """The most frequent mistakes, the most frequent first: each (count, true class, predicted class)."""
    pairs = [
        (count, true, predicted)
        for true, row in enumerate(confusion)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair[0])[:most]


def size(names: Sequence[str], title: str = "") -> tuple[int, int]:
    """Width and height of the picture in pixels; a long title has room."""
    side, longest = _side(names), LETTER * max(map(len, names))
    below = longest if _upright(names) else 2 * LETTER
    wide = max(side + longest + AXIS + SCALE, (LETTER + 2) * len(title))
    return wide, side + below + AXIS + TITLE


def _side(names: Sequence[str]) -> int:
    return max(4, len(names)) * CELL if len(names) <= WRITTEN else MATRIX


def _upright(names: Sequence[str]) -> bool:
    """Whether the names of the columns are too long to stand side by side."""
    return LETTER * max(map(len, names)) > _side(names) / min(len(names), WRITTEN) - LETTER


def _name(axes: Axes, names: Sequence[str]) -> None:
    """The axes' names: of every class, or of some where there are many."""
    ticks = range(0, len(names), -(-len(names) // WRITTEN))
    labels = [names[tick] for tick in ticks]
    axes.set_yticks(ticks, labels, parse_math=False)
    axes.set_xticks(ticks, labels, parse_math=False, rotation=90 if _upright(names) else 0)
    axes.tick_params(labelsize=TEXT - 1, length=0 if len(ticks) == len(names) else 4)
    axes.set_ylabel("true class", fontsize=TEXT)
    axes.set_xlabel("predicted class", fontsize=TEXT)
    axes.spines[:].set_color("#999999")


def _write(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """The counts, white on dark cells, a zero left blank; and fine lines between the cells."""
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] ** 0.5 > DARK else "#222222"
            text = f"{count:,}"
            small = 2 if len(text) > 5 else 1
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=TEXT - small)
    between = np.arange(len(counts) - 1) + 0.5
    axes.hlines(between, -0.5, len(counts) - 0.5, color="#E4E4E4", linewidth=0.8)
    axes.vlines(between, -0.5, len(counts) - 0.5, color="#E4E4E4", linewidth=0.8)


def _scale(axes: Axes, image: AxesImage, side: int) -> None:
    """What the colours mean, as high as the matrix."""
    beside = axes.inset_axes((1 + 14 / side, 0, 18 / side, 1))
    ticks = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1]
    bar = axes.get_figure(root=True).colorbar(image, cax=beside, ticks=ticks, format=PercentFormatter(1))  # type: ignore[union-attr]
    bar.ax.tick_params(labelsize=TEXT - 2, length=3)
    bar.set_label("share of the true class", fontsize=TEXT - 1)
    beside.spines[:].set_visible(False)
