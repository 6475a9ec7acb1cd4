"""What every augmentation is: a small value that says what may change in training images, and by how much."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import jax
import numpy as np
from numpy.typing import NDArray

from cnncli.networks.checks import Check, Checked


@dataclass(frozen=True)
class Augmentation(Checked):
    """A random change, drawn by a key for each image anew, on the device.

    Images are float32 pixels of 0 to 255 (batch, height, width, channel) at the network's size, before scaling; 0 is
    background. Targets are what is to be learned of each image: a distribution over the classes (batch, class).
    """

    word: ClassVar[str]

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array, targets_BxK: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Change a batch of images, and where they are mixed what is to be learned of them."""
        return self.images(key, x_BxHxWxC), targets_BxK

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Change each image in its own way."""
        raise NotImplementedError

    def for_data(self, images_NxHxWxC: NDArray[np.uint8]) -> "Augmentation":
        """The same change with what it must know of the training images, which few need."""
        return self

    def to_table(self) -> dict[str, Any]:
        """The TOML form: the word and every field."""
        return {"name": self.word, **{one.name: getattr(self, one.name) for one in fields(self)}}

    def label(self) -> str:
        """The word, in errors."""
        return f"augment '{self.word}': "

    def __str__(self) -> str:
        """The command line's form: `crop`, `crop(padding=2)`; fields at their default are left out."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}
        return self.word + (f"({', '.join(f'{key}={value}' for key, value in values.items())})" if values else "")


def up_to(most: float) -> Check:
    """A number from 0 to `most`, both included."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise ValueError(f"a number from 0 to {most:g}")
        return float(value)

    return check


def bounds(least: float, most: float) -> Check:
    """Two numbers, the smaller first, between which an amount is drawn."""

    def check(value: Any) -> tuple[float, float]:
        try:
            low, high = map(up_to(most), value)
            if least <= low <= high:
                return low, high
        except (TypeError, ValueError):
            pass
        raise ValueError(f"two numbers of {least:g} to {most:g}, the smaller first")

    return check
