"""The IDX format of MNIST and its relatives, raw or gzipped: magic number, dimensions, bytes, and nothing after them.

Source: the format's description by LeCun, on the page of the MNIST database.
"""

import gzip
import math
import struct
from pathlib import Path

import numpy as np

from cnncli.data import files
from cnncli.errors import DataError

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08


def read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of exactly this shape, uint8 and read-only, that the file holds.

    No more is allocated than the shape needs. Raises DataError, saying what was expected and found, for a file that is
    missing, cut short, too long, damaged, of another type or of another shape.
    """
    try:
        with path.open("rb") as stream:
            gzipped = stream.read(2) == _GZIP
            stream.seek(0)
            if not gzipped:
                return _read(stream, path, shape)
            with gzip.open(stream) as unpacked:
                return _read(unpacked, path, shape)
    except files.DAMAGED as error:
        raise files.unreadable(path, error) from error


def _read(stream: files.Readable, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    header = stream.read(4 + 4 * len(shape))
    magic = _UNSIGNED_BYTES << 8 | len(shape)
    if len(header) < 4 or int.from_bytes(header[:4], "big") != magic:
        raise DataError(
            f"{path}: expected an IDX file that starts with {magic:08x}, found {header[:4].hex() or 'no byte'}"
        )
    if len(header) < 4 + 4 * len(shape):
        raise DataError(f"{path}: expected a header of {4 + 4 * len(shape)} bytes, found {len(header)}")
    found = struct.unpack(f">{len(shape)}I", header[4:])
    if found != shape:
        raise DataError(f"{path}: expected {_words(shape)}, found {_words(found)}")
    expected = math.prod(shape)
    # One byte more than expected tells trailing bytes apart, and makes gzip verify its own checksum at the end.
    data = stream.read(expected + 1)
    if len(data) != expected:
        amount = f"{len(data):,}" if len(data) < expected else "more"
        raise DataError(f"{path}: expected {expected:,} bytes after the header, found {amount}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _words(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"{shape[0]:,} labels"
    return f"{shape[0]:,} images of {'x'.join(map(str, shape[1:]))}"
