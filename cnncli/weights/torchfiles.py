"""PyTorch's files of tensors: the zip format, and the one before it (PyTorch 1.5 and earlier)."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnncli.weights.pickled import MOST_PICKLED, TOO_MANY, Kind, NotTensors, Reader, Storage, Tensors, named

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class _Archive:
    """The entries of a zip file, each read once and together no larger than the file."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise NotTensors("no data.pkl, so it is no file of torch.save")
        self._archive, self._left = archive, path.stat().st_size
        self._folder = pickles[0].removesuffix("data.pkl")
        self._storages: dict[str, Storage] = {}
        has_order = f"{self._folder}byteorder" in archive.namelist()
        self.order = self.entry("byteorder", 16) if has_order else b"little"
        if self.order not in (b"little", b"big"):
            raise NotTensors("an unknown byte order")

    def entry(self, name: str, most: int) -> bytes:
        """The bytes of an entry beside the pickle, or the pickle's own."""
        try:
            info = self._archive.getinfo(self._folder + name)
        except KeyError:
            raise NotTensors(f"no {name}") from None
        # What torch.save writes is stored as it is: a compressed entry could claim any size.
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise NotTensors(f"{name} compressed, which torch.save never does")
        if info.file_size > most:
            raise NotTensors(f"{name} of {info.file_size:,} bytes; expected at most {most:,}")
        self._left -= info.file_size
        if self._left < 0:
            raise NotTensors("entries that together claim more bytes than the file has")
        return self._archive.read(info)

    def storage(self, name: str, kind: Kind, count: int) -> Storage:
        """A storage, the same one for all tensors that share it."""
        if name not in self._storages:
            content = self.entry(f"data/{name}", TOO_MANY)
            self._storages[name] = Storage(kind, count, _values(content, kind, count, self.order))
        return _same(self._storages[name], kind, count)


def read_zip(path: Path) -> Tensors:
    """The tensors of a file in the zip format. Raises NotTensors."""
    with zipfile.ZipFile(path) as archive:
        inside = _Archive(path, archive)
        return named(Reader(io.BytesIO(inside.entry("data.pkl", MOST_PICKLED)), inside.storage).load())


def read_legacy(path: Path) -> Tensors:
    """The tensors of a file in the format before the zip. Raises NotTensors."""
    size, found = path.stat().st_size, dict[str, Storage]()

    def storage(name: str, kind: Kind, count: int) -> Storage:
        return _same(found.setdefault(name, Storage(kind, count)), kind, count)

    with path.open("rb") as stream:
        magic, protocol, _ = (Reader(stream, storage).load() for _ in range(3))
        if (magic, protocol) != (MAGIC, PROTOCOL):
            raise NotTensors("a pickle that is none of torch.save")
        content, keys = (Reader(stream, storage).load() for _ in range(2))
        for key in keys if type(keys) is list else ():
            if type(key) is not str or key not in found:
                raise NotTensors("a storage that no tensor has")
            one = found[key]
            # Whatever machine wrote it, this format is little-endian.
            count, length = int.from_bytes(stream.read(8), "little", signed=True), np.dtype(one.kind.dtype).itemsize
            if count * length > size - stream.tell():
                raise NotTensors(f"a storage that claims {count:,} values in a file of {size:,} bytes")
            if count != one.count or one.values is not None:
                raise NotTensors(f"a storage of {count:,} values where the tensors claim {one.count:,}")
            one.values = _values(stream.read(count * length), one.kind, count, b"little")
    return named(content)


def _same(storage: Storage, kind: Kind, count: int) -> Storage:
    if (storage.kind, storage.count) != (kind, count):
        raise NotTensors("a storage that two tensors describe differently")
    return storage


def _values(content: bytes, kind: Kind, count: int, order: bytes) -> NDArray[Any]:
    dtype = np.dtype(kind.dtype)
    if len(content) != count * dtype.itemsize:
        raise NotTensors(f"a storage of {len(content):,} bytes that claims {count:,} values of {dtype}")
    values = np.frombuffer(content, dtype)
    return values.byteswap() if order == b"big" else values
