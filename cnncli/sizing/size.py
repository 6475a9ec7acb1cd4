"""Sizing: from a network's values to its shapes, parameters and multiply-adds, by arithmetic alone."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from cnncli.errors import Bug, UsageError
from cnncli.networks.checks import Padding, Pair, four_sides, two
from cnncli.networks.layers import (
    Activation,
    AdaptivePool,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    Layer,
    Layers,
    LocalResponseNorm,
    PadShortcut,
    PartialConv,
    Pool,
    RadialBasis,
    Residual,
    Subsample,
)
from cnncli.networks.network import Joins, Network, walk
from cnncli.sizing.geometry import Field, TooSmall, fit
from cnncli.sizing.report import Report, Row, Shape, Windows


@lru_cache(maxsize=64)
def size(network: Network) -> Report:
    """Size a network.

    Raises UsageError, with the layer's path, when a layer cannot be at its input; where the input is too small it names
    the smallest that is not.
    """
    try:
        return sized(network)
    except TooSmall as error:
        side = smallest(network)
        hint = f"; the smallest square input that {network.name} accepts is {side}x{side}" if side else ""
        raise TooSmall(f"{error}{hint}") from None


def smallest(network: Network) -> int | None:
    """The least side of a square input at which a network is possible; None where that is above 512 pixels."""
    for side in range(1, 513):
        with suppress(UsageError):
            sized(replace(network, input=(side, side, network.input[2])))
            return side
    return None


def sized(network: Network) -> Report:
    """Size a network, anew each time and without a hint where its input is too small."""
    flow = _Flow(network.input, (Field(), Field()))
    rows = tuple(_rows(network.named(), "", flow, Joins(network.layers)))
    windowed = any(row.windows and not row.head for row in rows)
    return Report(network, rows, flow.shape, flow.depth, flow.field if windowed else None)


@dataclass
class _Flow:
    """What arrives at a layer: a shape, and how much of the input a unit has seen, or had before it saw everything.

    `depth` counts the weight layers behind it; `held` and `pinned` the values that wait elsewhere, the pinned ones
    being the input of a fork, which is itself what arrives until a layer has changed it.
    """

    shape: Shape
    field: tuple[Field, Field]
    everything: bool = False
    depth: int = 0
    held: int = 0
    pinned: int = 0

    def fork(self, waiting: int, more: bool) -> "_Flow":
        """One of several ways: `waiting` values of others are done; with `more` that need it the input has to stay.

        An empty way gives the input itself, which needs it until the ways meet and makes nothing that waits besides.
        """
        return replace(self, held=self.held + waiting, pinned=prod(self.shape) if more else self.pinned)

    def join(self, shape: Shape, ends: list["_Flow"]) -> None:
        """Go on where ways meet: a unit sees what it does on any of them."""
        self.shape = shape
        self.depth = max(end.depth for end in ends)
        self.release()
        self.everything = any(end.everything for end in ends)
        tall, wide = shape[:2] if len(shape) == 3 else (1, 1)
        self.field = ends[0].field
        for end in ends[1:]:
            self.field = (self.field[0].joined(end.field[0], tall), self.field[1].joined(end.field[1], wide))

    def release(self) -> None:
        """What was the input of a fork is now held beside what arrives."""
        self.held, self.pinned = self.held + self.pinned, 0

    def layer(self, layer: Layer, row: Row) -> Row:
        """Go on behind a layer; its row, with all that this flow knows."""
        self.shape = row.output
        self.everything = self.everything or len(row.output) != 3 or isinstance(layer, AdaptivePool)
        if not self.everything:
            self.field = _field(layer, row, self.field)
        self.depth += isinstance(layer, WEIGHTED)
        row = replace(
            row,
            field=None if self.everything else self.field,
            activations=prod(row.output) if isinstance(layer, MATERIAL) else 0,
            held=self.held,
        )
        self.release()
        return row


# Layers that one counts to say how deep a network is, and those whose output is an array of its own in memory.
WEIGHTED = (Conv, PartialConv, Dense, RadialBasis)
MATERIAL = (*WEIGHTED, Pool, AdaptivePool, Subsample)


def _rows(layers: Layers, path: str, flow: _Flow, joins: Joins) -> Iterator[Row]:
    """The rows of a chain; `flow` moves on with them."""
    for layer in layers:
        here = path + layer.name
        inside = f"{here}/" if layer.name else path
        match layer:
            case Group():
                yield from _rows(layer.layers, inside, flow, joins)
            case Branches():
                ends: list[_Flow] = []
                done, passes = 0, not all(layer.branches)
                for place, branch in enumerate(layer.branches, 1):
                    ends.append(flow.fork(done, passes or place < len(layer.branches)))
                    yield from _rows(branch, inside, ends[-1], joins)
                    done += prod(ends[-1].shape) if branch else 0
                shape = _concatenated([end.shape for end in ends], _place(layer, here))
                yield _join(layer, joins.path(layer, path), flow, shape, ends)
            case Residual():
                body = flow.fork(0, True)
                yield from _rows(layer.body, inside, body, joins)
                shortcut = flow.fork(prod(body.shape) if layer.body else 0, not layer.body)
                yield from _rows(layer.shortcut, inside, shortcut, joins)
                if body.shape != shortcut.shape:
                    raise UsageError(
                        f"{_place(layer, here)}: the body gives {show(body.shape)}, the shortcut "
                        f"{show(shortcut.shape)}; expected the same shape"
                    )
                yield _join(layer, joins.path(layer, path), flow, body.shape, [body, shortcut])
            case AuxiliaryHead():
                for row in _rows(layer.layers, inside, replace(flow), joins):
                    yield replace(row, head=True)
            case _:
                try:
                    row = _row(layer, flow.shape)
                except UsageError as error:
                    raise type(error)(f"{layer.word} '{here}': {error}") from None
                yield replace(flow.layer(layer, row), path=here)


def _join(layer: Branches | Residual, path: str, flow: _Flow, shape: Shape, ends: list[_Flow]) -> Row:
    """Go on where ways meet."""
    parts, kind = tuple(end.shape for end in ends), "concat" if isinstance(layer, Branches) else "add"
    row = Row(path, layer.word, kind, flow.shape, shape, held=flow.held, parts=parts)
    flow.join(shape, ends)
    return replace(row, field=None if flow.everything else flow.field)


def _row(layer: Layer, shape: Shape) -> Row:
    """One layer at an input of `shape`, without its path and receptive field."""
    row = Row("", layer.word, str(getattr(layer, "kind", "")), shape, shape)
    match layer:
        case Conv():
            return _convolution(layer, row)
        case PartialConv():
            channels = _image(shape)[2]
            if (last := max(max(maps) for maps in layer.table)) >= channels:
                raise UsageError(f"its table names map {last}; the input has maps 0 to {channels - 1}")
            links = sum(len(maps) for maps in layer.table)
            row = _windowed(row, layer.window, layer.stride, layer.padding, len(layer.table))
            return _weighted(row, links * prod(two(layer.window)), len(layer.table))
        case Dense():
            return _weighted(
                replace(row, output=(layer.features,)), _flat(shape) * layer.features, layer.features * layer.bias
            )
        case Pool():
            _unseeing(layer)
            return _windowed(row, layer.window, layer.stride, layer.padding, ceil=layer.ceil)
        case Subsample():
            row = _windowed(row, layer.window, layer.stride)
            channels = row.output[-1]
            return replace(
                row, params=2 * channels, biases=channels, connections=prod(row.output) * (prod(two(layer.window)) + 1)
            )
        case AdaptivePool():
            return replace(row, output=(*two(layer.size), _image(shape)[2]))
        case GlobalPool():
            return replace(row, output=(_image(shape)[2],))
        case BatchNorm():
            return replace(row, params=2 * shape[-1], biases=shape[-1], stats=2 * shape[-1])
        case LocalResponseNorm():
            _image(shape)
            return row
        case Flatten():
            return replace(row, output=(prod(shape),))
        case PadShortcut():
            return _padded_shortcut(layer, row)
        case RadialBasis():
            if (length := len(layer.vectors[0])) != _flat(shape):
                raise UsageError(f"its codes have {length} values, its input {show(shape)}")
            return replace(row, output=(len(layer.codes),), connections=length * len(layer.codes))
        case Activation() | Dropout():
            return row
        case _:
            raise Bug(f"sizing knows no layer '{layer.word}'")


def _convolution(layer: Conv, row: Row) -> Row:
    channels = _image(row.input)[2]
    if channels % layer.groups or layer.features % layer.groups:
        raise UsageError(
            f"{layer.groups} groups over {channels} input and {layer.features} output channels; "
            "expected a number that divides both"
        )
    row = _windowed(row, layer.window, layer.stride, layer.padding, layer.features)
    weights = prod(two(layer.window)) * (channels // layer.groups) * layer.features
    return replace(_weighted(row, weights, layer.features * layer.bias), groups=layer.groups)


def _weighted(row: Row, weights: int, biases: int) -> Row:
    """Count weights and biases that are used once at each output position."""
    positions = prod(row.output[:-1])
    return replace(
        row,
        params=weights + biases,
        biases=biases,
        macs=weights * positions,
        connections=(weights + biases) * positions,
    )


def _windowed(row: Row, window: Pair, stride: Pair, padding: Padding = 0, features: int = 0, ceil: bool = False) -> Row:
    """Lay a layer's windows over its input; `features` is the number of output channels where it is another."""
    height, width, channels = _image(row.input)
    top, bottom, left, right = four_sides(padding)
    rows = fit(height, two(window)[0], two(stride)[0], top, bottom, ceil)
    columns = fit(width, two(window)[1], two(stride)[1], left, right, ceil)
    windows = Windows(two(window), two(stride), (top, bottom, left, right), rows, columns)
    return replace(row, output=(rows.out, columns.out, features or channels), windows=windows)


