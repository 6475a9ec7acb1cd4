"""Pickles of tensors, read without PyTorch and without running anything.

A pickle is a program that may name any function and call it. This reader has the few instructions that PyTorch writes,
and the few names: tensors, their storages and dictionaries. Any other name is refused before it is looked up.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, ClassVar

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

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
# The numbers lie beside the pickle: names and shapes of a thousand layers are some hundred thousand bytes.
MOST_PICKLED = 2 * 2**20
# No name that is asked for has more letters.
MOST_NAMED = 1024
# The most arguments of anything that is built, and the most axes that NumPy's arrays have.
MOST_ARGUMENTS, MOST_AXES = 16, 64
# More values than any file has.
TOO_MANY = 2**48
# Dictionaries in dictionaries that are looked into: {"state_dict": {...}}.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
DEEPEST = 4


class NotTensors(Exception):
    """What a file holds that is not a dictionary of tensors, in words."""


@dataclass(frozen=True)
class Kind:
    """The type of a storage, as the pickle names it."""

    dtype: Any


@dataclass
class Storage:
    """A run of values; the legacy format brings them after the pickle that refers to it."""

    kind: Kind
    count: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True)
class Tensor:
    """A view of a storage: where it begins, and its shape and strides in values."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """The values where they are, not to be written to. Raises NotTensors for a view that leaves its storage."""
        values, count = self.storage.values, prod(self.shape)
        if values is None:
            raise NotTensors("a tensor whose values are missing")
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        # A step of 0 could repeat one value for ever.
        if count and (last >= len(values) or count > len(values)):
            raise NotTensors(f"a tensor that needs {max(last + 1, count):,} values of a storage of {len(values):,}")
        steps = tuple(step * values.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps, writeable=False)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    axes = type(shape) is type(strides) is tuple and len(shape) == len(strides) <= MOST_AXES
    if not isinstance(storage, Storage) or not axes:
        raise NotTensors("a tensor that is none")
    if any(type(number) is not int or not 0 <= number < TOO_MANY for number in (offset, *shape, *strides)):
        raise NotTensors("a tensor whose offset, shape or strides are impossible")
    if prod(shape) >= TOO_MANY:
        raise NotTensors("a tensor of an impossible size")
    return Tensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _size(axes: Any = ()) -> Any:
    return axes


def _dictionary(pairs: Any = None) -> dict[Any, Any]:
    """What Python 2 makes of a list of pairs, Python 3 fills after."""
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise NotTensors("a dictionary that is none")
    made = {_key(key): value for key, value in pairs}
    # A list that is used again and again would make as many copies.
    pairs.clear()
    return made


def _key(key: Any) -> Any:
    # Tuples inside each other a million deep cannot be hashed: the interpreter's stack ends before.
    if type(key) not in (str, int, float, bool, type(None)):
        raise NotTensors("a dictionary whose keys are no names")
    return key


KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _dictionary,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch.nn.parameter", "Parameter"): _parameter,
    ("torch", "Size"): _size,
    **{("torch", name): Kind(dtype) for name, dtype in STORAGES.items()},
}
_CALLED = (_dictionary, _tensor, _parameter, _size)

_INSTRUCTIONS = (
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
    *("EMPTY_LIST", "APPEND", "APPENDS", "LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("EMPTY_DICT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "BINPERSID"),
)


def _code(instruction: str) -> int:
    return int(getattr(pickle, instruction)[0])


class _Instructions(dict[int, Callable[[Any], None]]):
    """What each instruction does; those that are not here are refused by their names."""

    def __missing__(self, code: int) -> Callable[[Any], None]:
        named = [name for name in pickle.__all__ if name.isupper() and getattr(pickle, name) == bytes([code])]
        raise NotTensors(
            f"a pickle with {' '.join(named) or f'byte {code}'}, which no tensor needs; nothing of it was run"
        )


class _Limited:
    """A stream of which no more is read, or asked for, than a pickle may have."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._left = stream, most

    def _taken(self, data: bytes, wanted: int) -> bytes:
        self._left -= len(data)
        if wanted > len(data) and not self._left:
            raise NotTensors(f"a pickle of more than {MOST_PICKLED:,} bytes, too many for names and shapes")
        return data

    def read(self, count: int) -> bytes:
        """Up to `count` bytes."""
        return self._taken(self._stream.read(min(count, self._left)), count)

    def readline(self) -> bytes:
        """A line of no more than a name's length."""
        return self._taken(self._stream.readline(min(MOST_NAMED, self._left)), 0)


# The unpickler that is written in C makes room for as many memos as a few bytes can claim.
class Reader(pickle._Unpickler):
    """Builds tensors from one pickle of a stream, and nothing that KNOWN does not have.

    `storage` is asked for a storage by name, kind and number of values.
    """

    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = _Instructions(
        {_code(name): pickle._Unpickler.dispatch[_code(name)] for name in _INSTRUCTIONS}
    )

    def __init__(self, stream: BinaryIO, storage: Callable[[str, Kind, int], Storage]) -> None:
        super().__init__(_Limited(stream, MOST_PICKLED), fix_imports=False, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        if (module, name) not in KNOWN:
            raise NotTensors(f"a pickle that asks for {module}.{name}, which is no tensor; nothing of it was run")
        return KNOWN[module, name]

    def persistent_load(self, key: Any) -> Storage:
        """The storage that a tensor refers to."""
        match key:
            # The last of six is of a storage within another, which nobody writes.
            case ("storage", Kind() as kind, str(name), _, int(count), *view) if 0 <= count < TOO_MANY and not any(
                view
            ):
                return self._storage(name, kind, count)
        raise NotTensors("a storage that is none")

    def _reduce(self) -> None:
        """Call one of ours, whatever the pickle has put there to be called."""
        arguments, called = self.stack.pop(), self.stack[-1]
        if not any(called is one for one in _CALLED) or type(arguments) is not tuple:
            raise NotTensors("a pickle that calls what is no function")
        if len(arguments) > MOST_ARGUMENTS:
            raise NotTensors(f"a pickle that calls a function with {len(arguments):,} arguments")
        self.stack[-1] = called(*arguments)

    def _build(self) -> None:
        """Leave out what is said about a dictionary or a tensor besides, such as PyTorch's `_metadata`."""
        self.stack.pop()
        if type(self.stack[-1]) not in (dict, Tensor):
            raise NotTensors("a pickle that changes what is no dictionary")

    def _set(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not dict or len(items) % 2:
            raise NotTensors("a dictionary that is none")
        self.stack[-1].update({_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)})

    def _setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _setitems(self) -> None:
        self._set(self.pop_mark())

    dispatch |= {
        _code("REDUCE"): _reduce,
        _code("BUILD"): _build,
        _code("SETITEM"): _setitem,
        _code("SETITEMS"): _setitems,
    }


def named(content: Any) -> Tensors:
    """The tensors of a dictionary by name; what else a checkpoint has beside them is left out. Raises NotTensors."""
    for _ in range(DEEPEST):
        if type(content) is not dict:
            raise NotTensors("no dictionary of tensors")
        inner = next((content[name] for name in WRAPPERS if type(content.get(name)) is dict), None)
        if inner is None:
            break
        content = inner
    tensors = {name: value.array() for name, value in content.items() if type(name) is str and type(value) is Tensor}
    # What DataParallel puts before every name.
    if all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): array for name, array in tensors.items()}
    return tensors
