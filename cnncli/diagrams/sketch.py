"""A drawing as plain marks on a page, in pixels from its upper left corner, and how matplotlib puts it on the disk."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Polygon
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Transform

from cnncli.drawing.figure import DOTS_PER_INCH, save

Point = tuple[float, float]

INK, PALE, LINE = "#222222", "#5F5F5F", "#555555"
# Sizes of letters in points, and a point in pixels.
SMALL, PLAIN, TITLE = 10.5, 12, 19
POINT = DOTS_PER_INCH / 72

DASHES = (0, (4, 3))

# What Agg can draw on one side, in pixels.
MOST_PIXELS = 30_000


@dataclass(frozen=True)
class Words:
    """A line of text whose middle is at height `y`; `align` says which of its ends, or its centre, is at `x`."""

    x: float
    y: float
    text: str
    size: float = PLAIN
    bold: bool = False
    colour: str = INK
    align: str = "center"

    @property
    def width(self) -> float:
        """Its width in pixels."""
        return wide(self.text, self.size, self.bold)

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        left = self.x - {"left": 0.0, "center": 0.5, "right": 1.0}[self.align] * self.width
        return left, self.y - high(self.size) / 2, left + self.width, self.y + high(self.size) / 2


@dataclass(frozen=True)
class Panel:
    """A rectangle with rounded corners."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    edge: str = LINE
    corner: float = 5
    dashed: bool = False


@dataclass(frozen=True)
class Face:
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: str
    edge: str = "none"


@dataclass(frozen=True)
class Line:
    """A line from point to point, with an arrow at its end or none."""

    points: tuple[Point, ...]
    arrow: bool = False
    colour: str = LINE
    thick: float = 1.2
    dashed: bool = False


@dataclass(frozen=True)
class Disc:
    """A circle; a dot where it is filled with the colour of lines."""

    x: float
    y: float
    radius: float
    fill: str = "#FFFFFF"


Mark = Words | Panel | Face | Line | Disc


@dataclass(frozen=True)
class Sketch:
    """Marks, the later ones over the earlier ones, and the size of the page."""

    width: float
    height: float
    marks: tuple[Mark, ...]


def moved(marks: Iterable[Mark], right: float, down: float) -> tuple[Mark, ...]:
    """The same marks elsewhere."""
    return tuple(_moved(mark, right, down) for mark in marks)


def _moved(mark: Mark, right: float, down: float) -> Mark:
    if isinstance(mark, Face | Line):
        return replace(mark, points=tuple((x + right, y + down) for x, y in mark.points))
    return replace(mark, x=mark.x + right, y=mark.y + down)


@lru_cache(maxsize=4096)
def wide(text: str, size: float = PLAIN, bold: bool = False) -> float:
    """The width of a text in pixels."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) * POINT


def high(size: float = PLAIN) -> float:
    """The height of a line of text in pixels."""
    return 1.3 * size * POINT


def wrapped(text: str, limit: float, size: float = PLAIN, between: str = " ") -> list[str]:
    """A text in lines of at most `limit` pixels, broken only behind what is between its words."""
    lines: list[str] = []
    for word in text.split(between):
        longer = f"{lines[-1]}{between}{word}" if lines else word
        if lines and wide(longer, size) <= limit:
            lines[-1] = longer
            continue
        if lines:
            lines[-1] += between.rstrip()
        lines.append(word)
    return lines


def shares(lengths: Sequence[float], limit: float) -> list[int]:
    """How many of some lengths in a row, one behind the other, fit into each row of at most `limit`."""
    counts, used = [0], 0.0
    for length in lengths:
        if counts[-1] and used + length > limit:
            counts.append(0)
            used = 0.0
        counts[-1] += 1
        used += length
    return counts


def evenly(lengths: Sequence[float], rows: int) -> list[int]:
    """The same for at most so many rows, the longest of which is as short as can be."""
    least, enough = max(lengths), sum(lengths)
    while enough - least > 1:
        middle = (least + enough) / 2
        least, enough = (least, middle) if len(shares(lengths, middle)) <= rows else (middle, enough)
    return shares(lengths, least if len(shares(lengths, least)) <= rows else enough)


def draw(sketch: Sketch, path: Path, format: str) -> None:
    """Write a sketch as `svg` or `png`. Raises DataError when the file cannot be written."""
    width, height = max(sketch.width, 1), max(sketch.height, 1)
    # A picture for a projector has two pixels for each; a huge one has as many as can be.
    dense = min(2.0, MOST_PIXELS / max(width, height))
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=dense * DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    page = Affine2D().scale(1 / width, -1 / height).translate(0, 1) + figure.transFigure
    for place, mark in enumerate(sketch.marks):
        for artist in _artists(mark, page):
            artist.set_zorder(place)
            figure.add_artist(artist)
    save(figure, path, format)


def _artists(mark: Mark, page: Transform) -> list[Artist]:
    match mark:
        case Words():
            # Letters stand on a line of their own, so that neighbours of one size do too.
            base, weight = mark.y + 0.36 * mark.size * POINT, "bold" if mark.bold else "normal"
            text = Text(mark.x, base, mark.text, color=mark.colour, parse_math=False, transform=page)
            text.set(fontsize=mark.size, fontweight=weight, horizontalalignment=mark.align)
            return [text]
        case Panel():
            round = f"round,pad=0,rounding_size={mark.corner}"
            box = FancyBboxPatch((mark.x, mark.y), mark.width, mark.height, boxstyle=round, transform=page)
            box.set(facecolor=mark.fill, edgecolor=mark.edge, linewidth=1, linestyle=DASHES if mark.dashed else "-")
            return [box]
        case Face():
            face = Polygon(mark.points, transform=page)
            face.set(facecolor=mark.fill, edgecolor=mark.edge, linewidth=0.8, joinstyle="round")
            return [face]
        case Disc():
            disc = Circle((mark.x, mark.y), mark.radius, transform=page)
            disc.set(facecolor=mark.fill, edgecolor=LINE, linewidth=1.2)
            return [disc]
        case Line():
            line = Line2D(*zip(*mark.points, strict=True), transform=page)
            style = DASHES if mark.dashed else "-"
            line.set(color=mark.colour, linewidth=mark.thick, linestyle=style, solid_capstyle="butt")
            head = Polygon(_head(*mark.points[-2:]), facecolor=mark.colour, edgecolor="none", transform=page)
            return [line, head] if mark.arrow else [line]


def _head(start: Point, end: Point) -> tuple[Point, ...]:
    """The head of an arrow that points along one of the axes."""
    (x, y), across = end, 3.6
    right, down = (end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1])
    back = x - 9 * right, y - 9 * down
    return (
        (x, y),
        (back[0] - across * down, back[1] - across * right),
        (back[0] + across * down, back[1] + across * right),
    )
