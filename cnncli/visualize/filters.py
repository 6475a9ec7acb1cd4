"""A layer's weights as pictures: filters that see the image, templates of classes, deeper filters slice by slice."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.sheet import CELL, PAGE, Line, Panel, Sheet
from cnncli.errors import DataError, UsageError
from cnncli.networks.layers import AuxiliaryHead, Conv, Dense, Dropout, Flatten, Group, Layer, Layers, PartialConv
from cnncli.networks.network import Network, children
from cnncli.sizing.report import Row
from cnncli.visualize.layers import CLASSIFIERS, KERNELS, of_words, row_of
from cnncli.visualize.subject import Subject

NORMS = ("image", "shared")
# So many filters that are images are drawn, and of deeper ones so many with as many slices each.
TILES, SLICES = 128, 16
# So many tiles stand side by side; a slice's longer side in pixels.
ACROSS, SLICE = 16, 48

MID = 128


@dataclass(frozen=True)
class Bank:
    """The filters of a layer: weights (filter, height, width, channel), and which channels each of them sees.

    `first` where they see the image itself, `templates` where each is that of a class, whose name it has; else names
    are numbers.
    """

    row: Row
    weights: NDArray[np.float32]
    linked: NDArray[np.bool_]
    first: bool
    templates: bool
    names: tuple[str, ...]

    @property
    def pictures(self) -> NDArray[np.float32] | None:
        """Each filter as one image in grey or colours, None where only its slices are images."""
        if self.first and self.weights.shape[-1] in (1, 3) and self.linked.all():
            return self.weights
        if (self.linked.sum(axis=1) == 1).all():
            return np.asarray(self.weights.sum(axis=-1, keepdims=True))
        return None

    @property
    def dead(self) -> tuple[int, ...]:
        """The filters whose weights are all zero."""
        return tuple(int(place) for place in np.flatnonzero(~self.weights.any(axis=(1, 2, 3))))


def first_layers(network: Network) -> list[str]:
    """The paths of the layers with weights that see the image itself."""
    return list(_first(network.named(), ""))


def _first(layers: Layers, path: str) -> Generator[str, None, bool]:
    """Yields paths, and returns whether the image is still what it was behind these layers."""
    for layer in layers:
        inside = f"{path}{layer.name}/" if layer.name else path
        match layer:
            case Flatten() | Dropout() | AuxiliaryHead():
                continue
            case Group():
                if not (yield from _first(layer.layers, inside)):
                    return False
            case Conv() | PartialConv() | Dense():
                yield path + layer.name
                return False
            case _:
                for way in children(layer):
                    yield from _first(way, inside)
                return False
    return True


def choose(network: Network, path: str | None) -> str:
    """The layer whose filters are shown: the one asked for, else the first that sees the image, or any convolution.

    Raises UsageError, which says what would work, for a layer without filters or whose filters are no pictures.
    """
    known = first_layers(network)
    known += [row.path for row in of_words(network, KERNELS) if row.path not in known]
    if path is None and known:
        return known[0]
    if path is None:
        raise UsageError(
            f"{network.name} has neither a convolution nor a dense layer that sees the image; expected a network that "
            "has, such as lenet5"
        )
    row = row_of(network, path)
    if path in known:
        return path
    within = [one for one in known if one.startswith(f"{path}/")] or known
    if row.word == "dense":
        reason = f"a dense layer that sees {row.input[0]:,} values, not the image, so that its weights are no picture"
    else:
        reason = f"a layer '{row.word}', which has no filters" + " of its own" * (row.word == "group")
    expected = ", ".join(within[:10]) + ", ..." * (len(within) > 10) or "another network"
    expected = "one of " * (len(within) > 1) + expected
    raise UsageError(f"--layer {path}: {reason}; expected {expected}")


def bank(subject: Subject, path: str) -> Bank:
    """The filters of a layer that `choose` gave. Raises DataError for weights that are not finite."""
    network, row = subject.network, row_of(subject.network, path)
    arrays: dict[str, Any] = reduce(dict.__getitem__, path.split("/"), subject.trained.params)
    kernel = np.asarray(arrays["kernel"], np.float32)
    if not np.isfinite(kernel).all():
        raise DataError(f"{path} has weights that are not finite: the training diverged; choose another checkpoint")
    if row.word != "dense":
        layer = next(layer for here, layer in _layers(network.named(), "") if here == path)
        weights, linked = _spread(kernel, layer, row)
    else:
        weights = kernel.T.reshape(-1, *network.input)
        linked = np.ones((len(weights), network.input[2]), np.bool_)
    templates = row.word == "dense" and of_words(network, CLASSIFIERS)[-1].path == path
    names = subject.facts.classes if templates else tuple(map(str, range(len(weights))))
    return Bank(row, weights, linked, path in first_layers(network), templates, names)


def _layers(layers: Layers, path: str) -> Iterator[tuple[str, Layer]]:
    """Every layer with its path."""
    for layer in layers:
        yield path + layer.name, layer
        for way in children(layer):
            yield from _layers(way, f"{path}{layer.name}/" if layer.name else path)


def _spread(kernel: NDArray[np.float32], layer: Layer, row: Row) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Weights (filter, height, width, channel), zero where a filter does not see a channel, and where it does."""
    channels, features = row.input[-1], row.output[-1]
    weights = np.zeros((features, *kernel.shape[:2], channels), np.float32)
    linked = np.zeros((features, channels), np.bool_)
    if isinstance(layer, PartialConv):
        links = [(target, source) for target, maps in enumerate(layer.table) for source in maps]
        for place, (target, source) in enumerate(links):
            weights[target, :, :, source] = kernel[..., place]
            linked[target, source] = True
        return weights, linked
    seen, made = channels // row.groups, features // row.groups
    for group in range(row.groups):
        filters, maps = slice(group * made, (group + 1) * made), slice(group * seen, (group + 1) * seen)
        weights[filters, :, :, maps] = kernel[..., filters].transpose(3, 0, 1, 2)
        linked[filters, maps] = True
    return weights, linked


