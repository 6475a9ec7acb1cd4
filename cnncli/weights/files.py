"""Files of named tensors, whoever wrote them: safetensors, PyTorch's two formats, NumPy's npz, Keras's HDF5."""

import json
import stat
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cnncli.errors import CnncliError, DataError
from cnncli.weights.hdf5 import read_hdf5
from cnncli.weights.pickled import NotTensors, Tensors
from cnncli.weights.torchfiles import read_legacy, read_zip
from cnncli.weights.writing import ABOUT

FORMATS = "safetensors, .pth or .pt of PyTorch, .npz, or .h5 of Keras"
# What people take for weights, by its first bytes.
OTHERS = {
    b"version https://git-lfs": "the pointer of Git LFS; to get the weights: git lfs pull",
    b"<!DOCTYPE": "a web page, perhaps what a download was answered",
    b"<html": "a web page, perhaps what a download was answered",
    b"\x1f\x8b": "compressed by gzip; unpack it before",
}
# An npz may be compressed, which weights hardly are and what is all zero is a thousandfold.
MOST_UNPACKED, SMALL = 20, 64 * 2**20
# What an npz says of an array before its numbers.
MOST_HEADER = 10_000
NPY_VERSIONS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
LONGEST_NAME = 500
# What a file says of its arrays, in letters: the names of tens of thousands of classes are fewer.
MOST_SAID = 2**21


def read(path: Path) -> Tensors:
    """The tensors of a file by name, as they are in it; the format is told by the content, of which nothing is run.

    The arrays may share memory and are not to be written to. Raises DataError for a file that is missing, damaged, or
    of another kind; UsageError where h5py is needed and is not there.
    """
    try:
        return _named(_reader(path)(path), path)
    except CnncliError:
        raise
    except NotTensors as error:
        raise DataError(f"{path}: it holds {_printable(str(error))}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise DataError(f"{path}: {error.strerror}") from error
        # A damaged file can raise nearly anything in what reads it.
        raise DataError(f"{path} is damaged: {_printable(str(error)) or type(error).__name__}") from error


def about(path: Path) -> dict[str, str]:
    """What a safetensors or npz of ours says of its arrays; empty for any other file, and where it cannot be read."""
    try:
        reader = _reader(path)
        said = _said_safetensors(path) if reader is _read_safetensors else {}
        said = _said_npz(path) if reader is _read_npz else said
    except Exception:  # As `read`, which says what is damaged.
        return {}
    if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
        return {}
    return said if sum(map(len, said.values())) <= MOST_SAID else {}


def _reader(path: Path) -> Callable[[Path], Tensors]:
    """What reads a file of these first bytes."""
    # A pipe would be waited for, and a device read for ever.
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path} is a {'folder' if path.is_dir() else 'device'}, not a file; expected {FORMATS}")
    with path.open("rb") as stream:
        start = stream.read(32)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return read_hdf5
    if start[8:9] == b"{":
        return _read_safetensors
    if start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as archive:
            return _read_npz if any(name.endswith(".npy") for name in archive.namelist()) else read_zip
    # The first bytes of a pickle of protocol 2 or later, which is what PyTorch wrote before its zip format.
    if start[:1] == b"\x80":
        return read_legacy
    what = next((words for magic, words in OTHERS.items() if start.startswith(magic)), "no weights that can be read")
    raise DataError(f"{path} is {'empty' if not start else what}; expected {FORMATS}")


def _named(tensors: Tensors, path: Path) -> Tensors:
    if not tensors:
        raise NotTensors("no tensors")
    for name in tensors:
        # They are shown at a terminal, which obeys what is not printable.
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise NotTensors(f"a tensor whose name is no name: {name}")
    return tensors


def _printable(text: str) -> str:
    """The beginning of a text from a file, without what a terminal would obey."""
    text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text[:1000].split()))
    return text if len(text) <= 160 else f"{text[:160]}..."


def _read_safetensors(path: Path) -> Tensors:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _read_npz(path: Path) -> Tensors:
    with zipfile.ZipFile(path) as archive:
        entries = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        most = max(SMALL, MOST_UNPACKED * path.stat().st_size)
        if (claimed := sum(info.file_size for info in entries)) > most:
            raise NotTensors(f"arrays that claim {claimed:,} bytes; expected at most {most:,}")
        numbers = [info for info in entries if _kind(archive, info) in "fiub"]
        return {info.filename.removesuffix(".npy"): _array(archive, info) for info in numbers}


def _said_safetensors(path: Path) -> Any:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return file.metadata() or {}


def _said_npz(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = [info for info in archive.infolist() if info.filename == f"{ABOUT}.npy"]
        # NumPy has four bytes for a letter.
        if len(entries) != 1 or entries[0].file_size > 4 * MOST_SAID or _kind(archive, entries[0]) != "U":
            return {}
        return json.loads(_array(archive, entries[0]).item())


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """An array whose header `_kind` has seen."""
    with archive.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False, max_header_size=MOST_HEADER)


def _kind(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """The kind of numbers of an array, whose header must say what it has."""
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in NPY_VERSIONS:
            raise NotTensors(f"{info.filename} in version {version[0]}.{version[1]} of NumPy's format")
        shape, _, dtype = NPY_VERSIONS[version](stream, max_header_size=MOST_HEADER)
        if dtype.hasobject:
            raise NotTensors(f"Python objects in {info.filename}; nothing of them was run")
        # NumPy makes room for what the header claims.
        found, claimed = info.file_size - stream.tell(), prod(shape) * dtype.itemsize
    if claimed != found:
        raise NotTensors(f"{info.filename}, whose header claims {claimed:,} bytes where there are {found:,}")
    return dtype.kind
