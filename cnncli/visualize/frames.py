"""A kernel on its way over an image as pictures: a frame for each place of the window, and the animation of them."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from textwrap import wrap

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from cnncli.drawing.figure import written as to_disk
from cnncli.drawing.palette import BLUE, ORANGE, tint
from cnncli.sizing.axis import Axis
from cnncli.visualize.convolution import Sliding, number, written
from cnncli.visualize.kernels import Kernel

# In pixels: a number's cell and the longest side of the padded image, what stands between, and letters.
CELL, LONGEST, GAP, MARGIN = 40, 400, 36, 18
TEXT, SMALL = 15, 12
LINE, LETTER = 21, 8.2
# In smaller cells no number can be read.
READABLE = 22
# Letters, the lines of grids, and outputs that are not there yet.
INK, FAINT, EMPTY = "#222222", "#C8C8C8", tint(BLUE, 15 / 16)

# In milliseconds: one product, one place of the window, the first and the last of them.
PRODUCT_MS, PLACE_MS, FIRST_MS, LAST_MS = 450, 300, 1500, 3000

Shade = Callable[[float], int]


@dataclass(frozen=True)
class Moment:
    """How far the window is: the outputs before `place` are done, and so many products of its own."""

    place: int
    products: int


@dataclass(frozen=True)
class Grid:
    """Numbers in cells of so many pixels with its upper left corner somewhere."""

    left: int
    top: int
    cell: int
    values: NDArray[np.float32]

    @property
    def right(self) -> int:
        """Where it ends."""
        return self.left + self.cell * int(self.values.shape[1])

    def box(self, row: int, column: int, tall: int = 1, wide: int = 1) -> tuple[int, int, int, int]:
        """The pixels of a cell, or of several."""
        x, y = self.left + column * self.cell, self.top + row * self.cell
        return x, y, x + wide * self.cell, y + tall * self.cell


@dataclass(frozen=True)
class Frames:
    """The frames of a sliding kernel; all have one size."""

    sliding: Sliding

    @cached_property
    def operations(self) -> tuple[tuple[str, Kernel, NDArray[np.float32]], ...]:
        """Both operations: what they are called, the kernel as it lies on the image, and what they give."""
        kernel = self.sliding.kernel
        return (
            ("cross-correlation: the kernel as it is", kernel, self.sliding.correlation),
            ("convolution: the kernel turned by 180°", kernel.turned, self.sliding.convolution),
        )

    @cached_property
    def heading(self) -> list[str]:
        """The title, and the arithmetic of the output's shape."""
        kernel, answer = self.sliding.kernel, self.sliding.answer
        lines = [f"{kernel.name} {kernel.shape[0]}x{kernel.shape[1]} over an image of {_by(self.sliding.image)}"]
        rows, columns = answer.rows, answer.columns
        if (rows.formula, rows.verdict) == (columns.formula, columns.verdict):
            lines.append(f"height and width: {_arithmetic(rows)}")
        else:
            lines += [f"height: {_arithmetic(rows)}", f"width: {_arithmetic(columns)}"]
        if kernel.turned == kernel:
            lines.append("Turned by 180° this kernel is itself, so both operations are one.")
        return lines

    @cached_property
    def body(self) -> int:
        """Where the grids begin, below the heading."""
        return MARGIN + LINE * len(self.heading) + GAP

    @cached_property
    def image(self) -> Grid:
        """The padded image."""
        padded = self.sliding.padded
        return Grid(MARGIN, self.body, max(1, min(CELL, LONGEST // max(padded.shape))), padded)

    @cached_property
    def grids(self) -> list[tuple[Grid, Grid]]:
        """The kernel and the output of each operation."""
        found, top = [], self.body
        for _, kernel, output in self.operations:
            weights = Grid(self.image.right + GAP, top, min(CELL, 200 // max(kernel.shape)), kernel.numbers)
            found.append((weights, Grid(weights.right + GAP, top, self.image.cell, output)))
            top = max(found[-1][0].box(*kernel.shape)[1], found[-1][1].box(*output.shape)[1]) + GAP
        return found

    @cached_property
    def width(self) -> int:
        """Of a frame, in pixels: the grids', and at least what the longest heading has."""
        captions = max(int(LETTER * len(name)) for name, _, _ in self.operations) + self.image.right + GAP
        longest = max(int(LETTER * len(line)) for line in self.heading) + MARGIN
        return max(self.grids[0][1].right, captions, longest) + MARGIN

    @cached_property
    def foot(self) -> int:
        """Where the sums begin."""
        below = [grid.box(*grid.values.shape)[1] for pair in self.grids for grid in pair]
        return max(self.image.box(*self.image.values.shape)[1], *below) + GAP // 2

    @cached_property
    def sum_lines(self) -> int:
        """The most lines that a sum has."""
        every = [Moment(at, self.products) for at in range(len(self.sliding.places))]
        return max(len(self._sum(moment, kernel, output)) for moment in every for _, kernel, output in self.operations)

    @property
    def products(self) -> int:
        """How many products a sum has."""
        return self.sliding.kernel.numbers.size

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of each frame in pixels."""
        return self.width, self.foot + 2 * (LINE * self.sum_lines + LINE + GAP // 4) + MARGIN

    @property
    def moments(self) -> list[tuple[Moment, int]]:
        """What is shown for how many milliseconds: the first sum product by product, then sum by sum."""
        last = len(self.sliding.places) - 1
        found = [(Moment(0, products), PRODUCT_MS) for products in range(1, self.products)]
        found += [(Moment(at, self.products), PLACE_MS) for at in range(last + 1)]
        found[self.products - 1] = (found[self.products - 1][0], FIRST_MS)
        return [*found[:-1], (found[-1][0], LAST_MS)]

    def at(self, moment: Moment) -> Image.Image:
        """One frame."""
        frame = Image.new("RGB", self.size, "white")
        draw = ImageDraw.Draw(frame)
        for line, text in enumerate(self.heading):
            draw.text((MARGIN, MARGIN + line * LINE), text, INK, _font(TEXT))
        self._image(draw, moment)
        top = self.foot
        for (name, kernel, output), (weights, outputs) in zip(self.operations, self.grids, strict=True):
            self._operation(draw, moment, name, weights, outputs)
            draw.text((MARGIN, top), name.partition(":")[0], BLUE, _font(TEXT))
            for line, text in enumerate(self._sum(moment, kernel, output)):
                draw.text((MARGIN, top + (line + 1) * LINE), text, INK, _font(TEXT))
            top += LINE * (self.sum_lines + 1) + GAP // 4
        return frame

    def _image(self, draw: ImageDraw.ImageDraw, moment: Moment) -> None:
        sides = self.sliding.answer.question.sides
        padding = f", padding {sides[0] if len(set(sides)) == 1 else 'x'.join(map(str, sides))}" if any(sides) else ""
        draw.text((MARGIN, self.body - LINE), f"image{padding}", INK, _font(TEXT))
        _cells(draw, self.image, _unsigned(self.image.values))
        height, width = self.sliding.image.shape
        if any(sides):
            draw.rectangle(self.image.box(sides[0], sides[2], height, width), outline=BLUE, width=2)
        corner = self.sliding.corner(self.sliding.places[moment.place])
        draw.rectangle(self.image.box(*corner, *self.sliding.kernel.shape), outline=ORANGE, width=4)
        if moment.products < self.products:
            down, along = divmod(moment.products - 1, self.sliding.kernel.shape[1])
            draw.rectangle(self.image.box(corner[0] + down, corner[1] + along), outline=BLUE, width=4)

    def _operation(self, draw: ImageDraw.ImageDraw, moment: Moment, name: str, weights: Grid, outputs: Grid) -> None:
        draw.text((weights.left, weights.top - LINE), name, INK, _font(TEXT))
        _cells(draw, weights, _signed(weights.values))
        divisor = self.sliding.kernel.divisor
        if divisor != 1:
            below = weights.box(*weights.values.shape)[1]
            draw.text((weights.left, below + 2), f"divided by {number(divisor)}", INK, _font(SMALL))
        done = moment.place + (moment.products == self.products)
        both = np.stack([output for _, _, output in self.operations])
        _cells(draw, outputs, _signed(both) if both.min() < 0 else _unsigned(both), done)
        draw.rectangle(outputs.box(*self.sliding.places[moment.place]), outline=ORANGE, width=4)
        if moment.products < self.products:
            tap = divmod(moment.products - 1, weights.values.shape[1])
            draw.rectangle(weights.box(*tap), outline=BLUE, width=4)

    def _sum(self, moment: Moment, kernel: Kernel, output: NDArray[np.float32]) -> list[str]:
        """The sum at a moment, in lines."""
        place = self.sliding.places[moment.place]
        terms = self.sliding.terms(place, kernel)[: moment.products]
        total = float(output[place]) if moment.products == self.products else None
        return wrap(written(terms, kernel.divisor, total), int((self.width - 2 * MARGIN) / LETTER))


def animate(frames: Frames, path: Path, about: Mapping[str, str]) -> None:
    """Write the animation as a GIF that repeats, with what it is `about` as its comment.

    Raises DataError when the file cannot be written.
    """
    durations = [duration for _, duration in frames.moments]
    colours = _palette()

    def drawn() -> Iterator[Image.Image]:
        for moment, _ in frames.moments:
            yield frames.at(moment).quantize(palette=colours, dither=Image.Dither.NONE)

    first, *others = drawn()
    comment = "\n".join(f"{key}: {value}" for key, value in about.items())
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=durations, loop=0, comment=comment)
    to_disk(path, content.getvalue())


def _palette() -> Image.Image:
    """The colours of every frame: greys, and the two colours on their way to white."""
    # Pillow looks colours up in steps of four: with finer greys, white would not be white.
    greys = [round(255 * step / 31) for step in range(32)]
    colours = [(grey, grey, grey) for grey in greys]
    colours += [ImageColor.getrgb(tint(colour, step / 16))[:3] for colour in (BLUE, ORANGE) for step in range(16)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in colours for part in colour])
    return palette


def still(frames: Frames, place: int, path: Path, about: Mapping[str, str]) -> None:
    """Write one place of the window, with its whole sum, as a PNG. Raises DataError when that cannot be written."""
    texts, content = PngInfo(), io.BytesIO()
    for key, value in about.items():
        texts.add_text(key, value)
    frames.at(Moment(place, frames.products)).save(content, "PNG", pnginfo=texts)
    to_disk(path, content.getvalue())


def _cells(draw: ImageDraw.ImageDraw, grid: Grid, shade: Shade, done: int | None = None) -> None:
    """The cells with their numbers; those that are not done yet are empty."""
    for at, ((row, column), value) in enumerate(np.ndenumerate(grid.values)):
        if done is not None and at >= done:
            draw.rectangle(grid.box(row, column), fill=EMPTY, outline=FAINT)
            continue
        grey = shade(float(value))
        draw.rectangle(grid.box(row, column), fill=(grey, grey, grey), outline=FAINT)
        if grid.cell >= READABLE:
            text = number(float(value)) if abs(value) < 1000 else f"{value:.0f}"
            fitting = min(int(grid.cell * 0.42), int((grid.cell - 4) / (0.62 * len(text))))
            x, y, right, below = grid.box(row, column)
            middle = ((x + right) / 2, (y + below) / 2)
            draw.text(middle, text, "white" if grey < 128 else INK, _font(max(fitting, 8)), anchor="mm")


def _signed(values: NDArray[np.float32]) -> Shade:
    """Mid-grey for 0, white for the largest magnitude, black for minus that."""
    reach = float(np.abs(values).max()) or 1.0
    return lambda value: round(128 + 127 * value / reach)


def _unsigned(values: NDArray[np.float32]) -> Shade:
    """Black for 0, white for the largest."""
    most = float(values.max()) or 1.0
    return lambda value: round(255 * value / most)


def _arithmetic(axis: Axis) -> str:
    return axis.formula if axis.fits else f"{axis.formula}, {axis.verdict.partition(' ')[2]}"


def _by(image: NDArray[np.float32]) -> str:
    return "x".join(map(str, image.shape))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own letters, as in the other pictures."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