def grey(weights: NDArray[np.float32], reach: float) -> NDArray[np.uint8]:
    """Pixels of weights: 0 is mid-grey, `reach` white and minus that black."""
    return np.asarray(np.round(MID + (MID - 1) * weights / (reach or 1.0)), np.uint8)


def sheet(bank: Bank, count: int | None, norm: str, name: str) -> Sheet:
    """The filters as tiles or, of those that are no images, slices by the maps they see; `name` begins the title."""
    heading, note = f"{name}: {title(bank)}", " ".join(words(bank, count, norm))
    largest = float(np.abs(bank.weights).max())
    reaches = [largest if norm == "shared" else float(np.abs(one).max()) for one in bank.weights]
    if bank.pictures is None:
        return _slices(bank, count, reaches, heading, note)
    shown = min(count or TILES, len(bank.weights))
    panels = [Panel(grey(bank.pictures[at], reaches[at]), bank.names[at]) for at in range(shown)]
    across = _across(shown)
    lines = [Line("", (tuple(panels[start : start + across]),)) for start in range(0, shown, across)]
    return Sheet(lines, heading, note, cell=CELL)


def _slices(bank: Bank, count: int | None, reaches: list[float], heading: str, note: str) -> Sheet:
    filters, maps = _shown(bank, count)
    tall, wide = bank.weights.shape[1:3]
    none = Panel(np.full((tall, wide), PAGE, np.uint8))

    def panel(at: int, source: int) -> Panel:
        return Panel(grey(bank.weights[at, :, :, source], reaches[at])) if bank.linked[at, source] else none

    lines = [Line(bank.names[at], (tuple(panel(at, source) for source in maps),)) for at in filters]
    return Sheet(lines, heading, note, [str(source) for source in maps], SLICE)


def _shown(bank: Bank, count: int | None) -> tuple[list[int], list[int]]:
    """The filters and the maps whose slices are shown: the first of each group."""
    every, channels, groups = len(bank.weights), bank.linked.shape[1], bank.row.groups
    filters = [at for at in range(every) if at % (every // groups) < max(1, (count or SLICES) // groups)]
    maps = [at for at in range(channels) if at % (channels // groups) < max(1, SLICES // groups)]
    return filters[: count or SLICES], maps[:SLICES]


def _across(count: int) -> int:
    """How many tiles stand side by side: all where they are few, else so that the last line is full if it can be."""
    if count <= 10:
        return count
    able = [wide for wide in range(1, ACROSS + 1) if count % wide == 0 and wide * wide >= count]
    return able[0] if able else ACROSS if count > 64 else 8


def title(bank: Bank) -> str:
    """What the sheet is, in a few words."""
    if bank.pictures is None:
        return f"filters of {bank.row.path}, slice by slice"
    if bank.row.word == "dense":
        return "templates of the classes" if bank.templates else f"templates of {bank.row.path}"
    return f"filters of {bank.row.path}"


def words(bank: Bank, count: int | None, norm: str) -> list[str]:
    """What the sheet shows, in sentences."""
    shape, every = "x".join(map(str, bank.weights.shape[1:3])), len(bank.weights)
    channels, seen = bank.linked.shape[1], int(bank.linked.sum(axis=1).max())
    if bank.pictures is None:
        filters, maps = _shown(bank, count)
        some = f"{len(filters)} of the " * (len(filters) < every) + f"{every} filters"
        across = f"{len(maps)} of the " * (len(maps) < channels) + f"{channels} maps that come in"
        least = f", of which a filter sees at most {seen}" * (seen < channels)
        said = [f"{bank.row.path}: {some} of {shape}, a line each, slice by slice: across are {across}{least}."]
    else:
        kind = "templates" if bank.row.word == "dense" else "filters"
        shown = min(count or TILES, every)
        some = f"the first {shown} of " * (shown < every) + f"{every} {kind}"
        one = f", each the one slice that it has of {channels} channels" * (seen < channels)
        said = [f"{bank.row.path}: {some} of {shape}x{seen}{one}."]
    scaled = "all on one scale" if norm == "shared" else "each on a scale of its own"
    said.append(f"Mid-grey is 0, brighter positive and darker negative, {scaled}.")
    if bank.dead:
        named = ", ".join(bank.names[at] for at in bank.dead[:12]) + ", ..." * (len(bank.dead) > 12)
        said.append(f"All weights are zero in {len(bank.dead)} of {every}: {named}.")
    return said
