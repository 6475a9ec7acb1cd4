"""Files of named tensors, whoever wrote them: safetensors, PyTorch's two formats, NumPy's npz, Keras's HDF5."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnncli.errors import DataError, UsageError
from cnncli.weights.pickled import NotTensors, Tensors, read_legacy, read_zip, refused

FORMATS = "safetensors, .pth or .pt of PyTorch, .npz, or .h5 of Keras"


def read(path: Path) -> Tensors:
    """The tensors of a file by name, its format told by what it holds; nothing in it is run.

    Raises DataError for a file that is missing, damaged, or of another kind.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; expected {FORMATS}") from None
    if (reader := _reader(path, start)) is None:
        raise DataError(f"{path} holds no weights that can be read; expected {FORMATS}")
    found = refused(path, reader)
    if not found:
        raise DataError(f"{path} holds no tensors")
    return found


def _reader(path: Path, start: bytes) -> Callable[[Path], Tensors] | None:
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5
    if start[8:9] == b"{":
        return _safetensors
    if start.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _npz if any(name.endswith(".npy") for name in archive.namelist()) else read_zip
    # The first bytes of a pickle of protocol 2, as PyTorch wrote before its zip format.
    return read_legacy if start.startswith(b"\x80\x02") else None


def _safetensors(path: Path) -> Tensors:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def _npz(path: Path) -> Tensors:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as stream:
                version = np.lib.format.read_magic(stream)
                read_header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = read_header(stream)
                claimed = int(np.prod([int(side) for side in shape], dtype=object) if shape else 1) * dtype.itemsize
                if dtype.hasobject:
                    raise NotTensors(f"Python objects ({info.filename}), which were not run")
                if claimed != info.file_size - stream.tell():
                    raise NotTensors(f"{info.filename} of {info.file_size:,} bytes, whose header claims {claimed:,}")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _hdf5(path: Path) -> Tensors:
    try:
        import h5py
    except ImportError:
        raise UsageError(f"{path} is of Keras; to read it: pip install 'cnncli[keras]'") from None
    found: Tensors = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            found[name] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ValueError(str(error)) from None
    return found
