"""Logits as the original frameworks have them, of weights and an image by formula (see generate_parity.py)."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import AuxiliaryHead, BatchNorm, Branches, Group, Pool
from cnncli.weights.files import read
from cnncli.weights.layout import nested
from cnncli.weights.matching import matched
from cnncli.weights.preprocessing import IMAGENET, usual
from tests.weights import formula, made
from tests.weights.states import keras_names, state_of

EXPECTED = json.loads(Path(__file__).with_name("parity.json").read_text())
# A share of the largest logit; what float32 leaves is a hundredth of it.
TOLERANCE = 1e-4
FILES = {"alexnet-torchvision": "pth"}
# With its normalized sibling it shares all but that, and it takes long.
LARGE = ("vgg11",)
FAMILIES = ("resnet18", "resnet50", "vgg11", "vgg11-bn", "alexnet-torchvision", "googlenet-torchvision")


def filed(tensors, file):
    """What is read of tensors that were in a file: PyTorch's own, or else safetensors."""
    (made.pth if file.suffix == ".pth" else made.safetensors)(file, tensors)
    found = read(file)
    file.unlink()
    return found


def logits(network, arrays, preprocessing=IMAGENET):
    """What the network says of the formula's image."""
    pixels = formula.image(network.input[0], network.input[2]) / 255
    x = (pixels - preprocessing.mean) / preprocessing.deviation
    return np.asarray(jax.jit(model(network).logits)(*nested(arrays), jnp.asarray(x, jnp.float32)))


def difference(said, name):
    """The greatest difference from what the framework says, as a share of its largest logit."""
    ours, expected = formula.kept(said), EXPECTED[name]
    apart = np.abs(np.array(ours["logits"]) - expected["logits"]).max()
    return max(apart, abs(ours["norm"] - expected["norm"])) / expected["largest"]


def changed(layers, change):
    """The layers of a tree, each as `change` makes it."""
    inner = {Group: "layers", AuxiliaryHead: "layers"}
    for layer in layers:
        if isinstance(layer, Branches):
            layer = replace(layer, branches=tuple(tuple(changed(one, change)) for one in layer.branches))
        elif type(layer) in inner:
            layer = replace(layer, layers=tuple(changed(layer.layers, change)))
        yield change(layer)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in FAMILIES]
)
def test_torchvisions_logits(name, tmp_path):
    network = find(name)
    state = state_of(network)
    assert formula.digest({key: one.shape for key, one in state.items()}) == EXPECTED[name]["names"]
    found = matched(filed(state, tmp_path / f"weights.{FILES.get(name, 'safetensors')}"), network)
    assert (found.names, found.missing, found.heads, found.leftover, found.mismatched) == ("torchvision", *[()] * 4)
    assert difference(logits(network, found.arrays), name) < TOLERANCE


@pytest.fixture(scope="module")
def googlenet():
    network = find("googlenet-torchvision")
    return matched(state_of(network), network)


def test_transform_input_is_another_preprocessing(googlenet):
    transformed = IMAGENET.transformed()
    assert (transformed.mean, transformed.deviation) == ((0.5,) * 3, (0.5,) * 3)
    said = logits(find("googlenet-torchvision"), googlenet.arrays, transformed)
    assert difference(said, "googlenet-torchvision, transformed") < TOLERANCE
    assert difference(said, "googlenet-torchvision") > 100 * TOLERANCE


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: replace(layer, epsilon=1e-5) if isinstance(layer, BatchNorm) else layer,
        lambda layer: replace(layer, ceil=False) if isinstance(layer, Pool) else layer,
    ],
    ids=["epsilon", "ceil"],
)
def test_epsilon_and_rounding_up_decide(googlenet, change):
    network = find("googlenet-torchvision")
    other = replace(network, layers=tuple(changed(network.layers, change)))
    assert difference(logits(other, googlenet.arrays), network.name) > TOLERANCE


def test_the_first_dense_layer_sees_maps_in_another_order(tmp_path):
    network = find("alexnet-torchvision")
    found = matched(filed(state_of(network), tmp_path / "weights.safetensors"), network)
    (first,) = (slot for slot in found.arrays if slot.image)
    assert (first.key, first.image) == ("fc6/kernel", (6, 6, 256))
    weight = formula.tensor("classifier.1.weight", (4096, 9216))
    assert difference(logits(network, found.arrays | {first: weight.T}), network.name) > 100 * TOLERANCE


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_hugging_faces_names_are_of_the_same_weights(name, tmp_path):
    network = find(name)
    theirs = filed(state_of(network, "Hugging Face", "torchvision"), tmp_path / "weights.safetensors")
    assert "resnet.encoder.stages.3.layers.1.layer.0.convolution.weight" in theirs
    found, same = matched(theirs, network), matched(state_of(network), network)
    assert (found.names, found.missing, found.leftover, found.mismatched) == ("Hugging Face", (), (), ())
    assert found.arrays.keys() == same.arrays.keys()
    assert all(np.array_equal(found.arrays[slot], same.arrays[slot]) for slot in same.arrays)


@pytest.mark.parametrize("name", ["lenet5-keras", "alexnet-cifar10"])
def test_kerass_logits(name, tmp_path):
    network, file = find(name), tmp_path / "model.h5"
    tensors = {keras: formula.tensor(keras, slot.shape) for keras, slot in keras_names(network)}
    assert formula.digest({key: one.shape for key, one in tensors.items()}) == EXPECTED[name]["names"]
    kept = {f"model_weights/{key.partition('/')[0]}/{key}": tensor for key, tensor in tensors.items()}
    made.hdf5(file, kept | {f"optimizer_weights/Adam/m/{key}": tensor for key, tensor in tensors.items()})
    found = matched(read(file), network)
    assert (found.names, found.missing, found.leftover, found.mismatched) == ("Keras", (), (), ())
    assert difference(logits(network, found.arrays, usual(32, network.input[2], False)), name) < TOLERANCE


@pytest.mark.parametrize("name", ["resnet18", "googlenet-torchvision"])
def test_torchvision_in_this_process(name):
    torch = pytest.importorskip("torch", reason="torch is not installed: compared with its logits in a file alone")
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed: as above")
    made = getattr(torchvision.models, name.partition("-")[0])
    net = (made(init_weights=False) if "googlenet" in name else made()).eval()
    network = find(name)
    state = {key: torch.from_numpy(one) for key, one in state_of(network).items()}
    net.load_state_dict(state, strict=True)
    pixels = (formula.image(224) / 255 - IMAGENET.mean) / IMAGENET.deviation
    with torch.inference_mode():
        expected = net(torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2)).numpy()
    said = logits(network, matched({key: one.numpy() for key, one in state.items()}, network).arrays)
    assert np.abs(said - expected).max() < TOLERANCE * np.abs(expected).max()
