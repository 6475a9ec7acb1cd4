"""What lies in a folder of images: its splits, the classes of each, and the pictures of each class."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cnncli.data import files
from cnncli.data.pictures import SUFFIXES
from cnncli.errors import DataError

# What folders of splits are called, in whatever case.
NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}

# Pictures that nobody here can read: they are refused, not overlooked.
REFUSED = {".svg", ".eps", ".ps", ".heic", ".heif", ".jxl", ".raw", ".cr2", ".nef", ".dng"}


@dataclass(frozen=True)
class Class:
    """The pictures in one class's folder and the folders inside it, and how many other files lie there."""

    name: str
    pictures: tuple[Path, ...]
    others: int


@dataclass(frozen=True)
class Tree:
    """A folder of images: its classes in the folders "train", "val" and "test", by these names, or in `whole`.

    `others` counts the files that belong to no class, `aside` names the folders that are no split's.
    """

    root: Path
    folders: Mapping[str, Path]
    splits: Mapping[str, tuple[Class, ...]]
    whole: tuple[Class, ...] = ()
    others: int = 0
    aside: tuple[str, ...] = ()

    @property
    def ignored(self) -> int:
        """How many files are no pictures, or lie in no class's folder."""
        return self.others + sum(one.others for classes in (self.whole, *self.splits.values()) for one in classes)


def tree(root: Path) -> Tree:
    """Look into a folder: `root/SPLIT/CLASS/*` where it has folders called after splits, else `root/CLASS/*`.

    Hidden files are none. Raises DataError for a folder that is missing, holds no folders, or may not be read.
    """
    inside = _entries(root)
    below = [path for path in inside if path.is_dir()]
    loose = len(inside) - len(below)
    if not below:
        raise DataError(f"{root} holds no class folders; expected {root}/CLASS/*.jpg or {root}/train/CLASS/*.jpg")
    named = _splits(below)
    if not named:
        return Tree(root, {}, {}, whole=_classes(below), others=loose)
    splits = {}
    for split, folder in named.items():
        entries = _entries(folder)
        folders = [path for path in entries if path.is_dir()]
        loose += len(entries) - len(folders)
        if not folders:
            raise DataError(
                f"{folder} holds no class folders; expected {folder}/CLASS/*.jpg: pictures without classes are for "
                "`cnncli predict`, in a folder of their own"
            )
        splits[split] = _classes(folders)
    aside = tuple(path.name for path in below if path not in named.values())
    return Tree(root, named, splits, others=loose, aside=aside)


def _splits(folders: list[Path]) -> dict[str, Path]:
    """The folders that are splits by their names; none where trains are a class, beside cars."""
    named: dict[str, Path] = {}
    for split, names in NAMES.items():
        for folder in folders:
            if folder.name.lower() in names:
                if split in named:
                    raise DataError(f"{named[split]} and {folder} are both named for '{split}'; expected one of them")
                named[split] = folder
    nested = any(path.is_dir() for folder in named.values() for path in _entries(folder))
    return named if nested or len(named) == len(folders) else {}


def _classes(folders: list[Path]) -> tuple[Class, ...]:
    found: dict[str, Class] = {}
    for folder in folders:
        # One name can be written in two ways, and file systems differ in which they take.
        name = unicodedata.normalize("NFC", folder.name)
        if name in found:
            raise DataError(f"{folder.parent} has two folders named '{name}', written differently; expected one")
        everything = sorted(walked(folder), key=lambda path: natural(str(path.relative_to(folder))))
        pictures = tuple(path for path in everything if _is_picture(path))
        found[name] = Class(name, pictures, len(everything) - len(pictures))
    return tuple(found[name] for name in sorted(found, key=natural))


def natural(name: str) -> tuple[list[str | int], str]:
    """What to sort names by: numbers in them by their value, so that 10 comes after 9."""
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
    return parts, name


def _is_picture(path: Path) -> bool:
    """Whether a path is a picture by its name; a link to nothing is one that cannot be read, a pipe is none."""
    return path.suffix.lower() in SUFFIXES | REFUSED and (path.is_file() or not path.exists())


def walked(folder: Path) -> Iterator[Path]:
    """All that is no folder in a folder and the folders inside; each of these once, however links lead there."""
    seen, waiting = set(), [folder]
    while waiting:
        here = waiting.pop()
        try:
            status = here.stat()
        except OSError as error:
            raise files.unreadable(here, error) from error
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for path in _entries(here):
            if path.is_dir():
                waiting.append(path)
            else:
                yield path


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted, nothing hidden; raises DataError where it cannot be told."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise files.unreadable(folder, error) from error
    # __MACOSX holds what a Mac hides, in archives that it has made.
    return [path for path in paths if path.name[0] != "." and path.name != "__MACOSX"]
