"""Where the original files of a dataset lie: the layouts that are recognized, and the folders that are searched."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from cnncli.data import files
from cnncli.data.facts import SPLITS, Facts
from cnncli.errors import DataError


@dataclass(frozen=True)
class Layout:
    """One way in which original files lie on disk.

    `kind` is "idx", "python" or "binary"; `folders` are looked into below the data folder, the most telling first;
    `train` and `test` name each split's files in reading order; each file may have one of the `endings`. With an
    `archive`, the files are inside it.
    """

    kind: str
    folders: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    endings: tuple[str, ...] = ("",)
    archive: str | None = None

    def names(self, split: str) -> tuple[str, ...]:
        """Return the names of the files of "train" or "test"."""
        return self.train if split == "train" else self.test

    def present(self, folder: Path, split: str) -> dict[str, Path | None]:
        """Return, for each file (or the one archive) of the split, where it is in the folder, or None."""
        wanted = (self.archive,) if self.archive else self.names(split)
        return {name: _first(folder, name, self.endings) for name in wanted}


@dataclass(frozen=True)
class Place:
    """Where a split was found: its layout, the folder, and the files in reading order (or the one archive)."""

    layout: Layout
    folder: Path
    paths: tuple[Path, ...]


def _first(folder: Path, name: str, endings: tuple[str, ...]) -> Path | None:
    return next((path for ending in endings if files.exists(path := folder / (name + ending))), None)


def _idx(*folders: str) -> tuple[Layout, ...]:
    train = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    test = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    # Gzipped first: gzip has a checksum of its own, and the original's SHA-256 is published.
    return (Layout("idx", (*folders, "raw", "."), train, test, endings=(".gz", "")),)


def _cifar(name: str, number: str, python: str, train: tuple[str, ...], test: tuple[str, ...]) -> tuple[Layout, ...]:
    binary = f"cifar-{number}-binary" if number == "100" else f"cifar-{number}-batches-bin"
    binary_train, binary_test = tuple(f"{file}.bin" for file in train), tuple(f"{file}.bin" for file in test)
    above = (".", name)
    return (
        Layout("python", (python, f"{name}/{python}", "."), train, test),
        Layout("binary", (binary, f"{name}/{binary}", "."), binary_train, binary_test),
        Layout("binary", above, binary_train, binary_test, archive=f"cifar-{number}-binary.tar.gz"),
        Layout("python", above, train, test, archive=f"cifar-{number}-python.tar.gz"),
    )


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "mnist": _idx("MNIST/raw", "mnist"),
    "fashion_mnist": _idx("FashionMNIST/raw", "fashion_mnist", "fashion-mnist"),
    "cifar10": _cifar("cifar10", "10", "cifar-10-batches-py", _BATCHES, ("test_batch",)),
    "cifar100": _cifar("cifar100", "100", "cifar-100-python", ("train",), ("test",)),
}


def home() -> Path:
    """Return the folder for downloads, also searched: $CNNCLI_DATA, else the user's cache folder."""
    if chosen := os.environ.get("CNNCLI_DATA"):
        return Path(chosen).expanduser()
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "cnncli" / "data"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cnncli" / "data"
    except RuntimeError:
        raise DataError("there is no home folder to keep datasets in: set CNNCLI_DATA to a folder") from None


def locate(facts: Facts, split: str, folder: Path) -> Place | None:
    """Return where the split's original files are in the folder or just below it, or None where they are not."""
    for layout in LAYOUTS[facts.name]:
        for below in layout.folders:
            wanted = layout.present(folder / below, split).values()
            found = tuple(path for path in wanted if path is not None)
            if len(found) == len(wanted):
                return Place(layout, folder / below, found)
    return None


def absent(facts: Facts, split: str, folder: Path) -> DataError:
    """Return the error for a split that `locate` does not find: what is missing and where it was looked for."""
    if not folder.is_dir():
        return DataError(f"--data-dir {folder}: no such folder")
    for layout in LAYOUTS[facts.name]:
        for below in layout.folders:
            present = layout.present(folder / below, split)
            missing = [name for name, path in present.items() if path is None]
            if len(missing) < len(present):
                return DataError(f"{folder / below}: missing for {facts.name}: {', '.join(missing)}")
    first, *others = LAYOUTS[facts.name]
    archives = "".join(f", or {layout.archive}" for layout in others if layout.archive)
    looked = ", ".join(sorted({str(Path(below)) for layout in (first, *others) for below in layout.folders}))
    return DataError(
        f"{folder}: no files of {facts.name} ({split}): expected {', '.join(first.names(split))}{archives}; "
        f"looked in {looked}"
    )


def is_complete(facts: Facts, folder: Path) -> bool:
    """Tell whether both splits are found in the folder, in whatever layouts."""
    return all(locate(facts, split, folder) for split in SPLITS)
