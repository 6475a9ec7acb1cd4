"""PyTorch's files of tensors, in the zip format and the one before it, without PyTorch and without running anything.

A pickle names what it wants built. This reader knows tensors, their storages and dictionaries, and refuses any other
name before it is looked up.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from cnncli.errors import DataError

Tensors = dict[str, NDArray[Any]]

# Storages by the name that a pickle gives them.
STORAGES: dict[str, Any] = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# No pickle of names and shapes is larger; the numbers lie beside it.
MOST_PICKLED = 64 * 2**20
# Dictionaries in dictionaries that are looked into: {"state_dict": {...}}.
WRAPPERS = ("state_dict", "model_state_dict", "model")


class NotTensors(Exception):
    """What a file holds that is not a dictionary of tensors, in words."""


@dataclass(frozen=True)
class _Kind:
    """The type of a storage, as the pickle names it."""

    dtype: Any


@dataclass
class _Storage:
    """A run of values, which the legacy format brings after the pickle that refers to it."""

    dtype: Any
    count: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage: where it begins, and its shape and strides in values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """The values, as a copy in rows."""
        values = self.storage.values
        if values is None:
            raise NotTensors("a tensor whose values are missing")
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        # Strides of 0 could claim any size.
        if prod(self.shape) and (last >= len(values) or prod(self.shape) > len(values)):
            raise NotTensors(f"a tensor of {prod(self.shape):,} values in a storage of {len(values):,}")
        strides = tuple(step * values.itemsize for step in self.strides)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)
        return np.array(view)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise NotTensors("a tensor that is none")
    if not all(type(number) is int and 0 <= number < 2**48 for number in numbers):
        raise NotTensors("a tensor of an impossible shape")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): _Kind(dtype) for name, dtype in STORAGES.items()},
}


# The one written in C makes room for as many memos as a few bytes can claim.
class _Reader(pickle._Unpickler):
    """Builds tensors, and nothing that KNOWN does not have."""

    def __init__(self, stream: BinaryIO, storage: Callable[[str, Any, int], _Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        if (module, name) not in KNOWN:
            raise NotTensors(f"a pickle that asks for {module}.{name}, which is no tensor and was not run")
        return KNOWN[module, name]

    def persistent_load(self, key: Any) -> _Storage:
        """The storage that a tensor refers to."""
        match key:
            case ("storage", _Kind(dtype=dtype), str(name), _, int(count), *_) if 0 <= count < 2**48:
                return self.storage(name, dtype, count)
        raise NotTensors("a storage that is none")


def read_zip(path: Path) -> Tensors:
    """The tensors of a file in the zip format (PyTorch 1.6 and later). Raises NotTensors."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise NotTensors("no data.pkl")
        folder = names[0].removesuffix("data.pkl")
        order = (
            _entry(archive, f"{folder}byteorder").decode() if f"{folder}byteorder" in archive.namelist() else "little"
        )

        def storage(name: str, dtype: Any, count: int) -> _Storage:
            values = _values(_entry(archive, f"{folder}data/{name}"), dtype, count, order)
            return _Storage(dtype, count, values)

        if archive.getinfo(names[0]).file_size > MOST_PICKLED:
            raise NotTensors("a pickle too large to hold names and shapes alone")
        return _named(_Reader(io.BytesIO(archive.read(names[0])), storage).load())


def read_legacy(path: Path) -> Tensors:
    """The tensors of a file in the format before the zip. Raises NotTensors."""
    size, found = path.stat().st_size, OrderedDict[str, _Storage]()

    def storage(name: str, dtype: Any, count: int) -> _Storage:
        return found.setdefault(name, _Storage(dtype, count))

    with path.open("rb") as stream:
        magic, protocol, _ = (_Reader(stream, storage).load() for _ in range(3))
        if (magic, protocol) != (LEGACY_MAGIC, LEGACY_PROTOCOL):
            raise NotTensors("no PyTorch file: its first number is another")
        content = _Reader(stream, storage).load()
        for key in _Reader(stream, storage).load():
            if key not in found:
                raise NotTensors("a storage that no tensor has")
            one = found[key]
            count, length = int.from_bytes(stream.read(8), "little", signed=True), np.dtype(one.dtype).itemsize
            if count < 0 or count * length > size - stream.tell():
                raise NotTensors(f"a storage that claims {count:,} values in a file of {size:,} bytes")
            one.values = _values(stream.read(count * length), one.dtype, count, "little")
    return _named(content)


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise NotTensors(f"no {name}") from None
    # What torch.save writes is stored as it is: a compressed entry could claim any size.
    if info.compress_type != zipfile.ZIP_STORED:
        raise NotTensors(f"{name} compressed, which PyTorch never does")
    return archive.read(info)


def _values(content: bytes, dtype: Any, count: int, order: str) -> NDArray[Any]:
    kind = np.dtype(dtype)
    if len(content) != count * kind.itemsize:
        raise NotTensors(f"a storage of {len(content):,} bytes that claims {count:,} values")
    values = np.frombuffer(content, kind)
    return values.byteswap() if order == "big" else values


def _named(content: Any) -> Tensors:
    """The tensors of a dictionary by name; what else a checkpoint has beside them is left out."""
    if not isinstance(content, Mapping):
        raise NotTensors(f"a {type(content).__name__.strip('_').lower()} instead of a dictionary of tensors")
    for wrapper in WRAPPERS:
        if isinstance(inner := content.get(wrapper), Mapping):
            return _named(inner)
    tensors = {str(name): value.array() for name, value in content.items() if isinstance(value, _Tensor)}
    if not tensors:
        raise NotTensors("a dictionary without tensors")
    return tensors


def refused(path: Path, read: Callable[[Path], Tensors]) -> Tensors:
    """Read a file, every way in which it can be wrong as one DataError."""
    try:
        return read(path)
    except NotTensors as error:
        raise DataError(f"{path}: it holds {error}") from None
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
        raise DataError(f"{path} is damaged: {str(error)[:80] or type(error).__name__}") from None
    except (AttributeError, ImportError, NotImplementedError, OverflowError, UnicodeError, MemoryError) as error:
        raise DataError(f"{path} is damaged: {str(error)[:80] or type(error).__name__}") from None
