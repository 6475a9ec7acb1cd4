"""Exact evaluation: every example of a split once, whatever the batch size and the number of devices."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.inputs import Fit, Scale, prepare
from cnncli.data.placement import Placement
from cnncli.errors import Bug
from cnncli.evaluation.losses import LOSSES, targets
from cnncli.evaluation.metrics import Predictions
from cnncli.models.model import Arrays, Model


@dataclass(frozen=True)
class Examples:
    """A split on the device: images (count, height, width, channel) uint8 and labels (count,) int32."""

    images: jax.Array
    labels: jax.Array

    @classmethod
    def placed(cls, images: NDArray[np.uint8], labels: NDArray[np.int32], where: Placement) -> "Examples":
        """Put a split on every device."""
        return cls(where.everywhere(images), where.everywhere(labels))


class Evaluator:
    """Predicts splits with one model; the forward pass is compiled once."""

    def __init__(
        self, model: Model, fit: Fit, loss: str, where: Placement, batch_size: int, options: dict[str, str]
    ) -> None:
        self.where, self.batch_size = where, batch_size
        self._batch = jax.jit(partial(_predict, model, fit, loss), compiler_options=options)

    def predict(self, params: Arrays, stats: Arrays, scale: Scale, examples: Examples) -> Predictions:
        """Predict every example of a split, in order."""
        count, devices = len(examples.labels), self.where.devices
        batch_size = -(-min(self.batch_size, count) // devices) * devices
        parts = []
        for start in range(0, count, batch_size):
            # The last batch repeats the last example; its surplus is cut off below.
            indices = np.minimum(np.arange(start, start + batch_size), count - 1)
            placed = jax.device_put(indices, self.where.split())
            parts.append(self._batch(params, stats, scale, examples.images, examples.labels, placed))
        predicted, top5, loss = (np.concatenate([np.asarray(part[i]) for part in parts])[:count] for i in range(3))
        if not len(predicted) == len(top5) == len(loss) == count:
            raise Bug(f"{len(predicted)} predictions of {count} examples")
        return Predictions(np.asarray(examples.labels), predicted, top5, loss)


def _predict(
    model: Model,
    fit: Fit,
    loss: str,
    params: Arrays,
    stats: Arrays,
    scale: Scale,
    images: jax.Array,
    labels: jax.Array,
    indices: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Predicted labels, whether the label is among the top five, and losses of the examples at `indices`."""
    x = prepare(images[indices].astype(jnp.float32), scale, fit)
    logits, wanted = model.logits(params, stats, x), labels[indices]
    # Ties and NaN count against the network: every other class is taken to be ahead unless its logit is smaller.
    own = jnp.take_along_axis(logits, wanted[:, None], axis=-1)
    ahead = jnp.sum(~(logits < own), axis=-1) - 1
    losses = LOSSES[loss](logits, targets(wanted, logits.shape[-1]))
    return jnp.argmax(logits, axis=-1).astype(jnp.int32), ahead < 5, losses