def _unseeing(layer: Pool) -> None:
    """Refuse a pooling window that would see nothing but padding, whose maximum is minus infinity."""
    (tall, wide), (top, bottom, left, right) = two(layer.window), four_sides(layer.padding)
    if max(top, bottom) >= tall or max(left, right) >= wide:
        raise UsageError(
            f"its window of {tall}x{wide} fits into the padding ({top}, {bottom}, {left}, {right}) alone; "
            "expected less padding than window"
        )


def _padded_shortcut(layer: PadShortcut, row: Row) -> Row:
    channels = _image(row.input)[2]
    if layer.features < channels:
        raise UsageError(f"it pads to {layer.features} channels; its input already has {channels}")
    return replace(_windowed(row, 1, layer.stride, features=layer.features), windows=None)


def _field(layer: Layer, row: Row, field: tuple[Field, Field]) -> tuple[Field, Field]:
    """The receptive field behind a layer: windows widen it, strides move its neighbour away."""
    if row.windows:
        (tall, wide), (down, along), (top, _, left, _) = row.windows.window, row.windows.stride, row.windows.padding
        return field[0].through(tall, down, top), field[1].through(wide, along, left)
    if isinstance(layer, PadShortcut):
        down, along = two(layer.stride)
        return field[0].through(1, down), field[1].through(1, along)
    return field


def _place(layer: Branches | Residual, here: str) -> str:
    """What an error calls branches or a residual: by their path, or by the first layer in them that has a name."""
    if layer.name:
        return f"{layer.word} '{here}'"
    first = next((inner.name for inner in walk((layer,)) if inner.name), "")
    return f"{layer.word} from '{here}{first}' on"


def _concatenated(shapes: list[Shape], place: str) -> Shape:
    if len({shape[:-1] for shape in shapes}) > 1:
        given = ", ".join(show(shape) for shape in shapes)
        raise UsageError(f"{place}: they give {given}; expected the same height and width")
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise UsageError(f"its input is flat ({show(shape)}); expected an image of height x width x channel")
    height, width, channels = shape
    return height, width, channels


def _flat(shape: Shape) -> int:
    if len(shape) != 1:
        raise UsageError(f"its input is an image ({show(shape)}); put flatten or global-pool before it")
    return shape[0]


def show(shape: Shape) -> str:
    """A shape as people write it: `28x28x6`."""
    return "x".join(str(part) for part in shape)
