import errno
import json
import os
from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors import safe_open

from cnncli.errors import DataError, UsageError
from cnncli.models.arrays import flat
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.network import adapt
from cnncli.weights import writing
from cnncli.weights.files import read
from cnncli.weights.layout import nested, slots
from cnncli.weights.matching import matched
from tests.strategies import networks
from tests.weights import formula
from tests.weights.test_parity import EXPECTED


def filled(network):
    """Parameters and statistics by formula."""
    return nested({slot: formula.tensor(slot.key, slot.shape) for slot in slots(network)})


def leaves(tree):
    return {f"{path}/{name}": array for path, name, array in flat(tree)}


def same(found, params, stats):
    """Arrays are bit for bit those of the trees."""
    wanted = {**leaves(params), **leaves(stats)}
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("format", ["safetensors", "npz"])
@given(network=networks(1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again_bit_for_bit(format, network, tmp_path):
    params, stats = filled(network)
    if not params:
        return
    path = tmp_path / f"a{writing.FORMATS[format]}"
    writing.write(path, format, writing.arrays(network, params, stats), {"network": network.name})
    same(read(path), params, stats)
    again = matched(read(path), network)
    assert (again.missing, again.mismatched, again.leftover) == ((), (), ())
    same({slot.key: array for slot, array in again.arrays.items()}, params, stats)


@given(network=networks(2))
@settings(max_examples=25, deadline=None)
def test_every_array_of_the_model_is_exported(network):
    shapes = model(network).shapes()
    params, stats = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes)
    same(writing.arrays(network, params, stats), params, stats)


SMALL = {
    "resnet18": partial(find, "resnet18"),
    "resnet50": lambda: adapt(find("resnet50"), classes=7),
    "googlenet-torchvision": partial(find, "googlenet-torchvision"),
    "vgg11-bn": lambda: adapt(find("vgg11-bn"), (32, 32, 3), 10),
}


@pytest.mark.parametrize("name", SMALL)
def test_torch_names_are_imported_again_bit_for_bit(name, tmp_path):
    network = SMALL[name]()
    params, stats = filled(network)
    tensors = writing.torch_arrays(network, params, stats, 12)
    writing.write(tmp_path / "a.safetensors", "torch-names", tensors, {})
    again = matched(read(tmp_path / "a.safetensors"), network)
    assert (again.names, again.missing, again.mismatched, again.leftover) == ("torchvision", (), (), ())
    same({slot.key: array for slot, array in again.arrays.items()}, params, stats)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "googlenet-torchvision", "alexnet-torchvision"])
def test_torch_names_and_shapes_are_those_of_torchvision(name):
    """The fixture has a digest of what torchvision's own network has."""
    network = find(name)
    params, stats = nested({slot: np.broadcast_to(np.float32(0), slot.shape) for slot in slots(network)})
    found = writing.torch_arrays(network, params, stats, 12)
    assert formula.digest({key: array.shape for key, array in found.items()}) == EXPECTED[name]["names"]
    counters = {key: array for key, array in found.items() if key.endswith("num_batches_tracked")}
    assert all(array.dtype == np.int64 and array.shape == () and array == 12 for array in counters.values())
    assert len(counters) == sum(slot.part == "var" for slot in slots(network))


def test_the_first_dense_layer_is_flattened_map_by_map():
    network = adapt(find("vgg11"), (64, 64, 3), 2)
    (slot,) = [slot for slot in slots(network) if slot.key == "fc6/kernel"]
    params, stats = nested({slot: np.zeros(slot.shape, np.float32) for slot in slots(network)})
    # The weight of row 1, column 0 and map 5 of 2x2x512, to unit 3.
    params["fc6"]["kernel"][(1 * 2 + 0) * 512 + 5, 3] = 1
    weight = writing.torch_arrays(network, params, stats, 0)["classifier.0.weight"]
    assert weight.shape == (4096, 2048) and np.argwhere(weight).tolist() == [[3, 5 * 4 + 1 * 2 + 0]]
    assert slot.image == (2, 2, 512)


def test_torchvision_takes_them_strictly(tmp_path):
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not here to take the weights")
    from safetensors.torch import load_file

    network = find("resnet18")
    writing.write(tmp_path / "a.safetensors", "torch-names", writing.torch_arrays(network, *filled(network), 0), {})
    torchvision.models.resnet18().load_state_dict(load_file(tmp_path / "a.safetensors"), strict=True)


@pytest.mark.parametrize("name", ["mlp", "lenet5", "alexnet", "resnet50-v1", "resnet20"])
def test_networks_that_torchvision_does_not_have(name):
    network = find(name)
    with pytest.raises(UsageError, match=rf"torchvision has no name for \S+ of {name}: .*--format safetensors"):
        writing.torch_arrays(network, {}, {}, 0)


ABOUT = {"network": "lenet5", "classes": json.dumps(["é", "b"])}


def test_what_a_file_says_of_itself(tmp_path):
    tensors = {"a/kernel": np.ones(2, np.float32)}
    for format, kind in (("safetensors", "np"), ("torch-names", "pt")):
        writing.write(tmp_path / format, format, tensors, ABOUT)
        with safe_open(tmp_path / format, "numpy") as file:
            assert file.metadata() == {"format": kind, **ABOUT}
    writing.write(tmp_path / "npz", "npz", tensors, ABOUT)
    with np.load(tmp_path / "npz") as file:
        assert json.loads(str(file["__metadata__"])) == ABOUT
    assert list(read(tmp_path / "npz")) == ["a/kernel"]


@pytest.mark.parametrize("format", writing.FORMATS)
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, format):
    (tmp_path / "a").write_text("before")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"a cannot be written: No space left on device"):
        writing.write(tmp_path / "a", format, {"b": np.ones(2, np.float32)}, {})
    assert [file.name for file in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "before"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        writing.write(tmp_path / "none" / "a", "npz", {"b": np.ones(2, np.float32)}, {})


@pytest.mark.parametrize(
    ("shift", "factor", "mean", "deviation"),
    [
        ([0.0], [1 / 255], (0.0,), (1.0,)),
        ([127.5], [1 / 127.5], (0.5,), (0.5,)),
        ([255 * 0.485, 255 * 0.456], [1 / (255 * 0.229), 1 / (255 * 0.224)], (0.485, 0.456), (0.229, 0.224)),
        (np.full((4, 4, 1), 51.0), [1 / 255], (0.2,), (1.0,)),
    ],
)
def test_preprocessing_from_what_a_checkpoint_has(shift, factor, mean, deviation):
    scale = {"shift": np.asarray(shift, np.float32), "factor": np.asarray(factor, np.float32)}
    found = writing.preprocessing(scale, 224, 256, "bicubic")
    assert (found.mean, found.deviation) == (mean, deviation)
    assert (found.crop, found.resize, found.interpolation) == (224, 256, "bicubic")
