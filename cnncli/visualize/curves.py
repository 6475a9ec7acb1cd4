"""A run's curves by epoch: loss and accuracy in training and validation, the rate, the gradient; and several runs'."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from cnncli.drawing.figure import BLUE, ORANGE, TEXT, blank, plain, save
from cnncli.errors import DataError
from cnncli.runs.metrics import Metrics, best_epoch, points, smoothed, width

# Wide as a page; the second height adds a row for the rate and the gradient.
WIDTH, HEIGHT, HEIGHT_WITH_RATE = 1000, 400, 640
# Where the legend of several runs stands beside the panels.
LEGEND = 320

# Values that span more than this are drawn on a logarithmic axis.
WIDE = 8.0
# Fewer epochs than these have their points marked; more have a smoothed line over the raw one.
MARKED = 12
# Of more runs than these the thin raw lines are left out.
FEW = 4
# So many names stand under each other in the legend beside the panels.
TALLEST = 16
# Of a long name of a run, its end tells it from others.
LONGEST = 28

# Okabe and Ito's eight colours in an order of contrast, grey for their yellow, which is too light for a line.
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#777777")

# How training looks where the colour is the run's; its few points are rings.
DASHED: dict[str, Any] = {"linestyle": "--", "linewidth": 1.4, "markerfacecolor": "white"}

Points = Sequence[tuple[int, float]]


def draw(
    metrics: Metrics,
    path: Path,
    title: str = "",
    best: int | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Draw the epochs' metrics as a PNG 1000 pixels wide, the epoch of the best checkpoint marked.

    It is 400 pixels high, or 640 with the learning rate and the norm of the gradient, where the metrics have them. A
    thin line is the values themselves and a thick one their running median. `best` is by default the epoch of the
    highest validation accuracy. Values of None are left out. Raises DataError when there are no epochs, or the file
    cannot be written.
    """
    if not metrics:
        raise DataError(f"there are no epochs to draw in {path}: the run has no metrics yet")
    save(drawn(metrics, title, best), path, about=about)


def drawn(metrics: Metrics, title: str = "", best: int | None = None) -> Figure:
    """The epochs' metrics, of which there are some, as a figure."""
    best = best_epoch(metrics) if best is None else best
    extra = [key for key in ("learning_rate", "gradient_norm") if points(metrics, key)]
    figure = blank(WIDTH, HEIGHT_WITH_RATE if extra else HEIGHT)
    rows = figure.add_gridspec(2 if extra else 1, 2, height_ratios=[5, 3] if extra else [1])
    for column, kind in enumerate(("loss", "accuracy")):
        _panel(figure.add_subplot(rows[0, column]), metrics, kind, best)
    for column, key in enumerate(extra):
        place = rows[1, column] if len(extra) > 1 else rows[1, :]
        _single(figure.add_subplot(place), points(metrics, key), key.replace("_", " "), best)
    return _titled(figure, title)


