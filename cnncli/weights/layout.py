"""From other frameworks' arrays to ours: kernels height x width x input x output, dense ones input x output."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cnncli.networks.network import Network
from cnncli.sizing.report import Row, Shape
from cnncli.sizing.size import size

Array = NDArray[Any]

# Our arrays of each word, with what PyTorch calls them and whether they are learned parameters.
PARTS = {
    "conv": {"kernel": "weight", "bias": "bias"},
    "dense": {"kernel": "weight", "bias": "bias"},
    "batch-norm": {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"},
}
STATISTICS = ("mean", "var")


@dataclass(frozen=True)
class Slot:
    """A place for an array: the layer's path, the array's name in it, and how PyTorch lays it out.

    `flattened` is the shape (height, width, channel) of the image that a dense layer sees as a vector: PyTorch flattens
    it channel by channel, we pixel by pixel.
    """

    path: str
    part: str
    word: str
    flattened: Shape | None = None

    @property
    def theirs(self) -> str:
        """PyTorch's name of the array."""
        return PARTS[self.word][self.part]

    def ours(self, array: Array) -> Array:
        """PyTorch's array in our layout."""
        if self.part != "kernel":
            return array
        if self.word == "conv":
            return array.transpose(2, 3, 1, 0)
        if self.flattened and array.ndim == 2:
            height, width, channels = self.flattened
            array = array.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(array), -1)
        return array.T

    def torch(self, array: Array) -> Array:
        """Our array in PyTorch's layout."""
        if self.part != "kernel":
            return array
        if self.word == "conv":
            return array.transpose(3, 2, 0, 1)
        array = array.T
        if self.flattened:
            height, width, channels = self.flattened
            array = array.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(array), -1)
        return array


def slots(network: Network) -> Iterator[Slot]:
    """The place of every array of a network's layers, auxiliary heads among them."""
    before: dict[bool, Row] = {}
    image: dict[bool, Shape | None] = {False: network.input, True: None}
    for row in size(network).rows:
        if row.word == "flatten":
            image[row.head] = row.input
        for part in PARTS.get(row.word, ()):
            yield Slot(row.path, part, row.word, image[row.head] if row.word == "dense" and part == "kernel" else None)
        if row.word == "dense":
            image[row.head] = None
        before[row.head] = row
