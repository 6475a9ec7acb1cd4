"""Arrays that grow row by row on the disk, and then are one .npz file."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnncli.errors import DataError


class Archive:
    """Takes arrays a few rows at a time, so that memory holds no more, and writes the file whole or not at all.

    A `with` block ends what is kept beside the file meanwhile. Everything raises DataError, with the path, where the
    disk is full or forbids it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._on_disk():
            self._folder = tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=f".{path.name}-")
        self._rows: dict[str, _Rows] = {}

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for rows in self._rows.values():
            rows.close()
        self._folder.cleanup()

    def add(self, **arrays: NDArray[np.float32]) -> None:
        """Add rows (count, ...) to some arrays; rows of one array have one shape."""
        with self._on_disk():
            for name, values in arrays.items():
                if name not in self._rows:
                    self._rows[name] = _Rows(Path(self._folder.name) / name, values)
                self._rows[name].add(values)

    def write(self, **others: ArrayLike) -> None:
        """Write the file: the arrays that were added, and others that are whole."""
        part = Path(self._folder.name) / "whole"
        with self._on_disk():
            with zipfile.ZipFile(part, "w") as archive:
                for name, rows in self._rows.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        rows.write(member)
                for name, value in others.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
            part.replace(self.path)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror or error}") from error


class _Rows:
    """One array's values in a file of their own, and how many rows there are."""

    def __init__(self, path: Path, first: NDArray[np.float32]) -> None:
        self._stream, self._row, self._dtype, self._count = path.open("w+b"), first.shape[1:], first.dtype, 0

    def add(self, values: NDArray[np.float32]) -> None:
        self._stream.write(np.ascontiguousarray(values).data)
        self._count += len(values)

    def write(self, file: IO[bytes]) -> None:
        """As an .npy file."""
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": (self._count, *self._row)}
        np.lib.format.write_array_header_1_0(file, header)
        self._stream.seek(0)
        shutil.copyfileobj(self._stream, file, 2**20)

    def close(self) -> None:
        self._stream.close()
