"""Small original files, made by the tests in the published formats."""

import gzip
import io
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnncli.data.facts import DATASETS, Facts


def idx(array: np.ndarray) -> bytes:
    """Return the bytes of an IDX file of unsigned bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, train: int = 60_000, test: int = 10_000, ending: str = "") -> None:
    """Write four IDX files whose images are all black and whose labels are 0..9 in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, count in (("train", train), ("t10k", test)):
        files = {
            f"{stem}-images-idx3-ubyte": idx(np.zeros((count, 28, 28))),
            f"{stem}-labels-idx1-ubyte": idx(np.arange(count) % 10),
        }
        for name, data in files.items():
            (folder / (name + ending)).write_bytes(gzip.compress(data, 1) if ending else data)


def small(name: str, train: int, test: int) -> Facts:
    """Return the facts of a dataset as if it had fewer images."""
    return replace(DATASETS[name], train=train, test=test)


def archive(path: Path, members: dict[str, bytes]) -> None:
    """Write a `.tar.gz` with these members."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
