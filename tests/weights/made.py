"""Files of weights as other programs write them, made without those programs, instruction by instruction."""

import pickle
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from safetensors.numpy import save_file

STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclass(frozen=True)
class Global:
    """A name that a pickle asks for."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What a pickle calls, and with what; `state` is what it then builds with."""

    what: Any
    arguments: Any
    state: Any = None


@dataclass(frozen=True)
class Persistent:
    """What lies beside the pickle."""

    key: tuple[Any, ...]


@dataclass(frozen=True)
class Raw:
    """Instructions as they are."""

    code: bytes


def pickled(value: Any) -> bytes:
    """A pickle of protocol 2."""
    return b"\x80\x02" + code(value) + b"."


def code(value: Any) -> bytes:
    """The instructions that put a value on the stack."""
    match value:
        case Raw():
            return value.code
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            length = (value.bit_length() + 8) // 8
            is_short = -(2**31) <= value < 2**31
            return b"J" + struct.pack("<i", value) if is_short else b"\x8a" + bytes([length]) + _long(value, length)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(code, value)) + b"t"
        case list():
            return b"](" + b"".join(map(code, value)) + b"e"
        case dict():
            return b"}(" + b"".join(code(part) for item in value.items() for part in item) + b"u"
        case Global():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            state = b"" if value.state is None else code(value.state) + b"b"
            return code(value.what) + code(value.arguments) + b"R" + state
        case Persistent():
            return code(value.key) + b"Q"
    raise AssertionError(f"no instructions for {value!r}")


def _long(value: int, length: int) -> bytes:
    return value.to_bytes(length, "little", signed=True)


@dataclass
class Pickle:
    """A state dict's pickle, and the storages that lie beside it by their keys."""

    content: Any = None
    storages: dict[str, np.ndarray] = field(default_factory=dict)

    def tensor(self, array: np.ndarray, key: str | None = None, offset: int = 0, strides: Any = None) -> Call:
        """A tensor in a storage of its own, or in the one of a key that is there."""
        array = np.asarray(array)
        key = str(len(self.storages)) if key is None else key
        stored = self.storages.setdefault(key, np.ravel(array))
        steps = tuple(step // array.itemsize for step in np.ascontiguousarray(array).strides[: array.ndim])
        return self.view(key, stored, offset, array.shape, steps if strides is None else strides)

    def view(self, key: str, stored: np.ndarray, offset: Any, shape: Any, strides: Any, count: Any = None) -> Call:
        """A tensor that says of itself what the arguments say."""
        kind = Global("torch", STORAGES[stored.dtype.name])
        storage = ("storage", kind, key, "cpu", stored.size if count is None else count)
        rest = (False, Call(Global("collections", "OrderedDict"), ()))
        return Call(Global("torch._utils", "_rebuild_tensor_v2"), (Persistent(storage), offset, shape, strides, *rest))


def state_dict(tensors: dict[str, np.ndarray]) -> Pickle:
    """What torch.save has of a module's state_dict(): an OrderedDict with `_metadata`."""
    made = Pickle()
    items = {name: made.tensor(array) for name, array in tensors.items()}
    empty = Call(Global("collections", "OrderedDict"), ())
    filled = Raw(code(empty) + code(items)[1:])
    made.content = Raw(filled.code + code({"_metadata": empty}) + b"b")
    return made


def torch_zip(path: Path, made: Pickle, order: str = "little") -> Path:
    """The format of PyTorch 1.6 and later."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(made.content))
        archive.writestr("archive/byteorder", order)
        for key, values in made.storages.items():
            values = values.byteswap() if order == "big" else values
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


def torch_legacy(path: Path, made: Pickle) -> Path:
    """The format before."""
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = sorted(made.storages)
    head = b"".join(map(pickled, (MAGIC, PROTOCOL, system, made.content, keys)))
    runs = (struct.pack("<q", made.storages[key].size) + made.storages[key].tobytes() for key in keys)
    path.write_bytes(head + b"".join(runs))
    return path


def pth(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """A state dict in the format of today."""
    return torch_zip(path, state_dict(tensors))


def safetensors(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """A file of safetensors."""
    save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, path)
    return path


def npz(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """A file of NumPy; names may have slashes."""
    np.savez(path, **tensors)
    return path


def hdf5(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """A file of HDF5, a group for each slash."""
    with h5py.File(path, "w") as file:
        for name, array in tensors.items():
            file[name] = array
    return path


def keras(layers: dict[str, dict[str, np.ndarray]], layout: str) -> dict[str, np.ndarray]:
    """Names of Keras's layouts: `model` (save of Keras 2), `weights` (its save_weights), or `3` (that of Keras 3)."""
    names = {"model": "model_weights/{0}/{0}/{1}:0", "weights": "{0}/{0}/{1}:0", "3": "layers/{0}/vars/{2}"}
    return {
        names[layout].format(layer, part, at): array
        for layer, parts in layers.items()
        for at, (part, array) in enumerate(parts.items())
    }


def header(content: str, data: bytes = b"", length: int | None = None) -> bytes:
    """A file of safetensors with any header, which may lie about its length."""
    text = content.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def unpickles(data: bytes) -> Any:
    """What Python itself makes of a pickle: the proof that one of those made here does what it is made for."""
    return pickle.loads(data)
