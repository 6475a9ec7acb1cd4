"""Folders of images as datasets: which pictures belong to which split, and reading them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data import files, memory, pictures
from cnncli.data.decoding import Given, Unreadable, decoded
from cnncli.data.facts import Facts
from cnncli.data.framing import Framing
from cnncli.data.progress import Report, silent
from cnncli.data.tree import Class, Tree, tree
from cnncli.errors import DataError

TESTED = 0.2
"""The share of the images that are the test split of a folder that has none."""

UNASKED = (128, 128)
"""The size (height, width) of pictures that differ in size or are larger, where nobody asks for one."""

# Images that threads may decode ahead of the one that is waited for.
_AHEAD = 64
_NAMED = 3


@dataclass(frozen=True)
class Part:
    """The pictures of a split in their order, the label of each, and where they lie."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    where: str


@dataclass(frozen=True)
class Folder:
    """A folder of images whose splits are settled.

    `parts` are "train" and "test", where there are such images, and "held": what is there to validate on.
    """

    root: Path
    classes: tuple[str, ...]
    parts: Mapping[str, Part]
    note: str = ""

    def part(self, split: str) -> Part:
        """A split's pictures; raises DataError where there are none."""
        if split not in self.parts:
            raise DataError(f"{self.root} has no images for '{split}'; it has some for {' and '.join(self.parts)}")
        return self.parts[split]

    @property
    def paths(self) -> Iterable[Path]:
        """The pictures of every split."""
        return (path for part in self.parts.values() for path in part.paths)


@dataclass(frozen=True)
class Images:
    """Images (count, height, width, channels) uint8, labels (count,) int32, and the pictures that cannot be read."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    bad: tuple[Unreadable, ...]


def opened(root: Path, report: Report = silent) -> Folder:
    """Settle the splits of a folder: as its folders say, else by the content of each picture.

    What is in "val" is the test split where there is no "test". Raises DataError for a folder without images, for a
    class without any, and where splits differ in their classes.
    """
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder" if root.exists() else f"{root}: no such folder")
    found = tree(root)
    if found.whole or set(found.splits) == {"train"}:
        return _by_content(found, report)
    names = {"train": "train", "held": "val", "test": "test"} if "test" in found.splits else _VALIDATED
    splits = {split: name for split, name in names.items() if name in found.splits}
    if "train" not in splits:
        splits.pop("held", None)
    classes = {split: found.splits[name] for split, name in splits.items()}
    _check_alike({found.folders[name]: found.splits[name] for name in splits.values()})
    parts = {split: _part(classes[split], str(found.folders[name])) for split, name in splits.items()}
    return Folder(root, tuple(one.name for one in next(iter(classes.values()))), parts)


_VALIDATED = {"train": "train", "test": "val"}


def _check_alike(splits: Mapping[Path, Sequence[Class]]) -> None:
    """Refuse splits that do not have the classes of the first, and classes without images."""
    for folder, classes in splits.items():
        _check_filled(folder, classes)
    (first, classes), *others = splits.items()
    known = [one.name for one in classes]
    for folder, classes in others:
        names = [one.name for one in classes]
        if lacking := [name for name in known if name not in names]:
            raise DataError(f"{folder} lacks {_quoted(lacking)}, which {first} has; expected the same classes")
        if more := [name for name in names if name not in known]:
            raise DataError(f"{folder} has {_quoted(more)}, which {first} lacks; expected the same classes")


def _check_filled(folder: Path, classes: Sequence[Class]) -> None:
    if not any(one.pictures for one in classes):
        others = sum(one.others for one in classes)
        raise DataError(f"{folder} holds no images" + f", only files of other kinds ({others:,})" * bool(others))
    if empty := [one.name for one in classes if not one.pictures]:
        raise DataError(f"{folder} has no images of {_quoted(empty)}; add some, or remove what is no class's folder")


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return f"the class{'es' * (len(names) > 1)} {shown}{', ...' * (len(names) > _NAMED)}"


def _part(classes: Sequence[Class], where: str) -> Part:
    pairs = [(path, label) for label, one in enumerate(classes) for path in one.pictures]
    return Part(tuple(path for path, _ in pairs), tuple(label for _, label in pairs), where)


def _by_content(found: Tree, report: Report) -> Folder:
    """A split that depends on nothing but each picture's own bytes: it stays when others are added or renamed."""
    folder, classes = (found.root, found.whole) if found.whole else (found.folders["train"], found.splits["train"])
    _check_filled(folder, classes)
    whole = _part(classes, f"{folder}, split by content")
    tested = []
    with ThreadPoolExecutor() as pool:
        for done, share in enumerate(pool.map(_share, whole.paths), start=1):
            tested.append(share < TESTED)
            report(f"split {found.root.name}", done, len(whole.paths))
    parts = {split: _chosen(whole, np.array(tested) == (split == "test")) for split in ("train", "test")}
    if untrained := [one.name for label, one in enumerate(classes) if label not in parts["train"].labels]:
        raise DataError(f"{folder}: the split by content leaves no image to train on of {_quoted(untrained)}; add some")
    count, all_ = len(parts["test"].paths), len(whole.paths)
    note = f"{folder} has no folder for testing: {count:,} of its {all_:,} images, by their content, are its test split"
    names = tuple(one.name for one in classes)
    return Folder(found.root, names, {split: part for split, part in parts.items() if part.paths}, note)


