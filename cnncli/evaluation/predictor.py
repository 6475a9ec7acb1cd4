"""Predicting images that nobody has labelled: evaluation's path, a batch at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.decoding import Image
from cnncli.data.inputs import Fit, Scale, prepare
from cnncli.errors import DataError
from cnncli.evaluation.trained import Trained
from cnncli.models.model import Arrays, Model


@dataclass(frozen=True)
class Ranked:
    """A picture's most probable classes, the first of them first: their labels and softmax probabilities."""

    name: str
    labels: tuple[int, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Batch:
    """Images with their logits (count, class), and what a layer makes of each (count, ...); both float32."""

    images: tuple[Image, ...]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]

    def ranked(self, count: int) -> list[Ranked]:
        """The `count` most probable classes of each image, fewer where there are no more; of equal ones the earlier."""
        order = np.argsort(-self.logits, axis=1, kind="stable")[:, :count]
        odds = np.exp(self.logits.astype(np.float64) - self.logits.max(axis=1, keepdims=True))
        shares = np.take_along_axis(odds / odds.sum(axis=1, keepdims=True), order, axis=1)
        named = zip(self.images, order.tolist(), shares.tolist(), strict=True)
        return [Ranked(image.name, tuple(labels), tuple(each)) for image, labels, each in named]


class Predictor:
    """Predicts images `batch_size` at a time with one compiled program; the layer at `path` gives the features.

    Without a path there are none: (count, 0).
    """

    def __init__(self, trained: Trained, batch_size: int, options: dict[str, str], path: str = "") -> None:
        devices = trained.where.devices
        self.trained, self.path, self.batch_size = trained, path, -(-batch_size // devices) * devices
        self._batch = jax.jit(partial(_predict, trained.model, trained.fit, path), compiler_options=options)

    def over(self, images: Iterable[Image]) -> Iterator[Batch]:
        """Batches of images in their order. Raises DataError for a network that gives no finite numbers."""
        rest = iter(images)
        while batch := tuple(islice(rest, self.batch_size)):
            yield self._predicted(batch)

    def _predicted(self, images: tuple[Image, ...]) -> Batch:
        trained, count = self.trained, len(images)
        # The last batch repeats its last image; the surplus is cut off below.
        padded = [*images, *[images[-1]] * (self.batch_size - count)]
        placed = jax.device_put(np.stack([image.pixels for image in padded]), trained.where.split())
        logits, features = jax.device_get(self._batch(trained.params, trained.stats, trained.scale, placed))
        for name, values in (("the network's logits", logits), (self.path, features)):
            if not np.isfinite(values[:count]).all():
                raise DataError(f"{name} are not finite: this checkpoint's training has diverged")
        return Batch(images, logits[:count], features[:count])


def _predict(
    model: Model, fit: Fit, path: str, params: Arrays, stats: Arrays, scale: Scale, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Logits of images, and what the layer at a path gives."""
    seen = [jnp.zeros((len(images), 0))]

    def tap(here: str, y: jax.Array) -> jax.Array:
        if here == path:
            seen.append(y)
        return y

    logits = model.logits(params, stats, prepare(images.astype(jnp.float32), scale, fit), tap)
    return logits, seen[-1].astype(jnp.float32)
