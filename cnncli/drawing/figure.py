"""Matplotlib figures without a display: the colours and sizes they share, and how they reach the disk."""

import io
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from cnncli.drawing.palette import BLUE as BLUE
from cnncli.drawing.palette import ORANGE as ORANGE
from cnncli.errors import DataError

TEXT = 13
DOTS_PER_INCH = 100


def blank(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` pixels that lays itself out."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes) -> None:
    """Axes with a light grid behind what is drawn, without a box around it."""
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT - 1)


def save(figure: Figure, path: Path, format: str = "png", about: Mapping[str, str] | None = None) -> None:
    """Write a PNG or SVG whole or not at all, a PNG with texts that say what it is `about`.

    Raises DataError when it cannot be written.
    """
    written(path, encoded(figure, format, about))


def encoded(figure: Figure, format: str = "png", about: Mapping[str, str] | None = None) -> bytes:
    """A figure as the bytes of a PNG or SVG, a PNG with texts that say what it is `about`."""
    picture = io.BytesIO()
    # An SVG has its text as text, and nothing in it that another run would not write.
    with warnings.catch_warnings(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "cnncli"}):
        # A letter that the font lacks is drawn as a box: no reason to talk about it.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(picture, format=format, metadata={"Date": None} if format == "svg" else dict(about or {}))
    return picture.getvalue()


def written(path: Path, content: bytes, what: str = "picture") -> None:
    """Write a picture's file, or another, whole or not at all. Raises DataError when it cannot be written."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise DataError(f"the {what} {path} cannot be written: {error.strerror or error}") from error
