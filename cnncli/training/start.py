"""The arrays that a training starts from when they are not all new: another run's, or those of a file of weights."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cnncli.data.inputs import Scale
from cnncli.errors import DataError
from cnncli.models.arrays import flat, only
from cnncli.models.model import Arrays, model
from cnncli.networks.network import Network
from cnncli.runs.digests import listed
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show
from cnncli.training.freezing import head, inside_heads, layers

# The shape of each array by its layer's path and its name there.
Shapes = Mapping[tuple[str, str], Shape]


@dataclass(frozen=True)
class Start:
    """Parameters and statistics as nested dicts by path, of the layers `taken`; the layers `new` are drawn.

    `scale` is how the source's images reached its network, None where the recipe's own scaling is meant.
    """

    params: Arrays
    stats: Arrays
    scale: Scale | None
    taken: tuple[str, ...]
    new: tuple[str, ...]


def start(
    network: Network,
    params: Arrays,
    stats: Arrays,
    scale: Scale | None = None,
    spare: Collection[str] = (),
    others: bool = False,
) -> Start:
    """A network's start from arrays of a source: path and shape decide what is taken.

    New are the layers that tell the classes, where the source has another number of them or `others`, and auxiliary
    heads that it lacks. The source may have layers that the network has not if they are `spare`. Raises DataError,
    naming layers, for any other difference.
    """
    found, wanted = _shapes(params, stats), _shapes(*model(network).shapes())
    last, aside = head(network), inside_heads(network)
    new = {path for path, _ in wanted if path in aside and not any(path == other for other, _ in found)}
    new |= {path for path in last if others or _other_classes(_at(path, found), _at(path, wanted))}
    if unlike := [*_unlike(wanted, found, new), *_others(wanted, found, {*new, *spare})]:
        raise DataError(f"what it starts from does not match {network.name}: {'; '.join(unlike)}")
    kept = {path for path, _ in wanted} - new
    if not kept:
        raise DataError(f"what it starts from has nothing for {network.name} but a head of other classes")
    order = [row.path for row in layers(network)]
    named = [tuple(path for path in order if path in group) for group in (kept, new)]
    return Start(only(params, kept), only(stats, kept), scale, *named)


def _shapes(*trees: Arrays) -> dict[tuple[str, str], Shape]:
    return {(path, name): tuple(array.shape) for tree in trees for path, name, array in flat(tree)}


def _at(path: str, shapes: Shapes) -> dict[str, Shape]:
    """The shapes of a layer's arrays."""
    return {name: shape for (layer, name), shape in shapes.items() if layer == path}


def _other_classes(found: dict[str, Shape], wanted: dict[str, Shape]) -> bool:
    """Whether a layer's arrays differ in their last numbers alone."""
    inputs = [{name: shape[:-1] for name, shape in shapes.items()} for shapes in (found, wanted)]
    return found != wanted and inputs[0] == inputs[1]


def _unlike(wanted: Shapes, found: Shapes, new: Collection[str]) -> Iterator[str]:
    """The arrays of another shape."""
    unlike = [
        f"{path}/{name} is {show(found[path, name])}, the network takes {show(shape)}"
        for (path, name), shape in wanted.items()
        if path not in new and found.get((path, name), shape) != shape
    ]
    if unlike:
        yield listed(unlike, "; ")


def _others(wanted: Shapes, found: Shapes, spare: Collection[str]) -> Iterator[str]:
    """The layers of which only the network or only the source has arrays."""
    for said, these, those in (("it lacks", wanted, found), ("the network has no", found, wanted)):
        if paths := dict.fromkeys(path for path, name in these if (path, name) not in those and path not in spare):
            yield f"{said} {listed(list(paths))}"
