"""A network as it is drawn: every layer where it stands, with its shapes, and what is folded into one block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from cnncli.diagrams.labels import details, operation, title
from cnncli.networks.layers import (
    Activation,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Dropout,
    Flatten,
    Group,
    Layer,
    Layers,
    LocalResponseNorm,
    Residual,
)
from cnncli.networks.network import Network, children
from cnncli.sizing.report import Row, Shape
from cnncli.sizing.size import show, size

ELEMENTWISE = (BatchNorm, LocalResponseNorm, Activation, Dropout, Flatten)


@dataclass(frozen=True)
class Part:
    """A layer where it stands, and the ways inside it: those of branches, or a residual's body and shortcut.

    `path` names it as sizing does; that of branches and residuals is the place where their ways meet. `params` counts
    all inside it but, as sizing's totals, no auxiliary head.
    """

    path: str
    layer: Layer
    input: Shape
    output: Shape
    params: int
    ways: tuple[tuple["Part", ...], ...] = ()

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Block:
    """What a picture shows as one thing.

    `tail` are the elementwise layers written on it; `times` says how many equal ones follow each other, `last` being
    the name of the last; `ways` are empty where nothing is inside or what is stays folded.
    """

    part: Part
    tail: tuple[Part, ...] = ()
    times: int = 1
    last: str = ""
    ways: tuple[tuple["Block", ...], ...] = ()

    @property
    def name(self) -> str:
        """The name, or the first and the last one."""
        return self.part.name if self.times == 1 else f"{self.part.name} to {self.last}"

    @property
    def inside(self) -> Iterator["Block"]:
        """Itself and every block in it that is drawn."""
        yield self
        for block in (block for way in self.ways for block in way):
            yield from block.inside

    @property
    def words(self) -> list[str]:
        """What is written on it besides its operation: padding and groups, then the tail."""
        return [*details(self.part.layer), *map(_said, self.tail)]


def _said(part: Part) -> str:
    return f"flatten {show(part.output)}" if isinstance(part.layer, Flatten) else operation(part.layer)


def parts(network: Network) -> tuple[Part, ...]:
    """The layers of a network as a tree of parts. Raises UsageError where the network cannot be at its input."""
    return tuple(_parts(network.named(), "", network.input, iter(size(network).rows)))


def _parts(layers: Layers, path: str, shape: Shape, rows: Iterator[Row]) -> Iterator[Part]:
    """The parts of a chain; sizing gives its rows in the same order, where ways meet behind what is inside."""
    for layer in layers:
        here = path + layer.name
        inside = f"{here}/" if layer.name else path
        ways = tuple(tuple(_parts(way, inside, shape, rows)) for way in children(layer))
        params = sum(part.params for way in ways for part in way if not isinstance(part.layer, AuxiliaryHead))
        if isinstance(layer, Group | AuxiliaryHead):
            part = Part(here, layer, shape, behind(ways[0], shape), params, ways)
        else:
            row = next(rows)
            part = Part(row.path, layer, row.input, row.output, params + row.params, ways)
        yield part
        shape = behind((part,), shape)


def walk(chain: Iterable[Part]) -> Iterator[Part]:
    """Every part of a chain, each before those inside it."""
    for part in chain:
        yield part
        for way in part.ways:
            yield from walk(way)


def behind(chain: Iterable[Part], shape: Shape) -> Shape:
    """The shape behind a chain whose input has `shape`; an auxiliary head changes nothing."""
    return ([shape] + [part.output for part in chain if not isinstance(part.layer, AuxiliaryHead)])[-1]


def fold(chain: tuple[Part, ...], depth: int) -> tuple[Block, ...]:
    """What to draw of a chain, groups and auxiliary heads being opened to `depth`.

    An elementwise layer is written on what is before it; groups, branches and residuals that are equal but for their
    names, one behind the other, are one block.
    """
    blocks: list[Block] = []
    for part in chain:
        if (
            blocks
            and isinstance(part.layer, ELEMENTWISE)
            and not isinstance(blocks[-1].part.layer, Group | AuxiliaryHead)
        ):
            blocks[-1] = replace(blocks[-1], tail=(*blocks[-1].tail, part))
        else:
            blocks.append(_block(part, depth))
    equal = (tuple(run) for _, run in groupby(blocks, _likeness))
    return tuple(block for run in equal for block in ((_repeated(run),) if run[0].part.ways else run))


def _block(part: Part, depth: int) -> Block:
    if isinstance(part.layer, Group | AuxiliaryHead):
        return Block(part, ways=tuple(fold(way, depth - 1) for way in part.ways) if depth > 1 else ())
    return Block(part, ways=tuple(fold(way, depth) for way in part.ways))


def _repeated(run: tuple[Block, ...]) -> Block:
    return replace(run[0], times=len(run), last=run[-1].part.name)


def _likeness(block: Block) -> tuple[object, ...]:
    return tuple(map(likeness, (block.part, *block.tail)))


def likeness(part: Part) -> tuple[object, ...]:
    """What two parts have in common that are equal but for their names."""
    inside = tuple(tuple(map(likeness, way)) for way in part.ways)
    return part.input, part.output, inside or replace(part.layer, name=""), part.layer.word


def depth(chain: tuple[Part, ...]) -> int:
    """The least depth at which no group and no head is folded."""
    return max(
        (isinstance(part.layer, Group | AuxiliaryHead) + max(map(depth, part.ways)) for part in chain if part.ways),
        default=1,
    )


def gist(chain: tuple[Part, ...]) -> list[str]:
    """A chain in a few lines: one for each layer that is not elementwise, each branch, and each group by its name."""
    said = [part for part in chain if not isinstance(part.layer, ELEMENTWISE)]
    return [line for _, run in groupby(said, likeness) for line in _gist(tuple(run))]


def _gist(run: tuple[Part, ...]) -> list[str]:
    """Equal parts in a few lines."""
    times = f" x{len(run)}" * (len(run) > 1)
    part = run[0]
    match part.layer:
        case Group() | AuxiliaryHead():
            return [Block(part, times=len(run), last=run[-1].name).name + times]
        case Branches():
            said = [" → ".join(gist(way)) or "identity" for way in part.ways]
            return [f"{len(said)} branches{times}:", *said]
        case Residual():
            body, shortcut = map(gist, part.ways)
            return [*body, f"+ {' → '.join(shortcut) or 'identity'}{times}"]
        case _:
            return [title(part.layer) + times]
