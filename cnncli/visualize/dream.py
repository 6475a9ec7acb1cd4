"""Deep Dream (Mordvintsev et al. 2015): a picture changes so that layers see more of what they see in it already.

A network looks at its own size, so at a larger picture in tiles of that size, whose borders lie elsewhere in each step.
It is made in octaves: first small, where a tile is much of it, then larger, where details are added to what is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.sheet import CELL, Line, Panel, Sheet
from cnncli.errors import DataError
from cnncli.visualize.ascent import Canvas
from cnncli.visualize.layers import row_of, trunk
from cnncli.visualize.objectives import Energy, Objective
from cnncli.visualize.subject import Subject, Weights

# So much larger is each octave than the one before.
RATIO = 1.4
# The default layer lies behind this share of the stages that have maps.
DEPTH = 0.6
# At most so many tiles, of so many values together, are looked at at once.
TILES, MOST_VALUES = 16, 4 * 224 * 224 * 3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Dream:
    """Which layers see more, in how many octaves of how many steps, how far each goes, and how far tiles are moved.

    `rate` is the root mean square of a step, a share of the pixels' range; `jitter` is in pixels.
    """

    paths: tuple[str, ...]
    octaves: int
    steps: int
    rate: float
    jitter: int

    @property
    def words(self) -> str:
        """How it is dreamt, in words."""
        return f"{self.octaves} octaves of {self.steps} steps of {self.rate:g}, jitter {self.jitter}"


@dataclass(frozen=True)
class Dreamt:
    """A picture (height, width, channel) uint8, what became of it on the way, and what layers gave before and after.

    `flat` says that no step had a gradient.
    """

    original: NDArray[np.uint8]
    kept: tuple[NDArray[np.uint8], ...]
    before: float
    after: float
    flat: bool


def paths(subject: Subject, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The layers to dream by: those wanted, or one behind the middle. Raises UsageError for one that there is not."""
    if wanted:
        return tuple(dict.fromkeys(row_of(subject.network, path).path for path in wanted))
    stages = trunk(subject.network)
    maps = [row.path for row in stages if len(row.output) == 3 and max(row.output[:2]) > 1]
    return (maps[int(DEPTH * len(maps))],) if maps else (stages[0].path,)