def _share(path: Path) -> float:
    """Where the SHA-256 of a picture's bytes stands between 0 and 1; what cannot be read is one to train on."""
    digest = _digest(path)
    return int(digest[:8], 16) / 16**8 if digest else 1.0


def _digest(path: Path) -> str:
    try:
        return files.sha256(path)
    except DataError:
        return ""


def _chosen(part: Part, chosen: NDArray[np.bool_]) -> Part:
    places = np.flatnonzero(chosen)
    return Part(tuple(part.paths[at] for at in places), tuple(part.labels[at] for at in places), part.where)


def suited(folder: Folder, framing: Framing | None) -> Framing:
    """A framing for the pictures of all splits: of one channel where all are grey, else of three.

    Without one, small pictures of one size keep it. What is asked for stays.
    """
    if framing is None:
        sizes = {header.size for path in folder.paths if (header := pictures.header(path))}
        alike = len(sizes) == 1 and max(max(size) for size in sizes) <= max(UNASKED)
        framing = Framing(sizes.pop() if alike else UNASKED)
    if framing.channels:
        return framing
    headers = (pictures.header(path) for path in folder.paths)
    return replace(framing, channels=1 if all(header.grey for header in headers if header) else 3)


def read(folder: Folder, part: Part, framing: Framing, report: Report = silent) -> Images:
    """Return the images of a part, in the order of its pictures; those that cannot be read are left out.

    Raises DataError for more than 8 GiB, and where a class is left without images.
    """
    shape = (*framing.size, framing.channels)
    images, good, bad = memory.empty(part.where, len(part.paths), shape), [], []
    given = (Given(str(path)) for path in part.paths)
    for row, found in enumerate(decoded(given, framing, framing.channels, _AHEAD)):
        if isinstance(found, Unreadable):
            bad.append(found)
        else:
            images[row] = found.pixels
            good.append(row)
        report(f"read {part.where}", row + 1, len(part.paths))
    labels = np.array(part.labels, np.int32)
    if not bad:
        return Images(images, labels, ())
    if lost := [folder.classes[label] for label in sorted(set(part.labels) - set(labels[good].tolist()))]:
        raise DataError(f"{part.where}: no image can be read of {_quoted(lost)}; the first: {bad[0].reason}")
    return Images(images[good], labels[good], tuple(bad))


def fingerprint(parts: Iterable[Part]) -> str:
    """SHA-256 over the bytes of each picture and its label, in their order; it tells a folder that has changed."""
    whole = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        for part in parts:
            for digest, label in zip(pool.map(_digest, part.paths), part.labels, strict=True):
                whole.update(f"{digest} {label}\n".encode())
    return whole.hexdigest()


def unread(folder: Folder, bad: Sequence[Unreadable], count: int) -> str:
    """How many of `count` pictures cannot be read, and the first of them, in words."""
    root = str(folder.root)
    shown = ", ".join(one.name.removeprefix(root).lstrip("/") for one in bad[:_NAMED])
    return f"{len(bad):,} of {count:,} images of {folder.root} cannot be read: {shown}{', ...' * (len(bad) > _NAMED)}"


def facts(folder: Folder, name: str, split: str, read: Images) -> Facts:
    """The facts of a folder of which a split has been read; mean and deviation are those of that split's images."""
    mean, deviation = memory.statistics(read.images)
    counts = {split: len(part.paths) for split, part in folder.parts.items()} | {split: len(read.labels)}
    return Facts(
        name=name,
        title=f"the images in {folder.root}",
        shape=(read.images.shape[1], read.images.shape[2], read.images.shape[3]),
        classes=folder.classes,
        train=counts.get("train", 0),
        test=counts.get("test", 0),
        mean=mean,
        deviation=deviation,
        fit="resize",
        source=str(folder.root),
    )
