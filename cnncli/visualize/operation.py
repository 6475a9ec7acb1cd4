"""Layers by themselves, as the models have them: what a convolution or a pooling gives for one image."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.models.model import model
from cnncli.networks.layers import Layer
from cnncli.networks.network import Network


def apply(
    layers: tuple[Layer, ...], image_HxWxC: NDArray[Any], params: dict[str, dict[str, Any]] | None = None
) -> NDArray[np.float32]:
    """What a chain of layers gives for an image, with its parameters by its layers' names.

    Raises UsageError for windows that are impossible at the image.
    """
    height, width, channels = image_HxWxC.shape
    network = Network("operation", (height, width, channels), layers)
    arrays = {name: {key: jnp.asarray(value) for key, value in of.items()} for name, of in (params or {}).items()}
    x = jnp.asarray(image_HxWxC, jnp.float32)[None]
    return np.asarray(model(network).logits(arrays, {}, x)[0])
