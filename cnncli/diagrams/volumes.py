"""A chain of layers as volumes side by side, the way LeNet5 and AlexNet are drawn in their papers.

Height and width go by the image's, depth by the channels, a vector's height by its length. All three scales are
compressed, so that 227 and 6 are both seen: a side is drawn as its square root, a depth and a length as lower powers;
what is larger is drawn larger. Windows are to scale with the image they look at, but never too small to be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pow, sqrt

from cnncli.diagrams.diagram import Block
from cnncli.diagrams.labels import KINDS, LONGEST, operation
from cnncli.diagrams.sketch import (
    INK,
    PALE,
    PLAIN,
    SMALL,
    Face,
    Line,
    Mark,
    Sketch,
    Words,
    evenly,
    high,
    moved,
    shares,
    wide,
    wrapped,
)
from cnncli.drawing.names import shortened
from cnncli.drawing.palette import COLOURS, dark, tint
from cnncli.networks.checks import two
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show

# In pixels: the largest side, depth and vector; the thickness of a vector; the least side of anything.
SIDE, DEPTH, VECTOR, THICK, LEAST = 170.0, 92.0, 180.0, 14.0, 9.0
# A network whose largest image, number of channels and vector are below these is not blown up to the full size.
USUAL = (28, 16, 100)
# How far a depth goes to the right and up.
RIGHT, UP = 0.62, 0.42
# Up to so many channels are drawn as maps one behind the other, where they are at least so far apart.
MAPS, APART = 16, 2.4
# A row of volumes, an arrow's least length, what is free around its words, a line of them, and what is below a row.
ROW, ARROW, FREE, WORDS, BELOW = 1840.0, 44.0, 6.0, 126.0, 34.0


@dataclass(frozen=True)
class Scale:
    """The largest side, number of channels and vector of a network, with which all others are compared."""

    side: int
    channels: int
    vector: int

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> "Scale":
        """The scale of some shapes."""
        images = [shape for shape in shapes if len(shape) == 3]
        side, channels, vector = USUAL
        return cls(
            max([side, *(max(shape[:2]) for shape in images)]),
            max([channels, *(shape[2] for shape in images)]),
            max([vector, *(shape[0] for shape in shapes if len(shape) == 1)]),
        )

    def along(self, side: int) -> float:
        """Pixels for a side of an image."""
        return LEAST + (SIDE - LEAST) * sqrt(side / self.side)

    def back(self, channels: int) -> float:
        """Pixels for a depth; one map is flat."""
        return DEPTH * pow((channels - 1) / (self.channels - 1), 0.35)

    def up(self, length: int) -> float:
        """Pixels for the length of a vector."""
        return LEAST + (VECTOR - LEAST) * pow(length / self.vector, 0.4)


@dataclass(frozen=True)
class Solid:
    """A volume as it is drawn: its front, how far it goes back to the right and up, of how many maps, its colour."""

    width: float
    height: float
    right: float
    up: float
    maps: int
    colour: str

    @classmethod
    def of(cls, shape: Shape, scale: Scale, colour: str) -> "Solid":
        """An image or a vector at a scale."""
        if len(shape) == 1:
            return cls(THICK, scale.up(shape[0]), 8, 5.5, 0, colour)
        height, width, channels = shape
        back = scale.back(channels)
        maps = channels if channels <= MAPS and RIGHT * back >= APART * (channels - 1) else 0
        return cls(scale.along(width), scale.along(height), RIGHT * back, UP * back, maps, colour)

    def marks(self, x: float, axis: float) -> Iterator[Mark]:
        """The volume with the left of its front at `x` and the middle of its front at height `axis`."""
        top, low, far, edge = axis - self.height / 2, axis + self.height / 2, x + self.width, tint(self.colour, -0.35)
        for place in range(self.maps - 1, -1, -1):
            back = place / max(self.maps - 1, 1)
            right, up = self.right * back, self.up * back
            corners = (x + right, top - up), (far + right, top - up), (far + right, low - up), (x + right, low - up)
            yield Face(corners, tint(self.colour, 0.6), edge)
        if self.maps:
            return
        behind, over = far + self.right, top - self.up
        yield Face(((x, top), (x + self.right, over), (behind, over), (far, top)), tint(self.colour, 0.78), edge)
        yield Face(((far, top), (behind, over), (behind, low - self.up), (far, low)), tint(self.colour, 0.35), edge)
        yield Face(((x, top), (far, top), (far, low), (x, low)), tint(self.colour, 0.6), edge)


@dataclass(frozen=True)
class Stage:
    """A volume, the layer that makes it (the input has none), and whether that looks at the upper or lower part."""

    solid: Solid
    shape: Shape
    block: Block | None = None
    upper: bool = True

    @property
    def name(self) -> str:
        """What it is called."""
        return shortened(self.block.part.path, LONGEST) if self.block else "input"

    @property
    def above(self) -> str:
        """What stands over the arrow that leads to it."""
        return operation(self.block.part.layer) if self.block else ""

    @property
    def below(self) -> list[str]:
        """What stands under that arrow."""
        return wrapped(", ".join(self.block.words), WORDS, SMALL, ", ") if self.block and self.block.words else []

    @property
    def gap(self) -> float:
        """The length of that arrow, which its words fit."""
        said = max([wide(self.above, PLAIN, True), *(wide(line, SMALL) for line in self.below)])
        return max(ARROW, said + 2 * FREE) if self.block else 0.0

    @property
    def room(self) -> float:
        """The width of the volume and its words."""
        said = max(wide(show(self.shape), PLAIN, True), wide(self.name, SMALL))
        return max(self.solid.width + self.solid.right, said) + 2 * FREE


def sketch(blocks: Sequence[Block], shape: Shape) -> Sketch:
    """A chain of blocks as volumes, from an input of `shape` on, in rows of about equal length."""
    rows = [_row(row) for row in _rows(_stages(blocks, shape))]
    width = max(row.width for row in rows)
    marks: list[Mark] = []
    down = 0.0
    for before, row in zip([None, *rows], rows, strict=False):
        if before:
            marks.append(_turn(before, row, width, down))
        marks += moved(row.marks, 0, down)
        down += row.height
    return Sketch(width, down - BELOW / 2, tuple(marks))


def _stages(blocks: Sequence[Block], shape: Shape) -> list[Stage]:
    scale = Scale.of([shape, *(block.part.output for block in blocks)])
    stages = [Stage(Solid.of(shape, scale, COLOURS["input"]), shape)]
    for place, block in enumerate(blocks):
        made, colour = block.part.output, COLOURS[KINDS[type(block.part.layer)]]
        stages.append(Stage(Solid.of(made, scale, colour), made, block, place % 2 == 0))
    return stages


def _rows(stages: Sequence[Stage]) -> Iterator[Sequence[Stage]]:
    """The stages in as few rows as can be, the longest of which is as short as can be."""
    lengths = [stage.gap + stage.room for stage in stages]
    start = 0
    for count in evenly(lengths, len(shares(lengths, ROW))):
        yield stages[start : start + count]
        start += count


@dataclass(frozen=True)
class Row:
    """Volumes on one axis: the marks, their extent, and at which height the arrows are."""

    width: float
    height: float
    arrows: float
    marks: tuple[Mark, ...]


def _row(stages: Sequence[Stage]) -> Row:
    axis = max(stage.solid.height / 2 + stage.solid.up for stage in stages)
    arrows = axis + max(stage.solid.height for stage in stages) / 2 + 12 + high()
    under: list[Mark] = []
    volumes: list[Mark] = []
    over: list[Mark] = []
    x, before, left = 0.0, None, 0.0
    for stage in stages:
        under += _arrow(stage, x, arrows)
        x += stage.gap
        front = x + (stage.room - stage.solid.width - stage.solid.right) / 2
        if before:
            under += _fan(before, left, stage, front, axis)
            over += _look(before, left, stage, front, axis)
        volumes += stage.solid.marks(front, axis)
        under.append(Words(x + stage.room / 2, arrows, show(stage.shape), bold=True))
        under.append(Words(x + stage.room / 2, arrows + high(), stage.name, SMALL, colour=PALE))
        x, before, left = x + stage.room, stage, front
    said = max([1.5, *(len(stage.below) for stage in stages)])
    return Row(x, arrows + (said + 0.2) * high(SMALL) + BELOW, arrows, (*under, *volumes, *over))


def _arrow(stage: Stage, x: float, line: float) -> Iterator[Mark]:
    """The arrow that leads to a stage, from `x` on, with what the layer does over it and the rest under it."""
    if not stage.block:
        return
    yield Line(((x + 2, line), (x + stage.gap - 2, line)), arrow=True)
    colour = dark(KINDS[type(stage.block.part.layer)])
    middle = x + stage.gap / 2
    yield Words(middle, line - 0.62 * high(), stage.above, bold=True, colour=colour)
    for at, text in enumerate(stage.below):
        yield Words(middle, line + (at + 0.7) * high(SMALL), text, SMALL)


def _turn(before: Row, row: Row, width: float, down: float) -> Line:
    """From the end of a row to the beginning of the next, which begins at height `down`."""
    end, start, between = down - before.height + before.arrows, down + row.arrows, down - BELOW / 2
    points = (before.width, end), (width + 12, end), (width + 12, between), (-12, between), (-12, start), (2, start)
    return Line(points, colour="#B5B5B5")


def _fan(source: Stage, left: float, target: Stage, front: float, axis: float) -> Iterator[Mark]:
    """What connects a vector with every unit of the volume before."""
    if len(target.shape) == 1:
        far, half, other = left + source.solid.width, source.solid.height / 2, target.solid.height / 2
        yield Face(((far, axis - half), (front, axis - other), (front, axis + other), (far, axis + half)), "#EFEFEF")


def _look(source: Stage, left: float, target: Stage, front: float, axis: float) -> Iterator[Mark]:
    """One window on the volume before, and lines to the unit that sees it, at the same place of the next."""
    window = getattr(target.block.part.layer, "window", None) if target.block else None
    if window is None:
        return
    size = two(window)
    down, across = (
        min(pixels, max(LEAST, pixels * part / whole))
        for pixels, part, whole in zip((source.solid.height, source.solid.width), size, source.shape[:2], strict=True)
    )
    # A window lies beside the unit in which the lines from the one before end.
    place = 0.3 if target.upper else 0.72
    x = left + 0.62 * (source.solid.width - across)
    y = axis - source.solid.height / 2 + place * (source.solid.height - down)
    corners = (x, y), (x + across, y), (x + across, y + down), (x, y + down)
    unit = front + 0.62 * target.solid.width, axis + (place - 0.5) * target.solid.height
    for corner in corners:
        yield Line((corner, unit), colour="#333333", thick=0.7)
    yield Line((*corners, *corners[:2]), colour=INK, thick=1.1)