def overlay(
    runs: Sequence[tuple[str, Metrics]], path: Path, title: str = "", about: Mapping[str, str] | None = None
) -> None:
    """Draw several runs' loss and accuracy as a PNG: a colour a run, training dashed, validation solid.

    It is 400 pixels high, and 1000 wide without the legend beside the panels. The thin raw lines of more than four runs
    are left out. Raises DataError when there is no run, one has no epochs, or the file cannot be written.
    """
    lacking = ", ".join(name for name, metrics in runs if not metrics)
    if lacking or not runs:
        raise DataError(f"there are no epochs to draw{' in ' * bool(lacking)}{lacking}")
    columns, few = -(-(len(runs) + 2) // TALLEST), len(runs) <= FEW
    figure = blank(WIDTH + LEGEND * columns, HEIGHT)
    colours = _colours(len(runs))
    for axes, kind in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _dress(axes, kind)
        for (_, metrics), colour in zip(runs, colours, strict=True):
            for which, look in (("train", DASHED), ("val", {})):
                curve = _values(metrics, which, kind)
                if few:
                    _raw(axes, curve, colour)
                _line(axes, curve, colour, **look)
        if kind == "loss":
            _scale(axes)
        _note(axes, [width(len(metrics)) for _, metrics in runs if len(metrics) > MARKED], "thick: " if few else "")
    keys = [Line2D([], [], color=colour, linewidth=2.2) for colour in colours]
    keys += [Line2D([], [], color="#555555", **DASHED), Line2D([], [], color="#555555", linewidth=2.2)]
    names = [*(_short(name) for name, _ in runs), "training", "validation"]
    # Several runs fill the panels: inside, it would lie over one of them.
    figure.legend(keys, names, loc="outside right center", ncols=columns, fontsize=TEXT - 1, frameon=False)
    save(_titled(figure, title), path, about=about)


def _panel(axes: Axes, metrics: Metrics, kind: str, best: int | None) -> None:
    """Training and validation, the best epoch ringed."""
    _dress(axes, kind)
    for which, name, colour in (("train", "training", BLUE), ("val", "validation", ORANGE)):
        _raw(axes, _values(metrics, which, kind), colour)
        _line(axes, _values(metrics, which, kind), colour, label=name)
    value = dict(_values(metrics, "val", kind)).get(best) if best is not None else None
    if best is not None and value is not None:
        shown = f"{value:.2f} %" if kind == "accuracy" else f"{value:.3g}"
        ring: dict[str, Any] = {"markersize": 11, "markerfacecolor": "none", "markeredgewidth": 2}
        axes.plot([best], [value], "o", color=ORANGE, label=f"best, epoch {best}: {shown}", **ring)
    if kind == "loss":
        _scale(axes)
    if axes.lines:
        axes.legend(fontsize=TEXT - 1, edgecolor="none", framealpha=0.85, loc="best")
    _note(axes, [width(len(metrics))] if len(metrics) > MARKED else [])


def _single(axes: Axes, curve: Points, title: str, best: int | None) -> None:
    """One curve of training, with the best epoch as a line across; a rate has no noise to take away, but a peak."""
    _dress(axes, title)
    _raw(axes, curve, BLUE)
    _line(axes, curve, BLUE, calm=list if title == "learning rate" else _calm)
    if best is not None:
        axes.axvline(best, color=ORANGE, linewidth=1, linestyle=":")
    if title != "learning rate":
        _scale(axes)


def _dress(axes: Axes, title: str) -> None:
    plain(axes)
    axes.set_title(title, fontsize=TEXT + 1, loc="left")
    axes.set_xlabel("epoch", fontsize=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %" if title == "accuracy" else "{x:g}"))


def _note(axes: Axes, widths: Sequence[int], which: str = "thick: ") -> None:
    """Say over how many epochs lines are smoothed."""
    if widths:
        span = " to ".join(str(width) for width in sorted({min(widths), max(widths)}))
        axes.set_xlabel(f"epoch ({which}median of {span})", fontsize=TEXT)


def _calm(values: Sequence[float]) -> list[float]:
    """The running median, near the end over what is left of its width: over ever fewer values it ends in a hook."""
    half = width(len(values)) // 2
    return [*smoothed(values)[:-half], *(median(values[at - half :]) for at in range(len(values) - half, len(values)))]


def _line(axes: Axes, curve: Points, colour: Any, calm: Callable[..., list[float]] = _calm, **look: Any) -> None:
    """A curve: few points are joined, of many a running median is."""
    if curve:
        epochs, values = zip(*curve, strict=True)
        few = len(curve) <= MARKED
        look = {"linewidth": 2.2, "marker": "o" if few else "", "markersize": 4, **look}
        axes.plot(epochs, values if few else calm(values), color=colour, **look)


def _raw(axes: Axes, curve: Points, colour: Any) -> None:
    """The values themselves, thin, where the curve is not."""
    if len(curve) > MARKED:
        axes.plot(*zip(*curve, strict=True), color=colour, linewidth=1, alpha=0.45)


def _values(metrics: Metrics, which: str, kind: str) -> list[tuple[int, float]]:
    """A curve of training or validation; accuracies in percent."""
    unit = 100 if kind == "accuracy" else 1
    return [(epoch, unit * value) for epoch, value in points(metrics, f"{which}_{kind}")]


def _scale(axes: Axes) -> None:
    """A logarithmic axis for what spans much."""
    drawn = axes.dataLim
    if axes.lines and drawn.ymin > 0 and drawn.ymax > WIDE * drawn.ymin:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _colours(count: int) -> list[Any]:
    """Colours that are told apart; of more than eight, those from a scale."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    scale = colormaps["turbo"]
    return [scale(0.05 + 0.9 * at / (count - 1)) for at in range(count)]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else "…" + name[1 - LONGEST :]


def _titled(figure: Figure, title: str) -> Figure:
    if title:
        figure.suptitle(title, fontsize=TEXT + 2, parse_math=False)
    return figure
