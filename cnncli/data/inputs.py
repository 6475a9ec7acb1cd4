"""What happens to an image between the disk and the network: from uint8 to the floats and the size it expects."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.facts import Facts
from cnncli.errors import UsageError

SCALINGS = ("unit", "symmetric", "standard", "mean-image")
FITS = ("pad", "resize")

# {"shift": ..., "factor": ...}: pixels become (pixel - shift) * factor. Saved with the parameters they belong to.
Scale = dict[str, jax.Array]


def scale_for(scaling: str, facts: Facts, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Shift and factor of a scaling, for pixels of 0 to 255.

    `unit` gives [0, 1]; `symmetric` [-1, 1]; `standard` subtracts the dataset's mean and divides by its deviation, a
    channel each; `mean-image` subtracts the mean of the training images, pixel by pixel, and no more (Krizhevsky et al.
    2012, section 2: raw values, which weights of N(0, 0.01) want).
    """
    shift: Any
    match scaling:
        case "unit":
            shift, factor = [0.0], [1 / 255]
        case "symmetric":
            shift, factor = [127.5], [1 / 127.5]
        case "standard":
            shift = [255 * mean for mean in facts.mean]
            # A channel that never changes has no deviation, and nothing to scale.
            factor = [1 / (255 * (deviation or 1)) for deviation in facts.deviation]
        case "mean-image":
            shift, factor = images.mean(axis=0, dtype=np.float64), [1.0]
        case _:
            raise UsageError(f"scaling is '{scaling}'; expected one of {', '.join(SCALINGS)}")
    return {"shift": np.asarray(shift, np.float32), "factor": np.asarray(factor, np.float32)}


@dataclass(frozen=True)
class Fit:
    """How images reach a network's input size (height, width): `pad` with background, or `resize` (bilinear).

    Images larger than the input are always resized.
    """

    how: str
    size: tuple[int, int]

    def __call__(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Images of any size to images of `size`."""
        batch, height, width, channels = x_BxHxWxC.shape
        rows, columns = self.size[0] - height, self.size[1] - width
        if rows == 0 and columns == 0:
            return x_BxHxWxC
        if self.how == "pad" and rows >= 0 and columns >= 0:
            sides = ((0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))
            return jnp.pad(x_BxHxWxC, sides)
        resized: jax.Array = jax.image.resize(x_BxHxWxC, (batch, *self.size, channels), "bilinear")
        return resized


def scaled(x_BxHxWxC: jax.Array, scale: Scale, fit: Fit) -> jax.Array:
    """Pixels of 0 to 255 at the network's size to what it sees.

    Padding is a background pixel of 0 before scaling, so it joins the image's own background.
    """
    shift = scale["shift"]
    background: jax.Array = fit(shift[None]) if shift.ndim == 3 else shift
    return jnp.multiply(x_BxHxWxC - background, scale["factor"])


def prepare(pixels_BxHxWxC: jax.Array, scale: Scale, fit: Fit) -> jax.Array:
    """Pixels of 0 to 255 of any size to what the network sees: brought to its size, then scaled."""
    return scaled(fit(pixels_BxHxWxC), scale, fit)
