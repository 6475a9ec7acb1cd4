"""Rows of images with their names, pixel by pixel: a picture for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnncli.errors import UsageError
from cnncli.visualize.confusion import shortened
from cnncli.visualize.figure import DOTS_PER_INCH, TEXT, save

# In pixels: what small images are enlarged to, the blanks around images, between originals and changed ones, and
# around everything, and how wide a letter and how high a line is, in names and in captions.
CELL, GAP, APART, MARGIN = 96, 6, 24, 16
LETTER, LINE = 10, 22
SMALL_LETTER, SMALL_LINE = 7, 13

# A light grey, on which the edges of white images are seen.
PAGE = 228

# No picture is larger: 40 million pixels are 160 MB in memory, and a side of 2^16 cannot be drawn.
MOST_PIXELS, LONGEST_SIDE = 40_000_000, 60_000


@dataclass(frozen=True)
class Row:
    """A name, images (count, height, width, channels) uint8 as they are, and changed ones with a caption each.

    Captions have lines; there may be none at all.
    """

    name: str
    originals: NDArray[np.uint8]
    changed: NDArray[np.uint8]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Where things stand, in pixels: a column is as wide, and a line of images as high, as image and caption need."""

    zoom: int
    column: int
    line: int
    left: int
    top: int

    def place(self, row: int, column: int, originals: int) -> tuple[int, int]:
        """Left and top of an image's column; changed images stand apart."""
        apart = APART if originals and column >= originals else 0
        return self.left + column * (self.column + GAP) + apart, self.top + row * (self.line + GAP)


def check(rows: int, columns: int, shape: tuple[int, int]) -> None:
    """Raise UsageError where a grid of images of this height and width would be too large a picture."""
    zoom = _zoom(shape)
    height, width = rows * (shape[0] * zoom + GAP), columns * (shape[1] * zoom + GAP)
    if height * width > MOST_PIXELS or max(height, width) > LONGEST_SIDE:
        raise UsageError(
            f"the picture would have {width:,} x {height:,} pixels; expected fewer images, or smaller ones"
        )


def draw(rows: Sequence[Row], path: Path, title: str = "") -> None:
    """Draw rows of images of one size as a PNG, each pixel as a square of whole pixels.

    Images of one or two channels are grey; of more than three, the first three are red, green and blue. Raises
    DataError when the file cannot be written.
    """
    columns = max(len(row.originals) + len(row.changed) for row in rows)
    layout, originals = _layout(rows), max(len(row.originals) for row in rows)
    right = layout.place(0, columns, originals)[0] + MARGIN
    heading = wrap(title, max(right, 400) // LETTER)
    width = max([right, *(LETTER * len(line) + 2 * MARGIN for line in heading)])
    layout = Layout(layout.zoom, layout.column, layout.line, layout.left, layout.top + LINE * len(heading))
    height = layout.place(len(rows), 0, originals)[1] + MARGIN - GAP
    canvas = np.full((height, width, 3), PAGE, np.uint8)
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    _write(figure, "\n".join(heading), (MARGIN, MARGIN - 4), TEXT, "left", "top")
    for at, row in enumerate(rows):
        _draw_row(canvas, figure, layout, row, [layout.place(at, column, originals) for column in range(columns)])
    figure.figimage(canvas)
    save(figure, path)


def _zoom(shape: tuple[int, ...]) -> int:
    return max(1, CELL // max(shape))


def _layout(rows: Sequence[Row]) -> Layout:
    """The layout below an empty heading."""
    height, width = rows[0].originals.shape[1:3]
    zoom = _zoom((height, width))
    lines = [line for row in rows for caption in row.captions for line in caption.split("\n")]
    most = max((caption.count("\n") + 1 for row in rows for caption in row.captions), default=0)
    return Layout(
        zoom=zoom,
        column=max([width * zoom, *(SMALL_LETTER * len(line) for line in lines)]),
        line=height * zoom + SMALL_LINE * most,
        left=MARGIN + LETTER * max(len(shortened(row.name)) for row in rows) + 2 * GAP,
        top=MARGIN,
    )


def _draw_row(
    canvas: NDArray[np.uint8], figure: Figure, layout: Layout, row: Row, places: Sequence[tuple[int, int]]
) -> None:
    images = [*row.originals, *row.changed]
    captions = [*[""] * len(row.originals), *(row.captions or [""] * len(row.changed))]
    height, width = (side * layout.zoom for side in images[0].shape[:2])
    middle = places[0][1] + height // 2
    _write(figure, shortened(row.name), (layout.left - 2 * GAP, middle), TEXT - 1, "right", "center")
    for image, caption, (x, y) in zip(images, captions, places, strict=False):
        x += (layout.column - width) // 2
        canvas[y : y + height, x : x + width] = _enlarged(image, layout.zoom)
        _write(figure, caption, (x + width // 2, y + height + 2), TEXT - 5, "center", "top")


def _enlarged(image: NDArray[np.uint8], zoom: int) -> NDArray[np.uint8]:
    """Red, green and blue of an image, each pixel a square."""
    colours = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, axis=-1)
    return colours.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _write(figure: Figure, text: str, place: tuple[int, int], size: int, across: str, down: str) -> None:
    """Text at a place in pixels from the left and from the top."""
    width, height = figure.bbox.width, figure.bbox.height
    figure.text(place[0] / width, 1 - place[1] / height, text, fontsize=size, ha=across, va=down, parse_math=False)
