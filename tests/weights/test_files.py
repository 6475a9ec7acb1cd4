import pickle
import sys

import h5py
import ml_dtypes
import numpy as np
import pytest

from cnncli.errors import DataError, UsageError
from cnncli.weights.files import read
from tests.weights import made

RNG = np.random.default_rng(6)
KINDS = ("float64", "float32", "float16", "int64", "int32", "uint8", "bool")
TENSORS = {
    **{kind: (RNG.normal(size=(2, 3)) * 3).astype(kind) for kind in KINDS},
    "bfloat16": RNG.normal(size=(2, 3)).astype(ml_dtypes.bfloat16),
    "kernel": RNG.normal(size=(4, 3, 5, 5)).astype(np.float32),
    "nothing": np.zeros((0, 3), np.float32),
    "number": np.array(7, np.int64),
}
PLAIN = {name: array for name, array in TENSORS.items() if name != "bfloat16"}


def same(found, wanted):
    """Names, shapes, types and values are equal."""
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def refused(path, *words):
    """The file is refused in one line that has these words and its path."""
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_safetensors(tmp_path):
    found = read(made.safetensors(tmp_path / "a.safetensors", TENSORS))
    same({name: found[name] for name in TENSORS}, TENSORS)


@pytest.mark.parametrize("order", ["little", "big"])
def test_the_zip_format_of_torch(tmp_path, order):
    same(read(made.torch_zip(tmp_path / "a.pth", made.state_dict(TENSORS), order)), TENSORS)


def test_the_legacy_format_of_torch(tmp_path):
    same(read(made.torch_legacy(tmp_path / "a.pth", made.state_dict(TENSORS))), TENSORS)


def test_npz(tmp_path):
    wanted = {"conv1/kernel": TENSORS["kernel"], **PLAIN, "columns": np.asfortranarray(TENSORS["float32"])}
    same(read(made.npz(tmp_path / "a.npz", wanted)), wanted)
    np.savez_compressed(tmp_path / "packed.npz", **wanted, note=np.array("text is left out"))
    same(read(tmp_path / "packed.npz"), wanted)


@pytest.mark.parametrize(
    ("layout", "kernel", "variance"),
    [
        ("model", "model_weights/conv2d/conv2d/kernel:0", "model_weights/batch_1/batch_1/moving_variance:0"),
        ("weights", "conv2d/conv2d/kernel:0", "batch_1/batch_1/moving_variance:0"),
        ("3", "layers/conv2d/vars/0", "layers/batch_1/vars/3"),
    ],
)
def test_hdf5_of_keras(tmp_path, layout, kernel, variance):
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    norm = {part: RNG.normal(size=5).astype(np.float32) for part in parts}
    conv = {"kernel": RNG.normal(size=(3, 3, 1, 5)).astype(np.float32), "bias": np.zeros(5, np.float32)}
    wanted = made.keras({"conv2d": conv, "batch_1": norm}, layout)
    found = read(made.hdf5(tmp_path / "a.h5", wanted))
    same({name: found[name] for name in wanted}, wanted)
    assert len(found) == 6
    assert found[kernel].shape == (3, 3, 1, 5) and np.array_equal(found[variance], norm["moving_variance"])


def test_hdf5_of_other_machines_and_what_is_no_array_of_numbers(tmp_path):
    wanted = np.arange(6, dtype=">f4").reshape(2, 3)
    with h5py.File(made.hdf5(tmp_path / "a.h5", {"dense/kernel:0": wanted}), "a") as file:
        file["config"] = "text"
        file["none"] = h5py.Empty("f4")
        file["pieces"] = file.create_dataset("in pieces", data=np.ones((4, 4), "f4"), chunks=(2, 2))
    found = read(tmp_path / "a.h5")
    assert set(found) == {"dense/kernel:0", "in pieces", "pieces"}
    assert found["dense/kernel:0"].dtype == np.dtype("<f4") and np.array_equal(found["dense/kernel:0"], wanted)


def test_hdf5_needs_an_extra(tmp_path, monkeypatch):
    path = made.hdf5(tmp_path / "a.h5", PLAIN)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"a\.h5 is of Keras; to read it: pip install 'cnncli\[keras\]'"):
        read(path)


