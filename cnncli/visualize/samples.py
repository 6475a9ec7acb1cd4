"""Images of a dataset to look at: some of each class, or one of each as augmentation changes it."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.augment import Augment
from cnncli.data.dataset import Loaded, Split
from cnncli.data.inputs import Fit
from cnncli.drawing import grid
from cnncli.drawing.grid import Row
from cnncli.drawing.names import shortened

# Rows of more classes than this do not fit a screen.
CLASSES = 20


def of_classes(data: Loaded, fit: Fit, count: int, seed: int) -> list[Row]:
    """Up to `count` images of each class at the size of `fit`; of some classes, drawn by `seed`, if they are many."""
    chosen = _chosen(data.split, count, seed)
    grid.check(len(chosen), count, fit.size)
    none = np.zeros((0, *fit.size, data.facts.shape[2]), np.uint8)
    return [
        Row(data.facts.classes[label], _pixels(fit(_floats(data.split.images[places]))), none)
        for label, places in chosen.items()
    ]


def augmented(data: Loaded, fit: Fit, augment: Augment, count: int, seed: int) -> list[Row]:
    """One image of each class at the size of `fit`, and `count` changed versions of it.

    What the network would learn of a version is its caption, where that is not the class alone.
    """
    chosen = _chosen(data.split, 1, seed)
    grid.check(len(chosen), 1 + count, fit.size)
    x = fit(_floats(data.split.images[[places[0] for places in chosen.values()]]))
    targets = jax.nn.one_hot(jnp.array(list(chosen)), len(data.facts.classes))
    change, key = jax.jit(augment.for_data(data.split.images)), jax.random.key(seed)
    versions = [change(jax.random.fold_in(key, place), x, targets) for place in range(count)]
    mixed = any(not np.array_equal(wanted, targets) for _, wanted in versions)
    rows = []
    for place, label in enumerate(chosen):
        changed = np.stack([_pixels(images[place]) for images, _ in versions])
        captions = tuple(_caption(np.asarray(wanted[place]), data.facts.classes) for _, wanted in versions)
        rows.append(Row(data.facts.classes[label], _pixels(x[place : place + 1]), changed, captions if mixed else ()))
    return rows


def _chosen(split: Split, count: int, seed: int) -> dict[int, NDArray[np.int64]]:
    """For each class that has images, or for some of them, the places of up to `count`."""
    draw = np.random.default_rng(seed)
    labels = np.unique(split.labels)
    if len(labels) > CLASSES:
        labels = np.sort(draw.choice(labels, CLASSES, replace=False))
    of_label = {int(label): np.flatnonzero(split.labels == label) for label in labels}
    return {label: draw.choice(places, min(count, len(places)), replace=False) for label, places in of_label.items()}


def _floats(images: NDArray[np.uint8]) -> jax.Array:
    return jnp.asarray(images, jnp.float32)


def _pixels(x: jax.Array) -> NDArray[np.uint8]:
    return np.asarray(jnp.round(x), np.uint8)


def _caption(target: NDArray[np.float32], classes: Sequence[str]) -> str:
    """The shares of the classes, a line each."""
    labels = [int(label) for label in np.argsort(-target, kind="stable")[:2] if target[label] >= 0.005]
    return "\n".join(f"{target[label]:.0%} {shortened(classes[label])}" for label in labels)
