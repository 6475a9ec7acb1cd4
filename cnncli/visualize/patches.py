"""Patches that excite maps most, beside what goes back from the excited units (Zeiler and Fergus 2014, figure 2).

A patch is what its unit sees of the image, its receptive field by sizing's arithmetic. A signal of 1 goes back from
that unit alone, by a rule of `models.rules`; max-pooling's switches are those of the image itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.drawing.names import shortened
from cnncli.drawing.sheet import CELL, GAP, MOST_PIXELS, PAGE, Line, Panel, Sheet
from cnncli.errors import UsageError
from cnncli.networks.network import Network
from cnncli.sizing.geometry import Field
from cnncli.sizing.report import Row
from cnncli.sizing.size import size
from cnncli.visualize.excited import NINE, Excited, by_unit
from cnncli.visualize.layers import row_of, trunk
from cnncli.visualize.subject import Subject, Weights, activation

# Maps that are drawn unless others are asked for; of more dead maps than LISTED, the others are not named.
MAPS, LISTED = 8, 16
# In pixels: a patch's side, the largest and where there are so many that they have no captions; the room that blanks
# and captions take beside it, and names beside all patches.
LARGEST, SMALL = 160, 48
ROOM, NAMES = 36, 400
# Two greys in squares, so many along a patch's longer side, stand for what is beyond the image.
CHECKERS, SQUARES = (190, 215), 12
# Images at a time on the way back, fewer where the activations of all layers, which it needs, are large.
BATCH = 64

RULES = {"guided": "guided backpropagation", "deconv": "the DeconvNet", "gradient": "the gradient"}

Pixels = NDArray[np.uint8]


def layer_of(network: Network, path: str | None) -> Row:
    """The layer asked for, or the deepest whose units see no more than half of the image along both sides.

    It is looked at before a sigmoid or another activation that is no ReLU: at their ends units cannot be told apart.
    Raises UsageError for a layer that there is not.
    """
    if path is not None:
        return row_of(network, path)
    stages = trunk(network)
    maps = [row for row in stages if row.field and row.word not in ("pool", "subsample")]
    sides = network.input[:2]
    small = [row for row in maps if row.field and all(2 * row.field[axis].size <= sides[axis] for axis in (0, 1))]
    return before(network, small[-1] if small else (maps or stages)[0])


def before(network: Network, row: Row) -> Row:
    """What comes before an activation that is no ReLU; any other layer itself."""
    rows = size(network).main
    while row.word == "activation" and row.kind != "relu" and row != rows[0]:
        row = rows[rows.index(row) - 1]
    return row


def cell_for(row: Row, input: tuple[int, int, int], maps: int) -> int:
    """How large patches are drawn, in pixels, when there are so many maps. Raises UsageError for too many."""
    rows, columns = fields(row, 0, input)
    for cell in (max(CELL, min(LARGEST, max(len(rows), len(columns)))), SMALL):
        room = ROOM if cell >= CELL else GAP
        most = MOST_PIXELS // (2 * NINE * (cell + room) + NAMES) // (cell + room)
        if maps <= most:
            return cell
    raise UsageError(f"--maps: {maps:,} maps of {row.path} are too many for a picture; expected at most {most}")


def fields(row: Row, unit: int, input: tuple[int, int, int]) -> tuple[range, range]:
    """The rows and columns of the image that a unit of a layer sees, or that are shown of a larger field."""
    if row.field is None:
        return range(input[0]), range(input[1])
    down, along = divmod(unit, row.output[1])
    return within(row.field[0], down, input[0]), within(row.field[1], along, input[1])


def within(field: Field, unit: int, side: int) -> range:
    """The pixels that a unit sees along an axis, below 0 and from `side` on those beyond the image.

    Of a field larger than the image no more than the image has: what is left out is beyond it.
    """
    whole = field.of(unit)
    surplus = max(0, len(whole) - side)
    first = min(max(whole.start, 0), whole.start + surplus)
    return range(first, first + len(whole) - surplus)


def cropped(image: Pixels, rows: range, columns: range) -> Pixels:
    """These rows and columns of an image (height, width, channel), checkered where they are beyond it."""
    square = max(1, max(len(rows), len(columns)) // SQUARES)
    odd = np.add.outer(np.arange(len(rows)) // square, np.arange(len(columns)) // square) % 2
    part = np.repeat(np.array(CHECKERS, np.uint8)[odd][..., None], image.shape[2], axis=2)
    down, along = (np.array(pixels) for pixels in (rows, columns))
    tall, wide = (down >= 0) & (down < image.shape[0]), (along >= 0) & (along < image.shape[1])
    part[np.ix_(tall, wide)] = image[np.ix_(down[tall], along[wide])]
    return part


def signals(
    subject: Subject, images: Pixels, excited: Excited, rule: str, at: Sequence[tuple[int, int]]
) -> Iterator[tuple[Pixels, NDArray[np.float32]]]:
    """For each map and rank, what the network sees as pixels and what goes back to it, (height, width, channel) both.

    Raises UsageError where the rule is not defined.
    """
    built, path = subject.by(rule), excited.row.path

    def back(weights: Weights, x: jax.Array, maps: jax.Array, units: jax.Array) -> jax.Array:
        def answer(x: jax.Array) -> jax.Array:
            return jnp.sum(by_unit(activation(built, weights, x, path))[jnp.arange(len(x)), units, maps])

        slope: jax.Array = jax.grad(answer)(x)
        return slope

    call, count = subject.jit(back), len(at)
    together = max(1, min(BATCH, count, subject.together // len(size(subject.network).rows)))
    maps, ranks = np.array(at, np.int32).T
    for start in range(0, count, together):
        # The last batch repeats the last one; its surplus is left out.
        some = np.minimum(np.arange(start, start + together), count - 1)
        places = maps[some], ranks[some]
        x = subject.seen(images[excited.images[places]])
        found = np.asarray(call(subject.weights, x, maps[some], excited.units[places]))
        yield from zip(subject.pixels(x)[: count - start], found[: count - start], strict=True)


def around_grey(signal: NDArray[np.float32]) -> Pixels:
    """A signal as pixels: mid-grey where it is 0, its largest magnitude black or white."""
    most = float(np.abs(signal).max()) or 1.0
    return np.asarray(np.round(127.5 + 127.5 * signal / most), np.uint8)


@dataclass(frozen=True)
class Patch:
    """What a unit sees of an image and what goes back to that, both (height, width, channel) uint8.

    `label` is the image's class, `value` the unit's activation; `silent` says that nothing goes back.
    """

    image: Pixels
    back: Pixels
    label: str
    value: float
    silent: bool


@dataclass(frozen=True)
class Patches:
    """The patches of some maps by their names, the strongest first, and how they were found.

    `of` is how many images the split has; `chosen` says that nobody asked for these maps.
    """

    network: Network
    excited: Excited
    rule: str
    found: dict[str, list[Patch]]
    of: int
    chosen: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """Which maps are dead, if any are, and where nothing goes back."""
        excited, dead, said = self.excited, self.excited.dead, []
        if dead:
            what = "constant" if excited.least[dead].any() else "zero"
            listed = ", ".join(map(str, dead[:LISTED])) + ", ..." * (len(dead) > LISTED)
            which = f"{len(dead)} of {excited.maps} {self._what} of {excited.row.path} ({listed})"
            said.append(f"dead, {what} everywhere in the {excited.among:,} images: {which}")
        units = [one for found in self.found.values() for one in found]
        if silent := sum(one.silent for one in units):
            instead = before(self.network, excited.row)
            hint = f"; --layer {instead.path} is what comes before it" * (instead != excited.row)
            said.append(f"{excited.row.path} sends nothing back from {silent} of {len(units)} units{hint}")
        return tuple(said)

    @property
    def _what(self) -> str:
        return "maps" if len(self.excited.row.output) == 3 else "units"

    def sheet(self, title: str) -> Sheet:
        """A line a map: its patches, then what goes back to them."""
        cell = cell_for(self.excited.row, self.network.input, len(self.found))
        across = max(map(len, self.found.values()))
        lines = [_line(name, found, across, cell) for name, found in self.found.items()]
        ranks = [str(rank + 1) for rank in range(across)]
        return Sheet(lines, title, self._note(), (*ranks, *ranks), cell)

    def _note(self) -> str:
        row, excited, what = self.excited.row, self.excited, self._what
        among = f"{excited.among:,} images" + f" of {self.of:,}, drawn by chance," * (excited.among < self.of)
        said = [
            f"Left: of {among} those that excite a {what[:-1]} most{_cut(row, self.network.input)}, with the image's "
            "class and the activation",
            f"Right: what goes back from a signal of 1 at that unit by {RULES[self.rule]}, mid-grey where it is 0, "
            "each scaled by itself",
        ]
        if row.field:
            said.append("Checkered: beyond the image")
        if any(len(found) < min(NINE, excited.among) for found in self.found.values()):
            said.append("Where there are fewer, no other image excites it")
        if self.chosen and len(self.found) < excited.maps - len(excited.dead):
            said.append(f"Of {excited.maps} {what} the {len(self.found)} that their last image here excites most")
        return ". ".join([*said, *(one[0].upper() + one[1:] for one in self.sentences)]) + "."


def patches(subject: Subject, data: Loaded, excited: Excited, rule: str, maps: Sequence[int] | None = None) -> Patches:
    """Cut out what excites maps, those asked for that are not dead or the strongest, and send signals back.

    Raises UsageError where all of them are dead, or where the rule is not defined.
    """
    drawn = [number for number in (excited.strongest(MAPS) if maps is None else maps) if excited.count(number)]
    if not drawn:
        which = f"no map of {excited.row.path}{' that is asked for' * (maps is not None)}"
        raise UsageError(f"the {excited.among:,} images excite {which}; expected another layer or other maps")
    at = [(number, rank) for number in drawn for rank in range(excited.count(number))]
    found: dict[str, list[Patch]] = {}
    for one, (image, signal) in zip(at, signals(subject, data.split.images, excited, rule, at), strict=True):
        window = fields(excited.row, int(excited.units[one]), subject.network.input)
        both = cropped(image, *window), cropped(around_grey(signal), *window)
        label = data.facts.classes[data.split.labels[excited.images[one]]]
        patch = Patch(*both, label, float(excited.values[one]), not signal.any())
        found.setdefault(_name(subject, excited.row, one[0]), []).append(patch)
    return Patches(subject.network, excited, rule, found, len(data.split.labels), maps is None)


def _name(subject: Subject, row: Row, number: int) -> str:
    """What a map is called: its number, with the class that a score of the last layer is of."""
    if len(row.output) == 3:
        return f"map {number}"
    if row == size(subject.network).main[-1] and row.output == (len(subject.facts.classes),):
        return f"{number} {subject.facts.classes[number]}"
    return f"unit {number}"


def _line(name: str, found: Sequence[Patch], across: int, cell: int) -> Line:
    """Patches and what goes back to them, side by side, each with room for so many; small ones have no captions."""
    said = cell >= CELL
    left = [Panel(one.image, f"{shortened(one.label)}\n{one.value:.3g}" * said) for one in found]
    right = [Panel(one.back, "all zero" * one.silent * said) for one in found]
    nothing = [Panel(np.full_like(found[0].image, PAGE))] * (across - len(found))
    return Line(name, ((*left, *nothing), (*right, *nothing)))


def _cut(row: Row, input: tuple[int, int, int]) -> str:
    """How images are cut, in words; nothing where a unit sees all of them."""
    if row.field is None:
        return ""
    tall, wide = (axis.size for axis in row.field)
    more = ", of which no more is shown than an image has" * (tall > input[0] or wide > input[1])
    return f", each cut to what its most excited unit sees, a receptive field of {tall}x{wide} pixels{more}"
