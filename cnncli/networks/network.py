"""A network: layers, the input they expect, and where it was published; and the path that names each layer."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cnncli.errors import UsageError
from cnncli.networks import checks
from cnncli.networks.checks import Checked, checked
from cnncli.networks.layers import (
    AuxiliaryHead,
    Branches,
    Dense,
    Group,
    Layer,
    Layers,
    PadShortcut,
    RadialBasis,
    Residual,
    chain,
)

INITIALIZATIONS = (
    *("glorot-uniform", "he-normal", "lecun-normal", "lecun-1998", "normal-0.01"),
    *("glorot-normal", "he-uniform", "torch", "torch-article"),
)


@dataclass(frozen=True)
class Network(Checked):
    """A network as plain values.

    `input` is (height, width, channel); `init` names how weights start (see `INITIALIZATIONS`); `paper`, `year`,
    `table` and `variant` say where it was published and what distinguishes it; `top5_error` is that of its ILSVRC
    entry, in percent as published (often of an ensemble), 0 where there is none. Raises UsageError for what cannot be.
    """

    name: str = checked(checks.text)
    input: tuple[int, int, int] = checked(checks.image)
    layers: Layers = checked(chain)
    paper: str = checked(checks.text, "")
    year: int = checked(checks.whole(0), 0)
    table: str = checked(checks.text, "")
    variant: str = checked(checks.text, "")
    top5_error: float = checked(checks.number(0, 100), 0.0)
    init: str = checked(checks.one_of(*INITIALIZATIONS), "glorot-uniform")

    def __post_init__(self) -> None:
        """Check the values, and that every path names one layer."""
        super().__post_init__()
        self.named()

    def label(self) -> str:
        """What an error calls this network, before the field's name."""
        return f"network '{self.name}': "

    def named(self) -> Layers:
        """The layers with every name filled in, so that joined names are unique paths.

        A layer without a name is called after its word and its number among those of its scope (`pool1`, `pool2`);
        branches and residuals without a name are transparent, their layers belong to the scope around them.
        """
        return _named(self.layers)


@lru_cache(maxsize=256)
def _named(layers: Layers) -> Layers:
    given = frozenset(layer.name for layer in walk(layers))
    return tuple(_Scope("", given).name(layers))


class _Scope:
    """The names under one path; those the author gave are kept, and no other layer gets one of them."""

    def __init__(self, path: str, given: frozenset[str]) -> None:
        self.path, self.given = path, given
        self.counts: Counter[str] = Counter()
        self.taken: set[str] = set()

    def name(self, layers: Layers) -> Iterator[Layer]:
        for layer in layers:
            transparent = isinstance(layer, Branches | Residual) and not layer.name
            if not transparent:
                layer = self._named(layer)
            if ways := children(layer):
                scope = self if transparent else _Scope(f"{self.path}{layer.name}/", self.given)
                layer = _with_children(layer, tuple(tuple(scope.name(way)) for way in ways))
            yield layer

    def _named(self, layer: Layer) -> Layer:
        kind = str(getattr(layer, "kind", "")) if layer.word == "activation" else layer.word
        while not layer.name:
            self.counts[kind] += 1
            if (name := f"{kind}{self.counts[kind]}") not in self.given:
                layer = replace(layer, name=name)
        if layer.name in self.taken:
            raise UsageError(f"two layers are called '{self.path}{layer.name}'; expected a name of its own for each")
        self.taken.add(layer.name)
        return layer


def children(layer: Layer) -> tuple[Layers, ...]:
    """The chains inside a layer: a group's own, each branch, a residual's body and shortcut; none in any other."""
    match layer:
        case Group() | AuxiliaryHead():
            return (layer.layers,)
        case Branches():
            return layer.branches
        case Residual():
            return (layer.body, layer.shortcut)
        case _:
            return ()


class Joins:
    """Paths for the places where ways meet, each one that no layer has; ask for them in the order of a forward pass."""

    def __init__(self, layers: Layers) -> None:
        self.given = {layer.name for layer in walk(layers)}
        self.counts: Counter[str] = Counter()

    def path(self, layer: Layer, path: str) -> str:
        """The layer's own name, or `concat1`, `add1` in the scope it belongs to."""
        name, word = layer.name, "concat" if isinstance(layer, Branches) else "add"
        while not name:
            self.counts[path + word] += 1
            if (numbered := f"{word}{self.counts[path + word]}") not in self.given:
                name = numbered
        return path + name


def _with_children(layer: Layer, ways: tuple[Layers, ...]) -> Layer:
    match layer:
        case Group() | AuxiliaryHead():
            return replace(layer, layers=ways[0])
        case Branches():
            return replace(layer, branches=ways)
        case Residual():
            return replace(layer, body=ways[0], shortcut=ways[1])
        case _:
            return layer


def walk(layers: Layers) -> Iterator[Layer]:
    """Every layer of the tree, each before the ones inside it."""
    for layer in layers:
        yield layer
        for way in children(layer):
            yield from walk(way)


def without(network: Network, paths: Collection[str]) -> Network:
    """The same network without the layers of these paths, all other names written out as they were."""
    return replace(network, layers=tuple(_without(network.named(), paths, "")))


def _without(layers: Layers, paths: Collection[str], path: str) -> Iterator[Layer]:
    for layer in layers:
        if not layer.name or path + layer.name not in paths:
            inside = f"{path}{layer.name}/" if layer.name else path
            yield _with_children(layer, tuple(tuple(_without(way, paths, inside)) for way in children(layer)))


def adapt(network: Network, input: tuple[int, int, int] | None = None, classes: int | None = None) -> Network:
    """The same network for another input, or with another number of classes in its last dense layers.

    Raises UsageError where the network has a fixed number of classes.
    """
    if input is not None:
        network = replace(network, input=input)
    if classes is not None:
        network = replace(network, layers=_with_classes(network.layers, classes, network.name))
    return network


def _with_classes(layers: Layers, classes: int, name: str) -> Layers:
    heads = tuple(_with_classes_in_heads(layer, classes, name) for layer in layers)
    for place in range(len(heads) - 1, -1, -1):
        layer = heads[place]
        match layer:
            case Dense():
                last: Layer = replace(layer, features=classes)
            case Group():
                last = replace(layer, layers=_with_classes(layer.layers, classes, name))
            case RadialBasis() if len(layer.codes) != classes:
                raise UsageError(
                    f"network '{name}' has a fixed code for each of its {len(layer.codes)} classes; {classes} asked for"
                )
            case RadialBasis():
                last = layer
            case PadShortcut() | Branches() | Residual():
                break
            case _:
                continue
        return (*heads[:place], last, *heads[place + 1 :])
    raise UsageError(f"network '{name}' ends in no dense layer; its number of classes cannot be set to {classes}")


def _with_classes_in_heads(layer: Layer, classes: int, name: str) -> Layer:
    """The layer with every auxiliary head inside it set to the number of classes."""
    ways = tuple(tuple(_with_classes_in_heads(one, classes, name) for one in way) for way in children(layer))
    if isinstance(layer, AuxiliaryHead):
        ways = (_with_classes(layer.layers, classes, name),)
    return _with_children(layer, ways)
