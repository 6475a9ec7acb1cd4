"""From the tables of a TOML file to a network: words become layers, blocks stand for theirs, repeats are written out.

{ layer = "conv", ... }                     a word of the vocabulary
{ block = "bottleneck" }                    the layers of the table [bottleneck]; with a name, a group of them
{ repeat = 3, layers = [ ... ] }            a sequence three times; with a name, three groups, numbered
{ block = "bottleneck", repeat = 3 }        blocks and layers may repeat as well
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from cnncli.errors import UsageError, nearest
from cnncli.networks.checks import from_table, only, shown, whole
from cnncli.networks.layers import WORDS, Group, Layer, Layers
from cnncli.networks.lines import Place
from cnncli.networks.network import Network, walk

# ResNet152 has 568. More than these are a slip, found before they fill the memory.
MOST = 10_000


def is_network(table: Any) -> bool:
    """Whether a table of a file describes a network."""
    return isinstance(table, dict) and "layers" in table and "input" in table


def is_block(table: Any) -> bool:
    """Whether a table of a file describes layers for networks to use."""
    return isinstance(table, dict) and "layers" in table and "input" not in table


class Tables:
    """The tables of one file; a block is made once, however often it is used.

    Raises UsageError for unknown words, keys and blocks, for values that cannot be, for blocks that use each other in a
    circle, and for more than `MOST` layers, before they are made.
    """

    def __init__(self, tables: Mapping[str, Any], file: Place) -> None:
        self.tables, self.file = tables, file
        self.blocks: dict[str, Layers] = {}
        self.unfinished: list[str] = []

    def network(self, name: str) -> Network:
        """The network that a table describes."""
        table, place = self.tables[name], self._place(name)
        only(table, {one.name for one in fields(Network)} - {"name"}, (), str(place))
        if is_block(table):
            raise UsageError(f"{place} is a block: input missing; a network has input = [height, width, channels]")
        only(table, table, {"layers"}, str(place))
        layers = self._layers(table["layers"], place)
        try:
            return Network(**{**table, "name": name, "layers": layers})
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None

    def _place(self, name: str) -> Place:
        return self.file.inside(name, said=f"[{name}]" if name.isprintable() else f"[{name!r}]")

    def _block(self, name: Any, place: Place) -> Layers:
        """The layers of a block, used at a place."""
        if not isinstance(name, str) or not is_block(self.tables.get(name)):
            blocks = [key for key, table in self.tables.items() if is_block(table)]
            if isinstance(name, str) and is_network(self.tables.get(name)):
                raise UsageError(f"{place}: {shown(name)} is a network; a block is a table without input")
            near = nearest(name, blocks) if isinstance(name, str) and blocks else ""
            raise UsageError(f"{place}: no block {shown(name)}{near or '; a block is a table of layers without input'}")
        if name in self.unfinished:
            circle = " -> ".join([*self.unfinished[self.unfinished.index(name) :], name])
            raise UsageError(f"{place}: blocks use each other in a circle: {circle}")
        if name not in self.blocks:
            self.unfinished.append(name)
            inside = self._place(name)
            only(self.tables[name], {"layers"}, (), str(inside))
            self.blocks[name] = self._layers(self.tables[name]["layers"], inside)
            self.unfinished.pop()
        return self.blocks[name]

    def _layers(self, entries: Any, place: Place) -> Layers:
        """The layers of a network or a block."""
        if not isinstance(entries, list):
            raise UsageError(f"{place}: layers is {shown(entries)}; expected a list of layers")
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry, dict):
                raise UsageError(
                    f'{place} layer {number} is {shown(entry)}; expected a table such as {{ layer = "conv", ... }}'
                )
        return tuple(self._value(entries, place.inside("layers", said="layer")))

    def _value(self, value: Any, place: Place) -> Any:
        """What a field holds: a list is a tuple, of layers where it holds tables."""
        if not isinstance(value, list):
            return value
        parts: list[Any] = []
        size = 0
        for number, entry in enumerate(value):
            inside = place.inside(number, said=str(number + 1))
            new = self._entry(entry, inside) if isinstance(entry, dict) else (self._value(entry, inside),)
            size += _size(new)
            _bound(size, inside)
            parts += new
        return tuple(parts)

    def _entry(self, entry: dict[str, Any], place: Place) -> Layers:
        """The layers that a table in a list stands for; where they repeat under a name, it is numbered."""
        once = self._once(entry, place)
        if "repeat" not in entry:
            return once
        try:
            times: int = whole(1)(entry["repeat"])
        except ValueError as expected:
            raise UsageError(f"{place}: repeat is {shown(entry['repeat'])}; expected {expected}") from None
        _bound(times * _size(once), place)
        if name := entry.get("name"):
            return tuple(replace(once[0], name=f"{name}{number}") for number in range(1, times + 1))
        return once * times

    def _once(self, entry: dict[str, Any], place: Place) -> Layers:
        if "block" in entry:
            only(entry, ("block", "name", "repeat"), (), str(place))
            layers = self._block(entry["block"], place)
        elif "repeat" in entry and "layer" not in entry:
            only(entry, ("repeat", "name", "layers"), ("layers",), str(place))
            layers = self._value(entry["layers"], place.inside("layers", said="layers"))
        else:
            return (self._layer(entry, place),)
        group = from_table(Group, {"layers": layers, "name": entry.get("name", "")}, str(place))
        return (group,) if group.name else group.layers

    def _layer(self, entry: dict[str, Any], place: Place) -> Layer:
        if not isinstance(word := entry.get("layer"), str):
            raise UsageError(
                f'{place} is {shown(entry)}; expected a table such as {{ layer = "conv", ... }} or {{ block = "name" }}'
            )
        if word not in WORDS:
            raise UsageError(f"{place}: no layer {shown(word)}{nearest(word, WORDS)}")
        place = place.inside(said=f"({word})")
        only(entry, ["layer", "repeat", *(one.name for one in fields(WORDS[word]))], (), str(place))
        given = {
            key: self._value(value, place.inside(key, said=key))
            for key, value in entry.items()
            if key not in ("layer", "repeat")
        }
        return from_table(WORDS[word], given, str(place))


def _size(value: Any) -> int:
    """The number of layers in a value, those inside others too."""
    if isinstance(value, Layer):
        return sum(1 for _ in walk((value,)))
    return sum(map(_size, value)) if isinstance(value, tuple) else 0


def _bound(size: int, place: Place) -> None:
    if size > MOST:
        raise UsageError(f"{place}: more than {MOST:,} layers, with blocks and repeats written out")
