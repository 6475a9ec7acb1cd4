"""A network's arrays as a file for others: under our names, or as PyTorch's networks take them."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cnncli.errors import DataError, UsageError
from cnncli.networks.network import Network
from cnncli.weights.layout import Arrays, slots
from cnncli.weights.names import tables
from cnncli.weights.pickled import Tensors
from cnncli.weights.preprocessing import Preprocessing

# How each format's file ends.
FORMATS = {"safetensors": ".safetensors", "torch-names": ".safetensors", "npz": ".npz"}
# What an npz says of its arrays is a text among them.
ABOUT = "__metadata__"


def arrays(network: Network, params: Arrays, stats: Arrays) -> Tensors:
    """Parameters and statistics by our names: `conv1/kernel`, in our layout."""
    return {slot.key: np.asarray(slot.of(params, stats)) for slot in slots(network)}


def torch_arrays(network: Network, params: Arrays, stats: Arrays, step: int) -> Tensors:
    """The state dict of torchvision's network, which takes it strictly; `step` is how many batches it has seen.

    Raises UsageError for a network that torchvision does not have.
    """
    table = tables(network.name).get("torchvision", {})
    found: Tensors = {}
    for slot in slots(network):
        if slot.path not in table:
            raise UsageError(
                f"torchvision has no name for {slot.path} of {network.name}: torch-names are for its AlexNet, VGG, "
                "GoogLeNet and ResNet; --format safetensors takes any network"
            )
        theirs = table[slot.path]
        found[f"{theirs}.{slot.theirs}"] = np.asarray(slot.torch(np.asarray(slot.of(params, stats))), order="C")
        if slot.part == "var":
            found[f"{theirs}.num_batches_tracked"] = np.array(step, np.int64)
    return found


def preprocessing(scale: Mapping[str, Any], crop: int, resize: int, interpolation: str) -> Preprocessing:
    """How images reach a network, from its saved scale; of a mean image there is only the mean of each channel."""
    shift, factor = (np.asarray(scale[key], np.float64) for key in ("shift", "factor"))
    shift = shift.mean(axis=(0, 1)) if shift.ndim == 3 else shift
    mean = tuple(_shortest(value / 255, lambda mean: 255 * mean) for value in shift)
    deviation = tuple(_shortest(1 / (255 * value), lambda deviation: 1 / (255 * deviation)) for value in factor)
    return Preprocessing(resize, crop, interpolation, mean, deviation)


def _shortest(value: float, scaled: Callable[[float], float]) -> float:
    """The number of fewest digits that comes to the same in single precision."""
    rounded = (float(f"{value:.{digits}g}") for digits in range(1, 17))
    return next((near for near in rounded if near and np.float32(scaled(near)) == np.float32(scaled(value))), value)


def write(path: Path, format: str, tensors: Tensors, about: Mapping[str, str]) -> None:
    """Write a file whole or not at all, with texts about it. Raises DataError where the disk is full or forbids it."""
    if format == "npz":
        _replace(path, lambda stream: _npz(stream, tensors, about))
        return
    from safetensors.numpy import save

    kind = "pt" if format == "torch-names" else "np"
    content = save(tensors, {"format": kind, **about})
    _replace(path, lambda stream: stream.write(content))


def _npz(stream: BinaryIO, tensors: Tensors, about: Mapping[str, str]) -> None:
    np.savez(stream, **{ABOUT: np.array(json.dumps(about)), **tensors})  # type: ignore[arg-type]


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with part.open("wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
