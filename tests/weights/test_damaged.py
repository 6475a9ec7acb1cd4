"""Bits that flip and ends that are cut off, anywhere: a reader tells it or reads something, and nothing else."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.errors import DataError
from cnncli.weights.files import read
from tests.weights import made

TENSORS = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), "conv.bias": np.ones(2, np.float32)}
WRITERS = {
    "a.safetensors": made.safetensors,
    "a.pth": made.pth,
    "a.legacy": lambda path, tensors: made.torch_legacy(path, made.state_dict(tensors)),
    "a.npz": made.npz,
    "a.h5": made.hdf5,
}


@cache
def whole(name):
    """The bytes of a file that is right."""
    with TemporaryDirectory() as folder:
        return WRITERS[name](Path(folder) / name, TENSORS).read_bytes()


@st.composite
def damages(draw, name):
    """The file with a few other bytes, most where it says something rather than nothing, or with its end cut off."""
    content = bytearray(whole(name))
    telling = [at for at, byte in enumerate(content) if byte]
    places = st.one_of(st.sampled_from(telling), st.integers(0, len(content) - 1))
    for at in draw(st.lists(places, max_size=8)):
        content[at] = draw(st.one_of(st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255)))
    return bytes(content[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])


def same_but_for_values(found):
    """Whatever is read is arrays of numbers whose names can be shown."""
    assert found and all(name.isprintable() and array.dtype.kind in "fiubV" for name, array in found.items())
    assert sum(array.nbytes for array in found.values()) < 1_000_000


@pytest.mark.parametrize("name", WRITERS)
def test_the_files_are_right(name, tmp_path):
    (tmp_path / name).write_bytes(whole(name))
    found = read(tmp_path / name)
    assert {key: array.tolist() for key, array in found.items()} == {
        key: array.tolist() for key, array in TENSORS.items()
    }


def told(name, data, folder):
    """Read a damaged file: an error of one line, or arrays."""
    path = folder / name
    path.write_bytes(data.draw(damages(name)))
    try:
        found = read(path)
    except DataError as error:
        assert str(path) in str(error) and str(error).isprintable() and len(str(error)) < 500
    else:
        same_but_for_values(found)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "a.h5"])
@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_in_one_line(name, data, tmp_path):
    told(name, data, tmp_path)


@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_to_hdf5_is_told_in_one_line(data, tmp_path):
    """Few, since each is read in a process of its own."""
    told("a.h5", data, tmp_path)
