"""The one door to a dataset's images and labels, whatever they are read from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnncli.data import digits, download, locate, originals
from cnncli.data.facts import DATASETS, SPLITS, Facts, find
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError, UsageError

if TYPE_CHECKING:
    # Only for those who read pictures is there a decoder to import.
    from cnncli.data.framing import Framing

TFDS = "tfds:"
"""How the name of a TensorFlow Datasets dataset starts: `tfds:NAME[/CONFIG]`."""


def folder(name: str) -> Path | None:
    """The folder of images that a dataset's name means: a path, or a folder here whose name no other dataset has."""
    if name.startswith(TFDS) or name in DATASETS:
        return None
    path = Path(name).expanduser()
    return path if "/" in name or (name and path.is_dir()) else None


def full(name: str) -> str:
    """A dataset's name that means the same from anywhere: the absolute path of a folder.

    Raises UsageError for a path that no file of ours can hold.
    """
    root = folder(name)
    if root is None:
        return name
    path = str(root.resolve())
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--dataset {path!a}: expected a path in UTF-8; rename the folder") from None
    return path


def short(name: str) -> str:
    """A dataset's name for titles and files: of a folder its own, without those above."""
    root = folder(name)
    return name if root is None else root.name


@dataclass(frozen=True)
class Split:
    """Images (count, height, width, channels) uint8 and their labels (count,) int32, both read-only."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Loaded:
    """A split in memory, the facts about its dataset, and where it was read from.

    `held` are the images that the dataset itself holds out of "train" to validate on; where it holds out none, training
    takes a part of `split` instead. `skipped` counts what could not be read and was left out, `notes` are sentences
    that people should hear. `sha256` is of the files of both, where nobody else vouches for these: of a folder.
    """

    facts: Facts
    split: Split
    where: str
    held: Split | None = None
    skipped: int = 0
    notes: tuple[str, ...] = ()
    sha256: str = ""


def load(
    name: str,
    split: str,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    report: Report = silent,
    framing: "Framing | None" = None,
    skip_bad: bool = False,
) -> Loaded:
    """Return the "train" or "test" split of the named dataset, complete and verified, or of a folder of images.

    Original files are read from `data_dir` if given; else from $CNNCLI_DATA or the user's cache, where they are
    downloaded first unless `offline` (or $CNNCLI_OFFLINE). `framing` is for pictures that vary in size. With `skip_bad`
    a folder's pictures that cannot be read are left out. Raises UsageError for an unknown name or split, DataError for
    missing, damaged or mismatched files.
    """
    if (root := folder(name)) is not None:
        if data_dir is not None:
            raise UsageError(f"--data-dir is for datasets known by name; {name} is a folder of images itself")
        return _load_folder(root, split, framing, skip_bad, report)
    if skip_bad:
        raise UsageError(f"--skip-bad is for folders of images; {name} is taken whole")
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
    if folder(name) is not None:
        raise UsageError(f"{name} is a folder of images; there is nothing to fetch")
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


def _load_folder(root: Path, split: str, framing: "Framing | None", skip_bad: bool, report: Report) -> Loaded:
    from cnncli.data import images

    if split not in SPLITS:
        raise UsageError(f"no split named '{split}': expected 'train' or 'test'")
    found = images.opened(root, report)
    if split == "train" and len(found.classes) == 1:
        raise DataError(f"{root} has one class only, '{found.classes[0]}'; expected at least two to tell apart")
    parts = [found.part(split), *(part for name, part in found.parts.items() if (split, name) == ("train", "held"))]
    framing = images.suited(found, framing)
    read = [images.read(found, part, framing, report) for part in parts]
    bad = [one for each in read for one in each.bad]
    said = images.unread(found, bad, sum(len(part.paths) for part in parts))
    if bad and not skip_bad:
        raise DataError(f"{said}; mend or remove them, or leave them out with --skip-bad")
    notes = tuple(filter(None, (found.note, f"{said}: skipped" if bad else "")))
    facts = images.facts(found, str(root), split, read[0])
    first, *others = (_read_only(each.images, each.labels) for each in read)
    held = others[0] if others else None
    return Loaded(facts, first, parts[0].where, held, len(bad), notes, images.fingerprint(parts))


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
    return _read_only(images, labels)


def _read_only(images: np.ndarray, labels: np.ndarray) -> Split:
    split = Split(images, labels.astype(np.int32))
    split.images.flags.writeable = split.labels.flags.writeable = False
    return split
