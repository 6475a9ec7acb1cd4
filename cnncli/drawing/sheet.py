"""Sheets of images: lines of panels with their names, captions and a note, pixel by pixel, for a person to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cnncli.drawing.figure import DOTS_PER_INCH, TEXT, save
from cnncli.drawing.names import shortened
from cnncli.errors import UsageError

# In pixels: what small images are enlarged to, the blanks around images, between originals and changed ones, and
# around everything, and how wide a letter and how high a line is, in names and in captions.
CELL, GAP, APART, MARGIN = 96, 6, 24, 16
LETTER, LINE = 10, 22
SMALL_LETTER, SMALL_LINE = 7, 13
# The width of a frame around a panel; where there are frames, blanks are wider by two of them.
FRAME = 3

# A light grey, on which the edges of white images are seen.
PAGE = 228

# No picture is larger: 40 million pixels are 160 MB in memory, and a side of 2^16 cannot be drawn.
MOST_PIXELS, LONGEST_SIDE = 40_000_000, 60_000


@dataclass(frozen=True)
class Panel:
    """An image (height, width) or (height, width, channel) uint8, lines of caption, and the colour of its frame.

    One or two channels are grey; of more than three, the first three are red, green and blue.
    """

    pixels: NDArray[np.uint8]
    caption: str = ""
    frame: str = ""


@dataclass(frozen=True)
class Line:
    """A name and groups of panels, which stand a little apart."""

    name: str
    groups: tuple[tuple[Panel, ...], ...]

    @property
    def panels(self) -> list[Panel]:
        """All panels."""
        return [panel for group in self.groups for panel in group]


@dataclass(frozen=True)
class Sheet:
    """Lines under a title and over a note; `heads` stand above the columns; a panel's longer side is `cell` pixels.

    Small images are enlarged by a whole number, so that each pixel is a square; larger ones are made smaller.
    """

    lines: Sequence[Line]
    title: str = ""
    note: str = ""
    heads: Sequence[str] = ()
    cell: int = CELL


@dataclass(frozen=True)
class _Layout:
    """In pixels: each column's left and width, each line's top and height of images, and the size of it all."""

    columns: list[tuple[int, int]]
    lines: list[tuple[int, int]]
    width: int
    height: int


def draw(sheet: Sheet, path: Path, about: Mapping[str, str] | None = None) -> None:
    """Draw a sheet as a PNG, with what it is `about` in the file.

    Raises UsageError for one that would be too large, DataError when the file cannot be written.
    """
    save(drawn(sheet), path, about=about)


def drawn(sheet: Sheet) -> Figure:
    """A sheet as a figure. Raises UsageError for one that would be too large."""
    title = wrap(sheet.title, max(_widths(sheet), 400) // LETTER)
    layout = _laid_out(sheet, title)
    note = wrap(sheet.note, (layout.width - 2 * MARGIN) // SMALL_LETTER)
    height = layout.height + (SMALL_LINE * len(note) + GAP) * bool(note)
    bounded(layout.width, height)
    canvas = np.full((height, layout.width, 3), PAGE, np.uint8)
    figure = Figure(figsize=(layout.width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    _write(figure, "\n".join(title), (MARGIN, MARGIN - 4), TEXT, "left", "top")
    _write(figure, "\n".join(note), (MARGIN, layout.height - GAP), TEXT - 5, "left", "top")
    for head, (left, width) in zip(sheet.heads, layout.columns, strict=False):
        _write(figure, head, (left + width // 2, layout.lines[0][0] - GAP), TEXT - 4, "center", "bottom")
    for line, place in zip(sheet.lines, layout.lines, strict=True):
        _draw_line(canvas, figure, sheet, line, layout, place)
    figure.figimage(canvas)
    return figure


def bounded(width: int, height: int) -> None:
    """Raise UsageError for a picture of more pixels than can be drawn."""
    if height * width > MOST_PIXELS or max(height, width) > LONGEST_SIDE:
        raise UsageError(
            f"the picture would have {width:,} x {height:,} pixels; expected fewer images, or smaller ones"
        )


def shown(shape: tuple[int, ...], cell: int) -> tuple[int, int]:
    """Height and width of an image on the sheet."""
    height, width = shape[:2]
    longest = max(height, width)
    if longest <= cell:
        zoom = cell // longest
        return height * zoom, width * zoom
    return max(1, round(height * cell / longest)), max(1, round(width * cell / longest))


def _column_widths(sheet: Sheet) -> list[int]:
    widths = [SMALL_LETTER * len(head) for head in sheet.heads]
    for line in sheet.lines:
        for at, panel in enumerate(line.panels):
            longest = max(len(words) for words in panel.caption.split("\n"))
            widths += [0] * (at + 1 - len(widths))
            widths[at] = max(widths[at], shown(panel.pixels.shape, sheet.cell)[1], SMALL_LETTER * longest)
    return widths


def _left(sheet: Sheet) -> int:
    return MARGIN + LETTER * max((len(shortened(line.name)) for line in sheet.lines), default=0) + 2 * GAP


def _gap(sheet: Sheet) -> int:
    """The blank between panels."""
    return GAP + 2 * FRAME * any(panel.frame for line in sheet.lines for panel in line.panels)


def _widths(sheet: Sheet) -> int:
    return _left(sheet) + sum(width + _gap(sheet) for width in _column_widths(sheet)) + MARGIN


def _laid_out(sheet: Sheet, title: Sequence[str]) -> _Layout:
    apart, gap = {at for line in sheet.lines for at in _starts(line)}, _gap(sheet)
    columns, x = [], _left(sheet)
    for at, width in enumerate(_column_widths(sheet)):
        x += APART * (at in apart)
        columns.append((x, width))
        x += width + gap
    lines, y = [], MARGIN + LINE * len(title) + (SMALL_LINE + 2 * GAP) * bool(sheet.heads)
    for line in sheet.lines:
        tall = max((shown(panel.pixels.shape, sheet.cell)[0] for panel in line.panels), default=0)
        said = max((panel.caption.count("\n") + 1 for panel in line.panels if panel.caption), default=0)
        lines.append((y, tall))
        y += tall + SMALL_LINE * said + gap
    width = max([x + MARGIN, *(LETTER * len(words) + 2 * MARGIN for words in title)])
    return _Layout(columns, lines, width, y + MARGIN - gap)


def _starts(line: Line) -> set[int]:
    """The columns before which panels stand apart."""
    ends = np.cumsum([len(group) for group in line.groups])
    return {int(end) for end in ends if 0 < end < ends[-1]}


def _draw_line(
    canvas: NDArray[np.uint8], figure: Figure, sheet: Sheet, line: Line, layout: _Layout, place: tuple[int, int]
) -> None:
    top, tall = place
    _write(figure, shortened(line.name), (layout.columns[0][0] - 2 * GAP, top + tall // 2), TEXT - 1, "right", "center")
    for panel, (left, wide) in zip(line.panels, layout.columns, strict=False):
        image = _colours(panel.pixels, sheet.cell)
        height, width = image.shape[:2]
        x, y = left + (wide - width) // 2, top + (tall - height) // 2
        if panel.frame:
            colour = [round(255 * part) for part in to_rgb(panel.frame)]
            canvas[y - FRAME : y + height + FRAME, x - FRAME : x + width + FRAME] = colour
        canvas[y : y + height, x : x + width] = image
        _write(
            figure,
            panel.caption,
            (x + width // 2, top + tall + 2 + FRAME * bool(panel.frame)),
            TEXT - 5,
            "center",
            "top",
        )


def _colours(image: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """Red, green and blue of an image as large as it is shown."""
    image = image[..., None] if image.ndim == 2 else image
    colours = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, axis=-1)
    height, width = shown(colours.shape, cell)
    if max(colours.shape[:2]) > cell:
        return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).resize((width, height)))
    zoom = height // colours.shape[0]
    return colours.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _write(figure: Figure, text: str, place: tuple[int, int], size: int, across: str, down: str) -> None:
    """Text at a place in pixels from the left and from the top."""
    width, height = figure.bbox.width, figure.bbox.height
    figure.text(place[0] / width, 1 - place[1] / height, text, fontsize=size, ha=across, va=down, parse_math=False)
