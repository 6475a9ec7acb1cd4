"""Reading a split from its original files, whichever layout they lie in."""

from pathlib import Path

import numpy as np

from cnncli.data import cifar, files, idx
from cnncli.data.facts import DATASETS, Facts
from cnncli.data.locate import Place
from cnncli.data.progress import Report
from cnncli.errors import DataError


def read(facts: Facts, split: str, place: Place, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, height, width, channels) uint8 and labels (count,) integers.

    Raises DataError for files that are missing, damaged, of another size, or another dataset's.
    """
    if place.layout.kind == "idx":
        return _read_idx(facts, split, place)
    return _read_cifar(facts, split, place, report)


def _read_idx(facts: Facts, split: str, place: Place) -> tuple[np.ndarray, np.ndarray]:
    count, (height, width, _) = facts.count(split), facts.shape
    images, labels = place.paths
    # MNIST and its relatives share file names and shapes; the small file of labels tells them apart.
    if _owner(labels) not in (None, facts.name):
        raise DataError(f"{labels}: expected the labels of {facts.name}, found those of {_owner(labels)}")
    return idx.read(images, (count, height, width))[..., np.newaxis], idx.read(labels, (count,))


def _owner(path: Path) -> str | None:
    """Return the dataset whose published file this is, or None for an unpublished one (raw, or compressed again)."""
    digest = files.sha256(path)
    return next((facts.name for facts in DATASETS.values() for file in facts.files if file.sha256 == digest), None)


def _read_cifar(facts: Facts, split: str, place: Place, report: Report) -> tuple[np.ndarray, np.ndarray]:
    names = place.layout.names(split)
    form = cifar.Form.of(facts, place.layout.kind, split, len(names))
    packed = files.members(place.paths[0], names, form.limit) if place.layout.archive else None
    images = np.empty((facts.count(split), *facts.shape), np.uint8)
    labels = np.empty(facts.count(split), np.int64)
    for number, name in enumerate(names):
        if packed:
            data, where = packed[number], f"{place.paths[0]}: {name}"
        else:
            data, where = files.read(place.paths[number], form.limit), str(place.paths[number])
        rows = slice(number * form.count, (number + 1) * form.count)
        images[rows], labels[rows] = form.parse(data, where)
        report(f"read {facts.name} {split}", number + 1, len(names))
    return images, labels
