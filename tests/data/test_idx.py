import gzip
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnncli.data import idx
from cnncli.errors import DataError

from . import made

some_arrays = arrays(np.uint8, st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple))


def read_bytes(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some-idx"
        path.write_bytes(data)
        return idx.read(path, shape)


@given(some_arrays, st.booleans())
def test_what_is_written_is_read(array, gzipped):
    data = made.idx(array)
    assert np.array_equal(read_bytes(gzip.compress(data) if gzipped else data, array.shape), array)


@given(some_arrays, st.booleans(), st.data())
def test_a_file_cut_short_is_a_data_error(array, gzipped, data):
    whole = gzip.compress(made.idx(array)) if gzipped else made.idx(array)
    kept = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DataError):
        read_bytes(whole[:kept], array.shape)


@given(some_arrays, st.binary(min_size=1, max_size=8), st.booleans())
def test_trailing_bytes_are_a_data_error(array, tail, gzipped):
    data = made.idx(array) + tail
    with pytest.raises(DataError, match="found more"):
        read_bytes(gzip.compress(data) if gzipped else data, array.shape)


@given(st.binary(max_size=64))
def test_garbage_is_a_data_error(data):
    with pytest.raises(DataError):
        read_bytes(data, (3, 28, 28))
    with pytest.raises(DataError):
        read_bytes(b"\x1f\x8b" + data, (3, 28, 28))


def test_errors_say_what_was_expected_and_found(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    cases = {
        made.idx(np.zeros(5)): r"starts with 00000803, found 00000801",
        made.idx(np.zeros((4, 28, 28))): r"expected 5 images of 28x28, found 4 images of 28x28",
        made.idx(np.zeros((5, 28, 28)))[:-10]: r"expected 3,920 bytes after the header, found 3,910",
        made.idx(np.zeros((5, 28, 28)))[:7]: r"header of 16 bytes, found 7",
        b"": r"starts with 00000803, found no byte",
    }
    for data, words in cases.items():
        path.write_bytes(data)
        with pytest.raises(DataError, match=words) as caught:
            idx.read(path, (5, 28, 28))
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        idx.read(tmp_path / "nowhere", (1,))


def test_a_header_that_promises_terabytes_allocates_nothing(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(made.idx(np.zeros((1, 1, 1)))[:4] + b"\xff" * 12))
    with pytest.raises(DataError, match="expected 2 images of 28x28, found 4,294,967,295 images"):
        idx.read(path, (2, 28, 28))
    path.write_bytes(gzip.compress(made.idx(np.zeros((2, 28, 28))) + bytes(50_000_000)))
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=f"expected {math.prod((2, 28, 28)):,} bytes after the header, found more"):
        idx.read(path, (2, 28, 28))
