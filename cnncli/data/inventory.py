"""Checking a folder of images: what it holds, and what about it would spoil a training or its evaluation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cnncli.data import files, pictures
from cnncli.data.progress import Report, silent
from cnncli.data.tree import Class, tree
from cnncli.errors import DataError

WHOLE = "images"
"""What the images of a folder without splits are called in place of a split."""

IMBALANCE = 10
"""So many times the images of the smallest class in the largest one are worth a word."""


@dataclass(frozen=True)
class Issue:
    """Something found: its kind, what it is in words, the pictures it is about, and whether it does harm."""

    kind: str
    words: str
    paths: tuple[str, ...] = ()
    harmful: bool = True


@dataclass(frozen=True)
class Inventory:
    """How many pictures each class has, by split and class, their sizes, the files ignored, and what is wrong.

    `heights` and `widths` are the least and the greatest, in pixels. Folders `aside` are no split's.
    """

    root: Path
    counts: Mapping[str, Mapping[str, int]]
    heights: tuple[int, int] | None
    widths: tuple[int, int] | None
    ignored: int
    aside: tuple[str, ...]
    issues: tuple[Issue, ...]

    @property
    def images(self) -> int:
        """How many pictures there are, those that cannot be read among them."""
        return sum(sum(classes.values()) for classes in self.counts.values())

    @property
    def harmful(self) -> tuple[Issue, ...]:
        """What is to be mended."""
        return tuple(issue for issue in self.issues if issue.harmful)


@dataclass(frozen=True)
class _Picture:
    """A picture as it was found: `digest` of its bytes and (height, width), or the reason why it cannot be read."""

    split: str
    label: str
    path: str
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    reason: str = ""


def inventory(root: Path, report: Report = silent) -> Inventory:
    """Decode and compare every picture of a folder; raises DataError where it holds none."""
    found = tree(root)
    splits = {WHOLE: found.whole} if found.whole else found.splits
    counts = {split: {one.name: len(one.pictures) for one in classes} for split, classes in splits.items()}
    total = sum(sum(classes.values()) for classes in counts.values())
    if not total:
        raise DataError(f"{root} holds no images in class folders; files of other kinds: {found.ignored:,}")
    looked = []
    with ThreadPoolExecutor() as pool:
        for done, one in enumerate(pool.map(lambda at: _looked(root, *at), _each(splits)), start=1):
            looked.append(one)
            report(f"check {root.name}", done, total)
    good = [one for one in looked if not one.reason]
    heights, widths = ([one.size[axis] for one in good] for axis in (0, 1))
    bad = (Issue("unreadable", f"{one.path}: {one.reason}", (one.path,)) for one in looked if one.reason)
    issues = (*bad, *_copies(good), *_uneven(counts))
    return Inventory(root, counts, _range(heights), _range(widths), found.ignored, found.aside, issues)


def _each(splits: Mapping[str, Sequence[Class]]) -> Iterator[tuple[str, str, Path]]:
    for split, classes in splits.items():
        for one in classes:
            for path in one.pictures:
                yield split, one.name, path


def _looked(root: Path, split: str, label: str, path: Path) -> _Picture:
    name = str(path.relative_to(root))
    try:
        height, width, _ = pictures.read(str(path), 3).shape
        return _Picture(split, label, name, files.sha256(path), (height, width))
    except DataError as error:
        reason = str(error).removeprefix(str(path)).lstrip(": ") if path.exists() else "it is a link to nothing"
        return _Picture(split, label, name, reason=reason)


def _range(values: Sequence[int]) -> tuple[int, int] | None:
    return (min(values), max(values)) if values else None


def _copies(found: Iterable[_Picture]) -> Iterator[Issue]:
    """Pictures of the same bytes: across splits a test is no test, under two classes one label is wrong."""
    groups: dict[str, list[_Picture]] = {}
    for one in found:
        groups.setdefault(one.digest, []).append(one)
    for group in groups.values():
        if len(group) == 1:
            continue
        splits, labels = {one.split for one in group}, {one.label for one in group}
        kinds = ["across splits"] * (len(splits) > 1) + ["in different classes"] * (len(labels) > 1)
        paths = tuple(one.path for one in group)
        words = f"the same picture {' and '.join(kinds) or 'more than once'}: {', '.join(paths)}"
        yield Issue(f"duplicate {kinds[0]}" if kinds else "duplicate", words, paths, bool(kinds))


def _uneven(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Issue]:
    """Classes that are empty, that some splits lack, that are alone, or are far larger than others."""
    known = dict.fromkeys(name for classes in counts.values() for name in classes)
    for split, classes in counts.items():
        where = "" if split == WHOLE else f" in {split}"
        for name in known:
            if not classes.get(name):
                yield Issue("empty class", f"class '{name}' has no images{where}")
        filled = {name: count for name, count in classes.items() if count}
        if not filled:
            continue
        largest, smallest = max(filled, key=filled.__getitem__), min(filled, key=filled.__getitem__)
        if filled[largest] > IMBALANCE * filled[smallest]:
            words = (
                f"class '{largest}' has {filled[largest] / filled[smallest]:.0f} times the images of '{smallest}'"
                f"{where}, {filled[largest]:,} and {filled[smallest]:,}; --set class_weights=balanced makes up for it"
            )
            yield Issue("imbalance", words, harmful=False)
    if len(known) == 1:
        yield Issue("one class", f"'{next(iter(known))}' is the only class; there is nothing to tell apart")
