"""Feature maps of an image: what the layers of a network give for it, along the network or at one layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import jax
import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.sheet import CELL, Line, Panel, Sheet
from cnncli.errors import DataError
from cnncli.networks.network import Network
from cnncli.sizing.report import Row, fold
from cnncli.sizing.size import size
from cnncli.visualize.layers import row_of
from cnncli.visualize.subject import Subject, activations

# So many maps of a stage are drawn, and so many of a layer that is looked at by itself.
OF_STAGE, OF_LAYER = 8, 64
# So many maps stand side by side; the longer side of an image in pixels where one layer is shown.
ACROSS, LARGE = 8, 128
# Of more dead maps than these, the others are not named.
LISTED = 16
# Of more stages than these, blocks are shown as one.
MOST_STAGES = 18

# What begins a stage: layers that see windows, places where ways meet, and groups that hold such.
BEGINNINGS = ("conv", "partial-conv", "pool", "subsample", "adaptive-pool", "branches", "residual", "group")
FOLLOWERS = ("batch-norm", "activation")


@dataclass(frozen=True)
class Stage:
    """A part of the network, called after its first layer; its maps are those behind its last."""

    name: str
    path: str


@dataclass(frozen=True)
class Maps:
    """What a stage gives for an image: maps (height, width, map), or a vector (unit,)."""

    stage: Stage
    values: NDArray[np.float32]

    @property
    def single(self) -> bool:
        """Whether there is one value a map, or a vector: then a map has no range of its own."""
        return self.values.ndim == 1 or self.values.shape[:2] == (1, 1)

    @property
    def dead(self) -> list[int]:
        """The maps that are all zero, or the units that are."""
        axes = tuple(range(self.values.ndim - 1))
        return [int(place) for place in np.flatnonzero(~self.values.any(axis=axes))]

    @property
    def constant(self) -> list[int]:
        """The maps that have one value other than zero everywhere."""
        if self.single:
            return []
        level = np.ptp(self.values, axis=(0, 1)) == 0
        return [int(place) for place in np.flatnonzero(level) if place not in self.dead]


def stages(network: Network) -> list[Stage]:
    """The stages of a network with their normalization and activation: convolutions and pooling, or blocks of them.

    Dense layers are stages where there is nothing else.
    """
    rows = tuple(row for row in size(network).rows if not row.head)
    deepest = max((row.path.count("/") for row in rows), default=0) + 1
    for depth in range(deepest, 0, -1):
        found = _stages([row for row in fold(rows, depth) if len(row.output) == 3], BEGINNINGS)
        if found and (len(found) <= MOST_STAGES or depth == 1):
            return found
    return _stages(rows, ("dense", "radial-basis"))


def _stages(rows: Sequence[Row], beginnings: Sequence[str]) -> list[Stage]:
    found: list[Stage] = []
    open_stage = False
    for row in rows:
        if row.word in beginnings:
            found.append(Stage(row.path, row.path))
            open_stage = True
        elif open_stage and row.word in FOLLOWERS:
            found[-1] = Stage(found[-1].name, row.path)
        else:
            open_stage = False
    return found


def stage_at(network: Network, path: str) -> Stage:
    """One layer as a stage: what it gives itself. Raises UsageError for a layer that there is not."""
    return Stage(path, row_of(network, path).path)


def maps(subject: Subject, image: NDArray[np.uint8], wanted: Sequence[Stage]) -> list[Maps]:
    """What stages give for an image (height, width, channel). Raises DataError for values that are not finite."""
    paths, model = [stage.path for stage in wanted], subject.model
    call = subject.jit(lambda weights, x: activations(model, weights, x, paths))
    seen = jax.device_get(call(subject.weights, subject.seen(image[None])))
    found = [Maps(stage, np.asarray(seen[stage.path][0], np.float32)) for stage in wanted]
    for one in found:
        if not np.isfinite(one.values).all():
            raise DataError(f"{one.stage.path} gives values that are not finite; choose another checkpoint")
    return found


def panels(found: Maps, count: int, norm: str) -> list[Panel]:
    """The first `count` maps in grey, each from its least value to its greatest, or from all maps' (`shared`).

    A vector is one panel, its units line by line.
    """
    values = found.values
    if values.ndim == 1:
        wide = next(wide for wide in range(isqrt(len(values)), 0, -1) if len(values) % wide == 0)
        return [Panel(grey(values.reshape(wide, -1), values), f"{len(values):,} values")]
    dead, constant = found.dead, found.constant
    return [
        Panel(
            grey(values[..., at], values if norm == "shared" or found.single else values[..., at]),
            f"{at}{': zero' * (at in dead)}{': constant' * (at in constant)}",
        )
        for at in range(min(count, values.shape[-1]))
    ]


def grey(values: NDArray[np.float32], among: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels from black, the least of `among`, to white, its greatest; black where all are alike."""
    low, high = float(among.min()), float(among.max())
    return np.asarray(np.round((values - low) / ((high - low) or 1.0) * 255), np.uint8)


def along(image: NDArray[np.uint8], found: Sequence[Maps], count: int, norm: str, title: str) -> Sheet:
    """A line for the image and one a stage, with the first of its maps."""
    lines = [Line("image", ((Panel(image),),))]
    for one in found:
        shape = " " + "x".join(map(str, one.values.shape[:2])) if one.values.ndim == 3 else ""
        lines.append(Line(one.stage.name + shape, (tuple(panels(one, count, norm)),)))
    return Sheet(lines, title, " ".join(words(found, count, norm)), cell=CELL)


def at_layer(image: NDArray[np.uint8], found: Maps, count: int, norm: str, title: str) -> Sheet:
    """The image, and a layer's maps, some in a line."""
    tiles = panels(found, count, norm)
    lines = [Line("image", ((Panel(image),),))]
    for start in range(0, len(tiles), ACROSS):
        lines.append(Line(found.stage.name if start == 0 else "", (tuple(tiles[start : start + ACROSS]),)))
    return Sheet(lines, title, " ".join(words([found], count, norm)), cell=LARGE)


def words(found: Sequence[Maps], count: int, norm: str) -> list[str]:
    """What is shown and how it is scaled, and which maps are dead."""
    each = "all maps of a layer alike" if norm == "shared" else "each map by itself"
    more = [one for one in found if one.values.ndim == 3 and one.values.shape[-1] > count]
    said = [f"The first {count} maps{' of each layer' * (len(found) > 1)}."] if more else []
    said.append(f"Scaled from black, the least value, to white, the greatest, {each}.")
    zero = [_of(one, one.dead, len(found) == 1) for one in found if one.dead and one.values.ndim == 3]
    zero += [f"all of {one.stage.name}" for one in found if one.values.ndim == 1 and not one.values.any()]
    constant = [_of(one, one.constant, len(found) == 1) for one in found if one.constant]
    if zero:
        said.append(f"Zero everywhere for this image: {', '.join(zero)}.")
    if constant:
        said.append(f"One value everywhere for this image: {', '.join(constant)}.")
    return said


def _of(one: Maps, places: Sequence[int], named: bool) -> str:
    listed = ", ".join(map(str, places[:LISTED])) + ", ..." * (len(places) > LISTED)
    return f"{len(places)} of {one.values.shape[-1]} maps of {one.stage.name}{f' ({listed})' * named}"
