"""The two forms of CIFAR-10 and CIFAR-100: Python batches (pickles, of which nothing is executed) and binary batches.

Source: the description by Krizhevsky on the page of the CIFAR datasets.
"""

import io
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnncli.data.facts import Facts
from cnncli.errors import DataError

_PIXELS = 3 * 32 * 32
# A bound on what an image takes in a pickled batch: 3,072 bytes of pixels (twice that where Python 3 wrote an old
# protocol), its label, the name of its file.
_PICKLED = 8192


@dataclass(frozen=True)
class Form:
    """How one batch is written: how many images, pickled ("python") or "binary", with fine labels or not."""

    count: int
    kind: str
    fine: bool

    @classmethod
    def of(cls, facts: Facts, kind: str, split: str, batches: int) -> "Form":
        """Return the form of each of a split's batches."""
        return cls(facts.count(split) // batches, kind, facts.name == "cifar100")

    @property
    def limit(self) -> int:
        """The most bytes that such a batch can have."""
        return self.count * (_PICKLED if self.kind == "python" else _PIXELS + 1 + self.fine)

    def parse(self, data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
        """Return images (count, 32, 32, 3) uint8, a view, and integer labels (count,) of a batch.

        Raises DataError, starting with `where`, for damaged bytes and for another number of images.
        """
        if self.kind == "python":
            return _python_batch(data, self.count, "fine_labels" if self.fine else "labels", where)
        return _binary_batch(data, self.count, 1 + self.fine, where)


class _Array:
    """Stands for a NumPy array in a pickle, and for the function and the class that would build one.

    Keeping the state instead of handing it to NumPy means that no byte of the file reaches code that trusts it.
    """

    shape: Any = None
    type: Any = None
    fortran: Any = None
    raw: Any = None

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.type, self.fortran, self.raw = state


class _Type:
    """Stands for a NumPy dtype: its code, such as "u1"."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None: ...


class _Latin1:
    """Stands for `_codecs.encode`, by which Python 3 writes bytes into old pickles."""

    def __new__(cls, text: Any, *_: Any) -> Any:
        return text.encode("latin1")

    def __setstate__(self, state: Any) -> None: ...


_KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _Latin1,
}


# The unpickler written in Python, since the one in C allocates what a damaged length or index asks for.
class _Unpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise DataError(f"refused to load '{module}.{name}': only NumPy arrays are expected")
        return _KNOWN[module, name]


def unpickle(data: bytes, where: str) -> Any:
    """Return the plain values in a pickle, arrays as opaque stand-ins; nothing that the pickle names is executed.

    Raises DataError, starting with `where`, for damaged pickles and for any global that arrays do not need.
    """
    try:
        return _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:  # a damaged pickle can raise anything
        raise DataError(f"{where}: expected a pickled batch, found damaged bytes ({type(error).__name__})") from error


def _python_batch(data: bytes, count: int, label: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    batch = unpickle(data, where)
    if not isinstance(batch, dict):
        raise DataError(f"{where}: expected a pickled dictionary, found {type(batch).__name__}")
    values = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in batch.items()}
    array, labels = values.get("data"), values.get(label)
    if not isinstance(array, _Array) or not isinstance(labels, list):
        raise DataError(f"{where}: expected 'data' and '{label}', found {', '.join(sorted(map(str, values)))}")
    code = array.type.code if isinstance(array.type, _Type) else None
    if array.shape != (count, _PIXELS) or code not in ("u1", b"u1") or array.fortran:
        raise DataError(f"{where}: expected data of {count}x{_PIXELS} bytes, found shape {array.shape} of {code!r}")
    if not isinstance(array.raw, bytes) or len(array.raw) != count * _PIXELS:
        raise DataError(f"{where}: expected {count * _PIXELS:,} bytes of pixels, found another length")
    if len(labels) != count or not all(type(value) is int and 0 <= value < 256 for value in labels):
        raise DataError(
            f"{where}: expected {count:,} labels, found {len(labels):,}, or some that are no small integers"
        )
    return _pictures(np.frombuffer(array.raw, np.uint8)), np.array(labels, np.int64)


def _binary_batch(data: bytes, count: int, labels: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    # Each record starts with its labels; CIFAR-100's are the coarse one and the fine one.
    record = labels + _PIXELS
    if len(data) != count * record:
        raise DataError(f"{where}: expected {count * record:,} bytes ({count:,} images), found {len(data):,}")
    records = np.frombuffer(data, np.uint8).reshape(count, record)
    return _pictures(records[:, labels:]), records[:, labels - 1]


def _pictures(pixels: np.ndarray) -> np.ndarray:
    # The files hold a red, a green and a blue plane; the house holds (height, width, channel).
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
