"""Layers as labelled boxes that flow down: branches side by side, shortcuts beside what they skip, groups in frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from cnncli.diagrams.diagram import Block, gist
from cnncli.diagrams.labels import KINDS, LONGEST, operation, title
from cnncli.diagrams.sketch import (
    INK,
    LINE,
    PALE,
    PLAIN,
    SMALL,
    Disc,
    Line,
    Mark,
    Panel,
    Sketch,
    Words,
    evenly,
    high,
    moved,
    wide,
    wrapped,
)
from cnncli.drawing.names import shortened
from cnncli.drawing.palette import dark, pale
from cnncli.networks.layers import AuxiliaryHead, Branches, Group, Residual
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show

# In pixels: an arrow, the room inside a box and a frame, between branches, to a head, and between columns.
ARROW, INSIDE, AROUND, BESIDE, ASIDE, COLUMN = 24.0, 9.0, 14.0, 22.0, 30.0, 46.0
# The radius of a sum, and of a dot where a line forks; how far a line goes before it forks; half of one by itself.
SUM, DOT, FORK, ALONE = 11.0, 2.6, 10.0, 12.0
# The least width of a box, the width its words are wrapped to, folded or not, and the lines of a folded one.
NARROW, WORDS, FOLDED, LINES = 96.0, 170.0, 280.0, 9
# The proportions of a page, the most columns on it, and by how many pixels another one has to make it smaller.
PAGE, COLUMNS, WORTH = 16 / 9, 16, 150.0

FRAMES = ("#F3F5F7", "#FFFFFF")


@dataclass(frozen=True)
class Piece:
    """Marks around a line that comes from above at (0, 0) and goes on at (0, `height`).

    `left` and `right` say how far they reach from the line; an arrow points to it where it begins with a `box`.
    """

    left: float
    right: float
    height: float
    marks: tuple[Mark, ...] = ()
    box: bool = False

    @property
    def width(self) -> float:
        """How far they reach in all."""
        return self.left + self.right

    def at(self, right: float, down: float) -> tuple[Mark, ...]:
        """Its marks elsewhere."""
        return moved(self.marks, right, down)


def sketch(blocks: Sequence[Block], shape: Shape) -> Sketch:
    """Blocks from an input of `shape` on, in columns on a page about as wide as a screen."""
    pieces = [_box("input", [], shape, "input"), *(_piece(block, 0) for block in blocks)]
    lengths = [piece.height + ARROW for piece in pieces]
    pages = (_page(pieces, evenly(lengths, columns)) for columns in range(1, COLUMNS + 1))
    return min(enumerate(pages), key=lambda page: max(page[1].width / PAGE, page[1].height) + WORTH * page[0])[1]


def _page(pieces: Sequence[Piece], columns: Sequence[int]) -> Sketch:
    """So many pieces in each column, and lines from the end of one to the beginning of the next."""
    marks: list[Mark] = []
    x, start, deepest, before = 0.0, 0, 0.0, None
    for count in columns:
        first, column = pieces[start], _chain(pieces[start : start + count])
        spine = x + column.left
        if before:
            turn = x - COLUMN / 2
            path = before, (before[0], before[1] + 14), (turn, before[1] + 14), (turn, 0), (spine, 0), (spine, ARROW)
            marks.append(Line(path, arrow=first.box))
        top = ARROW if before else 0.0
        marks += column.at(spine, top)
        before = spine, top + column.height
        deepest = max(deepest, top + column.height + 14)
        x += column.width + COLUMN
        start += count
    return Sketch(x - COLUMN, deepest, tuple(marks))


def _chain(pieces: Sequence[Piece], led: bool = False) -> Piece:
    """One piece below the other; `led` by a line from above."""
    marks: list[Mark] = []
    down = 0.0
    for place, piece in enumerate(pieces):
        if place or led:
            marks.append(Line(((0, down), (0, down + ARROW)), arrow=piece.box))
            down += ARROW
        marks += piece.at(0, down)
        down += piece.height
    left, right = (max([0.0, *sides]) for sides in ((p.left for p in pieces), (p.right for p in pieces)))
    return Piece(left, right, down, tuple(marks))


def _piece(block: Block, nested: int) -> Piece:
    layer, ways = block.part.layer, block.ways
    match layer:
        case Group() if ways:
            return _frame(_inside(ways[0], nested + 1), block, nested)
        case AuxiliaryHead() if ways:
            return _aside(_frame(_inside(ways[0], nested + 1), block, nested))
        case Group():
            return _folded(block)
        case AuxiliaryHead():
            return _aside(_folded(block))
        case Branches():
            drawn = _fork(block, nested)
        case Residual():
            drawn = _sum(block, nested)
        case _:
            return _box(title(layer), _tail(block), block.part.output, KINDS[type(layer)])
    return drawn if block.times == 1 else _frame(drawn, block, nested)


def _inside(blocks: Sequence[Block], nested: int) -> Piece:
    return _chain([_piece(block, nested) for block in blocks], led=True)


def _tail(block: Block) -> list[str]:
    said = ", ".join(operation(part.layer) for part in block.tail)
    return wrapped(said, WORDS, SMALL, ", ") if said else []


def _times(block: Block) -> str:
    return f"x{block.times}" if block.times > 1 else ""


def _box(heading: str, words: Sequence[str], shape: Shape, kind: str, least: float = NARROW) -> Piece:
    """A box of lines, at least so wide: a heading, words, and the shape where they do not end in it."""
    lines = [(heading, PLAIN, True, INK), *((line, SMALL, False, INK) for line in words)]
    if not lines[-1][0].endswith(f" {show(shape)}"):
        lines.append((show(shape), SMALL, False, PALE))
    half = max([least, *(wide(text, size, bold) + 2 * INSIDE for text, size, bold, _ in lines)]) / 2
    marks: list[Mark] = []
    down = INSIDE - 2
    for text, size, bold, ink in lines:
        marks.append(Words(0, down + high(size) / 2, text, size, bold, ink))
        down += high(size)
    height = down + INSIDE - 3
    panel = Panel(-half, 0, 2 * half, height, pale(kind), dark(kind), dashed=kind == "auxiliary head")
    return Piece(half, half, height, (panel, *marks), box=True)


def _folded(block: Block) -> Piece:
    """A group or head that is not opened: its name and what is in it in a few lines."""
    lines = [line for said in gist(block.part.ways[0]) for line in wrapped(said, FOLDED, SMALL, " → ")]
    words = lines if len(lines) <= LINES else [*lines[: LINES - 1], "…"]
    heading = " ".join(filter(None, (shortened(block.name, LONGEST), _times(block))))
    return _box(heading, words, block.part.output, KINDS[type(block.part.layer)])


def _frame(inner: Piece, block: Block, nested: int) -> Piece:
    """What is in a block in a frame, with the name of a group or head, and how often it is repeated."""
    head = isinstance(block.part.layer, AuxiliaryHead)
    name = shortened(block.name, LONGEST) if head or isinstance(block.part.layer, Group) else ""
    times, bar = _times(block), high() + 8
    said = wide(name, PLAIN, True) + (wide(times, PLAIN + 2, True) + 24 if times else 0) + 2 * AROUND
    missing = max(0.0, said - inner.width - 2 * AROUND) / 2
    left, right = inner.left + AROUND + missing, inner.right + AROUND + missing
    height = bar + inner.height + AROUND
    panel = Panel(-left, 0, left + right, height, FRAMES[nested % 2], "#9AA5AF", 8, head)
    words: list[Mark] = []
    if name:
        words.append(Words(-left + AROUND, bar / 2, name, bold=True, align="left"))
    if times:
        words.append(Words(right - AROUND, bar / 2, times, PLAIN + 2, True, align="right"))
    out = [] if head else [Line(((0, bar + inner.height), (0, height)))]
    return Piece(left, right, height, (panel, *words, *inner.at(0, bar), *out), box=True)


def _aside(head: Piece) -> Piece:
    """An auxiliary head beside the line that goes on."""
    line, way = Line(((0, 0), (0, head.height))), Line(((0, high()), (ASIDE, high())), arrow=True, dashed=True)
    marks = (line, Disc(0, high(), DOT, LINE), way, *head.at(ASIDE + head.left, 0))
    return Piece(ALONE, ASIDE + head.width, head.height, marks)


def _fork(block: Block, nested: int) -> Piece:
    """Branches side by side, and the box of their concatenation across all of them."""
    ways = [_inside(way, nested) for way in block.ways]
    spines, x = list[float](), 0.0
    for way in ways:
        spines.append(x + max(way.left, ALONE))
        x = spines[-1] + max(way.right, ALONE) + BESIDE
    middle, low = (spines[0] + spines[-1]) / 2, FORK + max(way.height for way in ways) + ARROW
    marks: list[Mark] = [Line(((0, 0), (0, FORK))), Line(((spines[0] - middle, FORK), (spines[-1] - middle, FORK)))]
    for spine, way in zip(spines, ways, strict=True):
        marks += way.at(spine - middle, FORK)
        marks.append(Line(((spine - middle, FORK + way.height), (spine - middle, low)), arrow=True))
    join = _box("concat", _tail(block), block.part.output, "join", spines[-1] - spines[0] + 60)
    marks += join.at(0, low)
    left, right = max(join.left, middle), max(join.right, x - BESIDE - middle)
    return Piece(left, right, low + join.height, tuple(marks))


def _sum(block: Block, nested: int) -> Piece:
    """A body, the shortcut to its right, and the circle in which they are added, with what follows to its left."""
    body, shortcut = (_inside(way, nested) for way in block.ways)
    tail = _tail(block)
    half = len(tail) * high(SMALL) / 2
    centre = FORK + max(body.height, shortcut.height) + max(ARROW + SUM, half + INSIDE)
    lane = max(body.right, SUM) + 16 + max(shortcut.left, 6)
    start = FORK + (centre - SUM - FORK - shortcut.height) / 2 if block.ways[1] else FORK
    marks: list[Mark] = [
        *(Line(((0, 0), (0, FORK))), Disc(0, FORK, DOT, LINE), *body.at(0, FORK)),
        Line(((0, FORK + body.height), (0, centre - SUM)), arrow=True),
        *(Line(((0, FORK), (lane, FORK), (lane, start))), *shortcut.at(lane, start)),
        Line(((lane, start + shortcut.height), (lane, centre), (SUM, centre)), arrow=True),
        *(Line(((0, centre), (0, centre + max(SUM, half)))), Disc(0, centre, SUM)),
        *(Line(((-5, centre), (5, centre)), thick=1.6), Line(((0, centre - 5), (0, centre + 5)), thick=1.6)),
    ]
    for place, text in enumerate(tail):
        marks.append(Words(-SUM - 6, centre - half + (place + 0.5) * high(SMALL), text, SMALL, align="right"))
    left = max([body.left, SUM, *(SUM + 8 + wide(text, SMALL) for text in tail)])
    return Piece(left, lane + max(shortcut.right, 6), centre + max(SUM, half), tuple(marks))
