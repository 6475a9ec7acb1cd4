"""Images to look at, with what is known about each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data import pictures
from cnncli.data.dataset import Loaded
from cnncli.data.framing import Framing
from cnncli.errors import UsageError


@dataclass(frozen=True)
class Picked:
    """Images (count, height, width, channel) uint8, what each is called, and its class, None where it is not known.

    `places` are theirs in the split; there are none of files.
    """

    images: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    places: tuple[int, ...] = ()


def files(names: Sequence[str], framing: Framing, channels: int) -> Picked:
    """Pictures of files, each framed as the network takes them. Raises DataError for what is no picture."""
    images = [framing(pictures.read(name, channels)) for name in names]
    return Picked(np.stack(images), tuple(Path(name).name for name in names), (None,) * len(names))


def places(wanted: Sequence[int], data: Loaded) -> Picked:
    """The images of a split at some places, from 0. Raises UsageError for places that there are not."""
    count = len(data.split.labels)
    for place in wanted:
        if place >= count:
            raise UsageError(f"--index {place}: the split has {count:,} images, 0 to {count - 1}")
    labels = data.split.labels[list(wanted)]
    return Picked(
        data.split.images[list(wanted)],
        tuple(f"#{place} {data.facts.classes[label]}" for place, label in zip(wanted, labels, strict=True)),
        tuple(int(label) for label in labels),
        tuple(wanted),
    )


def drawn(data: Loaded, count: int, seed: int, only: int | None = None) -> Picked:
    """`count` images of a split by chance, of one class, or of each class in turn; fewer where there are no more."""
    order = np.random.default_rng(seed).permutation(len(data.split.labels))
    labels = data.split.labels[order]
    if only is not None:
        wanted = order[labels == only][:count]
        if not len(wanted):
            raise UsageError(f"--class: the split has no image of '{data.facts.classes[only]}'")
        return places([int(place) for place in wanted], data)
    # How many of its class came before an image: the first of each class come first, then the second.
    turn = np.empty(len(order), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange(np.count_nonzero(labels == label))
    wanted = order[np.lexsort((labels, turn))][:count]
    return places([int(place) for place in wanted], data)
