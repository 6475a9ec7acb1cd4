"""Matplotlib figures without a display: the colours and sizes they share, and how they reach the disk."""

import io
from contextlib import suppress
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cnncli.errors import DataError

# Okabe and Ito's colours, told apart by colour-blind eyes.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
TEXT = 13
DOTS_PER_INCH = 100


def blank(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` pixels that lays itself out."""
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes) -> None:
    """Axes with a light grid behind what is drawn, without a box around it."""
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT - 1)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG whole or not at all. Raises DataError when it cannot be written."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(picture.getvalue())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise DataError(f"the picture {path} cannot be written: {error.strerror or error}") from error
