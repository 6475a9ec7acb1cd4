import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.data.framing import INTERPOLATIONS
from cnncli.data.inputs import FITS
from cnncli.evaluation.losses import LOSSES
from cnncli.training.recipe import PRECISIONS
from cnncli.weights import exported, files, writing
from cnncli.weights.preprocessing import MOST_SIDE, told
from tests.weights import made

TENSORS = {"a/kernel": np.ones((2, 3), np.float32)}
ABOUT = {"network": "lenet5", "classes": json.dumps(["é", "b"])}


def test_settings_are_those_that_there_are():
    assert {"fit": FITS, "loss": tuple(LOSSES), "precision": PRECISIONS} == exported.SETTINGS


@pytest.mark.parametrize("format", ["safetensors", "torch-names", "npz"])
def test_what_is_written_is_read_again(tmp_path, format):
    writing.write(tmp_path / "a", format, TENSORS, ABOUT)
    found = files.about(tmp_path / "a")
    assert {key: found[key] for key in ABOUT} == ABOUT
    assert exported.network(found) == "lenet5" and exported.classes(found, 2) == ("é", "b")


def test_files_of_others_say_nothing(tmp_path):
    for path in (
        made.pth(tmp_path / "a.pth", TENSORS),
        made.hdf5(tmp_path / "a.h5", TENSORS),
        tmp_path,
        tmp_path / "b",
    ):
        assert files.about(path) == {}
    for name, write in (("a.npz", made.npz), ("a.safetensors", made.safetensors)):
        assert files.about(write(tmp_path / name, TENSORS)) == {}


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "entries",
    [
        [npy(np.array("no JSON"))],
        [npy(np.array("[" * 100_000))],
        [npy(np.array('{"network": 3}'))],
        [npy(np.array(["{}", "{}"]))],
        [npy(np.array(3.0))],
        [npy(np.array(b"{}"))],
        [npy(np.array({"network": "lenet5"}, object))],
        [npy(np.array(json.dumps({"network": "lenet5"})))] * 2,
        [npy(np.array(json.dumps({"network": "l" * (files.MOST_SAID + 1)})))],
        [npy(np.array("{}")).replace(b"<U2", b"<U9")],
        [b"\x93NUMPY"],
        [b""],
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_npz_that_says_what_cannot_be(tmp_path, entries):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", npy(np.ones(2)))
        for content in entries:
            archive.writestr("__metadata__.npy", content)
    assert files.about(tmp_path / "a.npz") == {}


def test_a_safetensors_that_says_too_much(tmp_path):
    writing.write(tmp_path / "a", "safetensors", TENSORS, {"network": "l" * (files.MOST_SAID + 1)})
    assert files.about(tmp_path / "a") == {}


def test_an_entry_beside_an_array_is_not_taken_for_it(tmp_path):
    """NumPy would take `a` for the array of `a.npy`, of which its header was checked."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", npy(np.ones(2)))
        archive.writestr("a", npy(np.zeros(3)))
    assert files.read(tmp_path / "a.npz")["a"].tolist() == [1, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("resize", "crop", "interpolation", "mean", "deviation")
NEAR = st.fixed_dictionaries(
    dict(
        zip(
            KEYS,
            (
                st.integers(-2, 12_000) | JSON,
                st.integers(-2, 12_000) | JSON,
                st.sampled_from([*INTERPOLATIONS, "cubic"]) | JSON,
                st.lists(st.floats(), min_size=1, max_size=3) | JSON,
                st.lists(st.floats(), min_size=1, max_size=3) | JSON,
            ),
            strict=True,
        )
    )
)


@given(NEAR | JSON, st.sampled_from([1, 3]))
def test_whatever_json_says_only_what_can_be_is_taken(value, channels):
    found = told(json.dumps(value), channels)
    if found is None:
        return
    assert 0 <= found.resize <= MOST_SIDE and 1 <= found.crop <= MOST_SIDE and found.interpolation in INTERPOLATIONS
    assert len(found.mean) == len(found.deviation) == channels
    assert np.isfinite(found.mean).all() and min(found.deviation) > 0
    with np.errstate(over="raise"):
        assert np.isfinite(np.float32(1 / (255 * np.array(found.deviation)))).all()


@given(JSON)
def test_whatever_a_file_says_costs_no_error(value):
    about = dict.fromkeys(("network", "input", "images", "classes", "recipe", "preprocessing"), json.dumps(value))
    assert exported.network(about) == "" and exported.settings(about) == {}
    shape = exported.input(about)
    assert shape is None or all(1 <= side <= MOST_SIDE for side in shape)
    assert exported.images(about, 1) is None and not exported.is_mean_image(about)
    names = exported.classes(about, 2)
    assert names is None or (len(set(names)) == 2 and all(name.isprintable() for name in names))


@given(st.floats(-10, 10, width=32), st.floats(2**-13, 10, width=32), st.sampled_from([(1,), (3,)]))
def test_a_scale_comes_back_to_the_last_bit(mean, deviation, channels):
    scale = {
        "shift": np.full(channels, 255 * mean, np.float32),
        "factor": np.full(channels, 1 / (255 * deviation), np.float32),
    }
    how = told(json.dumps(writing.preprocessing(scale, 32, 0, "bilinear").to_table()), 3)
    assert (np.float32(255 * np.array(how.mean)) == scale["shift"]).all()
    assert (np.float32(1 / (255 * np.array(how.deviation))) == scale["factor"]).all()
