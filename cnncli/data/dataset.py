"""The one door to a dataset's images and labels, whatever they are read from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnncli.data import digits, download, locate, originals
from cnncli.data.facts import Facts, find
from cnncli.data.framing import Framing
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError

TFDS = "tfds:"
"""How the name of a TensorFlow Datasets dataset starts: `tfds:NAME[/CONFIG]`."""


@dataclass(frozen=True)
class Split:
    """Images (count, height, width, channels) uint8 and their labels (count,) int32, both read-only."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Loaded:
    """A split in memory, the facts about its dataset, and where it was read from."""

    facts: Facts
    split: Split
    where: str


def load(
    name: str,
    split: str,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    report: Report = silent,
    framing: Framing | None = None,
) -> Loaded:
    """Return the "train" or "test" split of the named dataset, complete and verified.

    Original files are read from `data_dir` if given; else from $CNNCLI_DATA or the user's cache, where they are
    downloaded first unless `offline` (or $CNNCLI_OFFLINE). `framing` is for pictures that vary in
    size. Raises UsageError for an unknown name or split, DataError for missing, damaged or mismatched files.
    """
    offline = offline or download.is_offline()
    if name.startswith(TFDS):
        return _load_tfds(name, split, data_dir, offline, report, framing.size if framing else None)
    facts = find(name)
    facts.count(split)
    if not facts.files:
        return Loaded(facts, _verified(facts, split, *digits.read(split)), "bundled with scikit-learn")
    place = _place(facts, split, data_dir, offline, report)
    try:
        read = _verified(facts, split, *originals.read(facts, split, place, report))
    except DataError as error:
        if data_dir is not None:
            raise
        raise DataError(f"{error}; `cnncli data fetch {name}` downloads what is damaged again") from error
    return Loaded(facts, read, str((place.paths[0] if place.layout.archive else place.folder).resolve()))


def fetch(name: str, *, data_dir: Path | None = None, offline: bool = False, report: Report = silent) -> Path:
    """Make sure that a dataset is on disk, downloaded or prepared, and return its folder; see `download.fetch`."""
    if not name.startswith(TFDS):
        return download.fetch(name, data_dir=data_dir, offline=offline, report=report)
    from cnncli.data import tfds

    offline = offline or download.is_offline()
    return tfds.open_prepared(name.removeprefix(TFDS), data_dir=data_dir, offline=offline, report=report).folder


def _place(facts: Facts, split: str, data_dir: Path | None, offline: bool, report: Report) -> locate.Place:
    folder = locate.home() if data_dir is None else data_dir.expanduser()
    place = locate.locate(facts, split, folder)
    if place is None and data_dir is None:
        download.fetch(facts.name, offline=offline, report=report)
        place = locate.locate(facts, split, folder)
    if place is None:
        raise locate.absent(facts, split, folder)
    return place


def _load_tfds(
    name: str, split: str, data_dir: Path | None, offline: bool, report: Report, size: tuple[int, int] | None
) -> Loaded:
    from cnncli.data import tfds

    prepared = tfds.open_prepared(name.removeprefix(TFDS), data_dir=data_dir, offline=offline, report=report)
    images, labels = tfds.read(prepared, split, size=size, report=report)
    facts = tfds.facts(prepared, name, size=size, train=images if split == "train" else None)
    return Loaded(facts, _verified(facts, split, images, labels), prepared.where(split))


def _verified(facts: Facts, split: str, images: np.ndarray, labels: np.ndarray) -> Split:
    expected = (facts.count(split), *facts.shape)
    if images.shape != expected or labels.shape != expected[:1]:
        raise DataError(
            f"{facts.name} {split}: expected {expected[0]:,} images of {'x'.join(map(str, expected[1:]))} and as many "
            f"labels, found images {images.shape} and labels {labels.shape}"
        )
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high >= len(facts.classes):
        raise DataError(
            f"{facts.name} {split}: expected labels 0..{len(facts.classes) - 1}, found {low if low < 0 else high}"
        )
    split_ = Split(images, labels.astype(np.int32))
    split_.images.flags.writeable = split_.labels.flags.writeable = False
    return split_
