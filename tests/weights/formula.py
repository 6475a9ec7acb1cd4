"""Weights and images by formula: each tensor's values follow from its name alone, and no file has to hold them."""

import hashlib
from math import prod, sqrt

import numpy as np


def uniform(name, count):
    """Values of (-1, 1), from raw bits, which NumPy promises to keep: those of a distribution may change."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    bits = np.random.Philox(key=key).random_raw(-(-count // 2)).view(np.uint32)[:count]
    return bits.astype(np.float32) * np.float32(2**-31) - np.float32(1)


def tensor(name, shape):
    """Values that keep activations at their size, variances that are positive; by PyTorch's names or Keras's."""
    last = name.replace("/", ".").split(".")[-1].removesuffix(":0")
    if last == "num_batches_tracked":
        return np.zeros((), np.int64)
    values = uniform(name, prod(shape)).reshape(shape)
    if last in ("weight", "kernel") and len(shape) > 1:
        # A deviation of sqrt(2 / fan-in), He's, of values whose own is sqrt(1 / 3).
        return values * np.float32(sqrt(6 / prod(shape[1:] if last == "weight" else shape[:-1])))
    if last in ("running_var", "moving_variance"):
        return 1 + values / 2
    return 1 + 0.3 * values if last in ("weight", "gamma") else 0.1 * values


def image(side, channels=3):
    """One image (1, height, width, channel) of pixels from 0 to 255."""
    values = uniform(f"image {side}", side * side * channels)
    return ((values + 1) * 128).astype(np.uint8).reshape(1, side, side, channels)


def digest(shapes):
    """SHA-256 over names and shapes, so that a fixture knows them without holding them."""
    lines = sorted(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in shapes.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def kept(logits):
    """What a fixture holds of one image's logits: a dozen of them and their norm, to 9 digits."""
    logits = np.asarray(logits, np.float64).ravel()
    some = logits[[place * len(logits) // 12 for place in range(min(12, len(logits)))]]
    return {
        "logits": [float(f"{value:.9g}") for value in some],
        "norm": float(f"{np.linalg.norm(logits):.9g}"),
        "largest": float(f"{np.abs(logits).max():.9g}"),
    }