def fitted(shape: tuple[int, int], tile: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size of a picture of a shape (height, width): its longer side at most so long, no side below a tile's.

    Nothing is enlarged for another reason.
    """
    share = max(min(1, longest / max(shape)), tile[0] / shape[0], tile[1] / shape[1])
    return max(tile[0], round(shape[0] * share)), max(tile[1], round(shape[1] * share))


def sizes(shape: tuple[int, int], tile: tuple[int, int], octaves: int) -> list[tuple[int, int]]:
    """The sizes of octaves up to a shape, from small to large, as many as are not smaller than a tile."""
    found = [tuple(round(side / RATIO**octave) for side in shape) for octave in range(octaves)]
    return [(size[0], size[1]) for size in reversed(found) if size[0] >= tile[0] and size[1] >= tile[1]]


def dream(subject: Subject, picture: NDArray[np.uint8], how: Dream, seed: int, frames: int = 1) -> Dreamt:
    """Dream on a picture (height, width, channel) uint8, no smaller than the network's input.

    Raises DataError for a network that gives no finite numbers.
    """
    height, width, _ = subject.network.input
    tiles = Tiles(subject, Energy(how.paths))
    whole: Floats = np.asarray(picture / 255, np.float32)
    draw, detail, kept = np.random.default_rng(seed), np.zeros_like(whole), []
    every = sizes((whole.shape[0], whole.shape[1]), (height, width), how.octaves)
    keep = {int(place) for place in np.linspace(len(every) * how.steps, 1, frames).round()}
    before, place, flat = tiles.slope(whole)[1], 0, True
    for shape in every:
        base, detail = resized(whole, shape), resized(detail, shape)
        pixels: Floats = np.clip(base + detail, 0, 1)
        for _ in range(how.steps):
            place += 1
            roll = draw.integers(-how.jitter, how.jitter + 1, 2)
            slope, _ = tiles.slope(np.roll(pixels, roll, (0, 1)))
            push, flat = np.roll(slope, -roll, (0, 1)), flat and not slope.any()
            stride = how.rate / (float(np.sqrt(np.mean(push**2))) or 1)
            pixels = np.asarray(np.clip(pixels + stride * push, 0, 1), np.float32)
            if place in keep:
                kept.append(_bytes(resized(pixels, whole.shape[:2])))
        detail = pixels - base
    return Dreamt(picture, tuple(kept), before, tiles.slope(pixels)[1], flat)


@dataclass(frozen=True)
class Tiles:
    """A network's look at pictures of any size, in tiles of its own, so many at a time that one compilation serves."""

    subject: Subject
    objective: Objective

    @cached_property
    def canvas(self) -> Canvas:
        """How the network sees pixels."""
        return Canvas.of(self.subject)

    @cached_property
    def call(self) -> Callable[..., tuple[jax.Array, jax.Array]]:
        """From weights, a canvas and tiles to the slope of the score in each pixel, and the scores."""
        built, objective = self.subject.model, self.objective

        def score(tiles: jax.Array, weights: Weights, canvas: Canvas) -> tuple[jax.Array, jax.Array]:
            scores = objective(built, weights, canvas.seen(tiles))
            return jnp.sum(scores), scores

        return self.subject.jit(jax.grad(score, has_aux=True))

    def slope(self, pixels_HxWxC: Floats) -> tuple[Floats, float]:
        """The slope of the tiles' scores in each pixel, the mean where tiles overlap, and the mean of the scores.

        Raises DataError for scores that are not finite.
        """
        height, width = self.subject.network.input[:2]
        corners = [
            (down, right) for down in starts(len(pixels_HxWxC), height) for right in starts(len(pixels_HxWxC[0]), width)
        ]
        together = max(1, min(TILES, MOST_VALUES // prod(self.subject.network.input)))
        total, times, scores = np.zeros_like(pixels_HxWxC), np.zeros((*pixels_HxWxC.shape[:2], 1), np.float32), []
        for first in range(0, len(corners), together):
            some = corners[first : first + together]
            # The last ones repeat a tile, which is not counted, so that the same compilation fits.
            cut = [pixels_HxWxC[d : d + height, r : r + width] for d, r in some + [some[-1]] * (together - len(some))]
            slopes, found = self.call(jnp.asarray(np.stack(cut)), self.subject.weights, self.canvas)
            scores.append(np.asarray(found)[: len(some)])
            for (down, right), slope in zip(some, np.asarray(slopes), strict=False):
                total[down : down + height, right : right + width] += slope
                times[down : down + height, right : right + width] += 1
        mean = float(np.mean(np.concatenate(scores)))
        if not np.isfinite(mean):
            raise DataError("the network gives values that are not finite: this checkpoint's training has diverged")
        return np.asarray(total / times, np.float32), mean


def starts(side: int, tile: int) -> list[int]:
    """Where tiles begin along a side, so that all of it is covered: one after the other, the last at the end."""
    return [*range(0, side - tile, tile), side - tile]


def resized(pixels_HxWxC: Floats, size: tuple[int, int]) -> Floats:
    """Pixels at another height and width."""
    if pixels_HxWxC.shape[:2] == size:
        return pixels_HxWxC
    shape = (*size, pixels_HxWxC.shape[2])
    return np.asarray(jax.image.resize(jnp.asarray(pixels_HxWxC), shape, "linear"))


def sheets(dreams: Sequence[Dreamt], names: Sequence[str], said: Sheet) -> list[Sheet]:
    """A sheet for each kept step, with the title and note of one: originals beside dreams."""
    cell = max(max(one.original.shape) for one in dreams)
    return [
        Sheet(
            [
                Line(name, ((Panel(one.original),), (Panel(one.kept[at]),)))
                for one, name in zip(dreams, names, strict=True)
            ],
            said.title,
            said.note,
            ("original", "dream"),
            max(cell, CELL),
        )
        for at in range(len(dreams[0].kept))
    ]


def _bytes(pixels: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.round(255 * np.clip(pixels, 0, 1)), np.uint8)