@pytest.mark.parametrize("write", [made.torch_zip, made.torch_legacy])
def test_views_of_one_storage(tmp_path, write):
    stored = np.arange(24, dtype=np.float32)
    content = made.Pickle(storages={"0": stored})
    content.content = {
        "whole": content.view("0", stored, 0, (4, 6), (6, 1)),
        "tied": content.view("0", stored, 0, (4, 6), (6, 1)),
        "transposed": content.view("0", stored, 0, (6, 4), (1, 6)),
        "slice": content.view("0", stored, 3, (2, 3), (12, 2)),
        "last": content.view("0", stored, 23, (), ()),
        "none": content.view("0", stored, 24, (0,), (1,)),
    }
    found = read(write(tmp_path / "a.pth", content))
    rows = stored.reshape(4, 6)
    wanted = {"whole": rows, "tied": rows, "transposed": rows.T, "slice": rows[::2, 3:][:, ::2]}
    wanted["slice"] = np.array([[3, 5, 7], [15, 17, 19]], np.float32)
    same(found, {**wanted, "last": np.array(23, np.float32), "none": np.zeros(0, np.float32)})
    assert np.shares_memory(found["whole"], found["transposed"]) and not found["whole"].flags.writeable


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_wrapped_and_prefixed_state_dicts(tmp_path, wrapper):
    content = made.Pickle()
    inner = {f"module.{name}": content.tensor(array) for name, array in TENSORS.items()}
    others = {"epoch": 3, "rate": 0.1, "best": None, "betas": (0.9, 0.99), "log": ["a", True], "large": 2**70}
    optimizer = {"state": {0: {"step": content.tensor(np.array(1.0))}}, "param_groups": [{"params": [0, 1]}]}
    content.content = {**others, wrapper: inner, "optimizer": optimizer}
    same(read(made.torch_zip(tmp_path / "a.pth", content)), TENSORS)


def test_a_prefix_that_not_all_have_is_a_name(tmp_path):
    wanted = {"module.a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}
    same(read(made.pth(tmp_path / "a.pth", wanted)), wanted)


def test_parameters_and_dictionaries_of_old_versions(tmp_path):
    array = np.arange(3, dtype=np.float32)
    content = made.Pickle()
    tensor = content.tensor(array)
    plain = made.Call(made.Global("torch._utils", "_rebuild_tensor"), content.tensor(array, "0").arguments[:4])
    old = made.Call(made.Global("torch.nn.parameter", "Parameter"), (plain, True), (True, False, None))
    new = made.Call(made.Global("torch._utils", "_rebuild_parameter"), (tensor, True, {}))
    content.content = made.Call(made.Global("collections", "OrderedDict"), ([["old", old], ["new", new]],))
    same(read(made.torch_legacy(tmp_path / "a.pth", content)), {"old": array, "new": array})


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_that_torch_save_takes(tmp_path, protocol):
    """Python's own pickler, with its frames and memos; there are no tensors in what it makes."""
    text = pickle.dumps({"lr": 0.1, "names": ["é", "é" * 300], "steps": (1, 300, 70_000, -5), "none": None}, protocol)
    content = made.Pickle(made.Raw(text.removeprefix(bytes([0x80, protocol])).removesuffix(b".")))
    refused(made.torch_zip(tmp_path / "a.pth", content), "it holds no tensors")


def test_what_is_taken_for_weights(tmp_path):
    known = {
        "empty.pth": (b"", "is empty"),
        "text.pth": (b"just a text, and nothing else in it", "no weights that can be read"),
        "page.pth": (b"<!DOCTYPE html><html>404", "a web page"),
        "pointer.safetensors": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        "packed.gz": (b"\x1f\x8b\x08\x00", "compressed by gzip"),
    }
    for name, (content, words) in known.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, words, "expected safetensors, .pth or .pt of PyTorch, .npz, or .h5 of Keras")


@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_pytorch_itself(tmp_path, legacy):
    torch = pytest.importorskip("torch", reason="PyTorch is not here to write files of its own")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten())
    tensors = net.state_dict() | {"tied": net[0].weight, "half": torch.ones(3).half(), "none": torch.empty(0, 2)}
    tensors |= {"transposed": torch.arange(6.0).reshape(2, 3).t(), "bfloat16": torch.ones(2).bfloat16()}
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    found = read(tmp_path / "a.pth")
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert np.array_equal(found[name].astype(np.float64), tensor.detach().double().numpy()), name
