"""A network as an indented tree of text: each layer's name, what it does, its shape and its parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnncli.diagrams.diagram import Part, behind, parts
from cnncli.diagrams.labels import details, title
from cnncli.drawing.names import plain
from cnncli.networks.layers import AuxiliaryHead, Branches, Group, Residual
from cnncli.networks.network import Network
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show, size


@dataclass(frozen=True)
class Item:
    """One line of the tree, and the items under it."""

    name: str
    said: str
    shape: Shape
    params: int
    inside: tuple["Item", ...] = ()


def tree(network: Network, depth: int | None = None) -> str:
    """The tree of a network, its groups and heads opened to `depth`, or all of them.

    Raises UsageError where the network cannot be at its input.
    """
    report = size(network)
    rows = list(_rows(_items(parts(network), depth or -1), ""))
    name, said, shape, params = ([len(row[column]) for row in rows] for column in range(4))
    lines = [
        f"{row[0]:{max(name)}}  {row[1]:{max(said)}}  {row[2]:{max(shape)}}  {row[3]:>{max(params)}}".rstrip()
        for row in rows
    ]
    shapes = f"{show(network.input)} -> {show(report.output)}"
    return "\n".join([f"{plain(network.name)}  {shapes}  {report.totals.params:,} parameters", *lines, ""])


def _rows(items: Sequence[Item], indent: str) -> Iterator[tuple[str, str, str, str]]:
    """The columns of items and of all under them."""
    for place, item in enumerate(items, 1):
        branch, under = ("└── ", "    ") if place == len(items) else ("├── ", "│   ")
        yield indent + branch + item.name, item.said, show(item.shape), f"{item.params:,}" if item.params else ""
        yield from _rows(item.inside, indent + under)


def _items(chain: tuple[Part, ...], depth: int) -> tuple[Item, ...]:
    return tuple(_item(part, depth) for part in chain)


def _item(part: Part, depth: int) -> Item:
    said = ", ".join([title(part.layer), *details(part.layer)])
    match part.layer:
        case Group() | AuxiliaryHead():
            inside = _items(part.ways[0], depth - 1) if depth != 1 else ()
        case Branches():
            inside = tuple(_way(f"branch {place}", way, part, depth) for place, way in enumerate(part.ways, 1))
        case Residual():
            names = ("body", "shortcut")
            inside = tuple(_way(name, way, part, depth) for name, way in zip(names, part.ways, strict=True))
        case _:
            inside = ()
    return Item(part.name, said, part.output, part.params, inside)


def _way(name: str, way: tuple[Part, ...], around: Part, depth: int) -> Item:
    """One of the ways inside branches or a residual."""
    params = sum(part.params for part in way if not isinstance(part.layer, AuxiliaryHead))
    return Item(name, "" if way else "identity", behind(way, around.input), params, _items(way, depth))
