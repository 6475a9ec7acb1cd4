"""Which of a file's tensors is which array of a network."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from cnncli.errors import DataError, UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import Network, adapt
from cnncli.sizing.size import show, size
from cnncli.weights import keras
from cnncli.weights.layout import Array, Arrays, Slot, nested, slots
from cnncli.weights.names import tables

Tensors = Mapping[str, Array]

# What wrappers around a network put before its names.
PREFIXES = re.compile(r"((module|model|backbone|net|_orig_mod)\.)+")
# Counters of PyTorch and of what measures its networks, and the state of Keras's optimizers.
NO_WEIGHTS = re.compile(r".*\b(num_batches_tracked|total_ops|total_params)|optimizer.*")


@dataclass(frozen=True)
class Matched:
    """A file's tensors as a network's arrays, float32 and in our layout.

    `names` says whose names they had. `missing` are arrays ("path/part") that the file lacks, `mismatched` sentences
    about those that have another shape or kind in it. Arrays of auxiliary heads, which only training needs, are in
    `heads` in either case. `leftover` are the file's names that nothing takes.
    """

    names: str
    arrays: dict[Slot, Array]
    missing: tuple[str, ...]
    heads: tuple[str, ...]
    leftover: tuple[str, ...]
    mismatched: tuple[str, ...]

    @property
    def params(self) -> Arrays:
        """The parameters, nested by path."""
        return nested(self.arrays)[0]

    @property
    def stats(self) -> Arrays:
        """BatchNorm's statistics, nested by path."""
        return nested(self.arrays)[1]

    @property
    def fits(self) -> bool:
        """Whether the file has all that the network needs, as it needs it."""
        return not self.missing and not self.mismatched


@dataclass(frozen=True)
class Naming:
    """A way to name a network's arrays: whose it is, whether in PyTorch's layout, which name is which, an example."""

    names: str
    torch: bool
    slots: dict[str, Slot]
    example: str


@dataclass(frozen=True)
class Assignment:
    """Whose names a file has, and the slot of each of its tensors that has one; `torch`: in PyTorch's layout."""

    names: str
    torch: bool
    slots: dict[str, Slot]
    leftover: tuple[str, ...]

    def shape(self, slot: Slot) -> tuple[int, ...]:
        """The shape that the file's tensor must have."""
        return slot.torch_shape if self.torch else slot.shape

    def wrong(self, slot: Slot, shape: tuple[int, ...]) -> str:
        """What is wrong with a tensor of this shape, if anything is."""
        if shape == self.shape(slot):
            return ""
        if self.torch and len(shape) == len(slot.shape):
            shape = tuple(shape[axis] for axis in slot.axes)
        return f"{slot.key}: the file has {show(shape) or 'one number'}, the network takes {show(slot.shape)}"


def matched(tensors: Tensors, network: Network) -> Matched:
    """The tensors of a file as a network's arrays; see `Matched`. Raises DataError where no name is known."""
    found = assigned(tensors, network)
    arrays: dict[Slot, Array] = {}
    wrong: dict[Slot, str] = {}
    for name, slot in found.slots.items():
        array = tensors[name]
        if said := found.wrong(slot, array.shape) or _no_weights(slot, array):
            wrong[slot] = said
            continue
        array = array.astype(np.float32, copy=False)
        arrays[slot] = np.ascontiguousarray(slot.ours(array) if found.torch else array)
    lacking = [slot for slot in slots(network) if slot not in arrays]
    return Matched(
        found.names,
        arrays,
        tuple(slot.key for slot in lacking if not slot.head and slot not in wrong),
        tuple(slot.key for slot in lacking if slot.head),
        found.leftover,
        tuple(said for slot, said in wrong.items() if not slot.head),
    )


def assigned(tensors: Tensors, network: Network) -> Assignment:
    """The slot of each tensor, by the names of which most are known. Raises DataError where none is."""
    wanted = tuple(slots(network))
    there = [name for name in tensors if not NO_WEIGHTS.fullmatch(name)]
    names = {_stripped(name, tensors): name for name in there}
    namings = list(_namings(names, wanted, network.name))
    chosen = max(namings, key=lambda naming: len(naming.slots.keys() & names))
    found = {names[name]: slot for name, slot in chosen.slots.items() if name in names}
    if not found:
        known = " or ".join(f"{one.names}'s such as {one.example}" for one in namings)
        raise DataError(f"no name of {network.name} in it: expected {known}; it has {shortened(tensors, 3)}")
    return Assignment(chosen.names, chosen.torch, found, tuple(name for name in there if name not in found))


def classes(tensors: Tensors, network: Network) -> int | None:
    """How many classes a file's last dense layer tells; None where the file lacks it, or the network ends otherwise."""
    found = assigned(tensors, network)
    last = [slot for slot in slots(network) if slot.part == "kernel" and not slot.head][-1:]
    for name, slot in found.slots.items():
        if [slot] == last and slot.word == "dense" and slot.shape[1:] == size(network).output:
            shape = tensors[name].shape[:: -1 if found.torch else 1]
            return shape[1] if len(shape) == 2 else None
    return None


def fitting(tensors: Tensors) -> str | None:
    """The network of the catalogue that takes all tensors of a file, if one does."""
    for name in CATALOGUE:
        with suppress(DataError, UsageError):
            network = find(name)
            network = adapt(network, classes=classes(tensors, network))
            found = assigned(tensors, network)
            needed = {slot.key for slot in slots(network) if not slot.head}
            taken = [(file, slot) for file, slot in found.slots.items() if not slot.head]
            wrong = any(found.wrong(slot, tensors[file].shape) for file, slot in taken)
            if not wrong and not found.leftover and needed <= {slot.key for slot in found.slots.values()}:
                return name
    return None


def shortened(names: Iterable[str], most: int, between: str = ", ") -> str:
    """The first names, and whether there are more."""
    names = list(names)
    return between.join([*names[:most], *["..."][: len(names) - most]])


def _stripped(name: str, others: Tensors) -> str:
    """A name without what a wrapper put before it, unless another has that name."""
    found = PREFIXES.match(name)
    bare = name[found.end() :] if found else name
    return name if bare in others else bare


def _namings(names: Mapping[str, str], wanted: tuple[Slot, ...], network: str) -> Iterator[Naming]:
    """The ways to name the arrays of a network."""
    for whose, table in tables(network).items():
        known = {f"{table[slot.path]}.{slot.theirs}": slot for slot in wanted if slot.path in table}
        yield Naming(whose, True, known, next(iter(known), ""))
    if network in keras.NETWORKS:
        yield Naming("Keras", False, keras.in_order(names, wanted), "conv2d/kernel")
    known = {slot.key: slot for slot in wanted}
    yield Naming("cnncli", False, known, next(iter(known), ""))


def _no_weights(slot: Slot, array: Array) -> str:
    """What keeps a tensor from being one of weights."""
    if array.dtype.kind != "f" and array.dtype != ml_dtypes.bfloat16:
        return f"{slot.key}: the file has numbers of type {array.dtype}, the network takes floating-point ones"
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32, copy=False)).all()
    return "" if finite else f"{slot.key}: the file has values that are not finite in float32"
