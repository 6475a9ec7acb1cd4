"""Where the arrays of a network's layers stand, and how ours and PyTorch's lie in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from cnncli.networks.network import Network
from cnncli.sizing.report import Row, Shape
from cnncli.sizing.size import size

Array = NDArray[Any]
# Nested dicts of arrays by path: {"conv1": {"kernel": ...}}.
Arrays = dict[str, Any]

# The arrays of each word, ours and as PyTorch calls them.
PARTS = {
    "conv": {"kernel": "weight", "bias": "bias"},
    "partial-conv": {"kernel": "weight", "bias": "bias"},
    "subsample": {"scale": "weight", "bias": "bias"},
    "dense": {"kernel": "weight", "bias": "bias"},
    "batch-norm": {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"},
}
STATISTICS = ("mean", "var")
# What a vector goes through without another order of its values.
ORDERLY = ("flatten", "activation", "dropout")


@dataclass(frozen=True)
class Slot:
    """The place of one array: its layer's path and word, its name there, its shape, and whether a head has it.

    Kernels are (height, width, input, output), of dense layers (input, output); PyTorch's (output, input, height,
    width) and (output, input). `image` is the shape (height, width, channel) that a dense layer sees as a vector:
    PyTorch flattens it map by map, we pixel by pixel.
    """

    path: str
    word: str
    part: str
    shape: Shape
    head: bool = False
    image: Shape | None = None

    @property
    def key(self) -> str:
        """Our name of the array: `conv1/kernel`."""
        return f"{self.path}/{self.part}"

    @property
    def theirs(self) -> str:
        """PyTorch's name of the array in its layer."""
        return PARTS[self.word][self.part]

    @property
    def statistic(self) -> bool:
        """Whether it is no parameter but a running statistic."""
        return self.part in STATISTICS

    @property
    def axes(self) -> tuple[int, ...]:
        """Where each of our axes stands in PyTorch's array."""
        if self.part != "kernel":
            return (0,)
        return {"conv": (2, 3, 1, 0), "partial-conv": (1, 2, 0), "dense": (1, 0)}[self.word]

    @property
    def torch_shape(self) -> Shape:
        """The shape that PyTorch's array has."""
        return tuple(self.shape[self.axes.index(axis)] for axis in range(len(self.shape)))

    def of(self, params: Arrays, stats: Arrays) -> Any:
        """The array that stands here."""
        arrays = stats if self.statistic else params
        for name in self.path.split("/"):
            arrays = arrays[name]
        return arrays[self.part]

    def ours(self, array: Array) -> Array:
        """PyTorch's array, which has `torch_shape`, in our layout."""
        if self.image:
            height, width, channels = self.image
            array = array.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(array), -1)
        return array.transpose(self.axes)

    def torch(self, array: Array) -> Array:
        """Our array in PyTorch's layout."""
        array = array.transpose([self.axes.index(axis) for axis in range(array.ndim)])
        if self.image:
            height, width, channels = self.image
            array = array.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(array), -1)
        return array


def slots(network: Network) -> Iterator[Slot]:
    """The place of every array of a network, in the order of its layers, those of auxiliary heads among them."""
    image: Shape | None = None
    for row in size(network).rows:
        if row.word == "flatten" and len(row.input) == 3:
            image = row.input
        for part in PARTS.get(row.word, ()):
            if part != "bias" or row.biases:
                seen = image if row.word == "dense" and part == "kernel" else None
                yield Slot(row.path, row.word, part, _shape(row, part), row.head, seen)
        if row.word not in ORDERLY:
            image = None


def nested(arrays: Mapping[Slot, Array]) -> tuple[Arrays, Arrays]:
    """Parameters and statistics of arrays by their places."""
    params: Arrays = {}
    stats: Arrays = {}
    for slot, array in arrays.items():
        inner = stats if slot.statistic else params
        for name in slot.path.split("/"):
            inner = inner.setdefault(name, {})
        inner[slot.part] = array
    return params, stats


def _shape(row: Row, part: str) -> Shape:
    """The shape of one of our arrays."""
    if part != "kernel":
        return (row.output[-1],)
    if row.word == "dense":
        return (row.input[-1], row.output[-1])
    assert row.windows
    window = row.windows.window
    if row.word == "partial-conv":  # One kernel a link of its table.
        return (*window, (row.params - row.biases) // prod(window))
    return (*window, row.input[-1] // row.groups, row.output[-1])
