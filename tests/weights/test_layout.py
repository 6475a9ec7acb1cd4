import jax
import numpy as np
import pytest
from hypothesis import given, settings

from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, AdaptivePool, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalPool
from cnncli.networks.network import Network, walk
from cnncli.weights.layout import nested, slots
from tests.strategies import networks


def arrays_of(network):
    """An array of other numbers in every place."""
    count = 0
    for slot in slots(network):
        size = int(np.prod(slot.shape))
        yield slot, np.arange(count, count + size, dtype=np.float32).reshape(slot.shape)
        count += size


def shapes(tree):
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree.leaves_with_path(tree)
    }


def kernel(network, path):
    (found,) = (slot for slot in slots(network) if slot.key == f"{path}/kernel")
    return found


@pytest.mark.parametrize(
    "name", ["lenet5-1998", "alexnet", "vgg11-bn", "googlenet-torchvision", "resnet50", "resnet20"]
)
def test_places_are_those_of_the_built_model(name):
    agrees(find(name))


@settings(max_examples=40)
@given(networks())
def test_places_are_those_of_any_built_model(network):
    agrees(network)


def agrees(network):
    params, stats = model(network).shapes()
    places = tuple(slots(network))
    assert shapes(params) == {slot.key: slot.shape for slot in places if not slot.statistic}
    assert shapes(stats) == {slot.key: slot.shape for slot in places if slot.statistic}


@given(networks())
def test_to_pytorchs_layout_and_back_is_the_same(network):
    for slot, array in arrays_of(network):
        theirs = slot.torch(array)
        assert theirs.shape == slot.torch_shape
        np.testing.assert_array_equal(slot.ours(theirs), array)


@given(networks())
def test_nested_arrays_are_found_again(network):
    arrays = dict(arrays_of(network))
    params, stats = nested(arrays)
    assert all(slot.of(params, stats) is array for slot, array in arrays.items())


def test_a_kernel_comes_from_output_input_height_width():
    slot = kernel(Network("one", (9, 9, 6), (Conv(4, (3, 2), groups=2, name="conv"),)), "conv")
    theirs = np.arange(4 * 3 * 3 * 2).reshape(4, 3, 3, 2)
    assert (slot.shape, slot.torch_shape) == ((3, 2, 3, 4), (4, 3, 3, 2))
    assert slot.ours(theirs)[2, 1, 0, 3] == theirs[3, 0, 2, 1]


def test_a_dense_layer_comes_from_output_input():
    slot = kernel(Network("one", (1, 1, 3), (Flatten(), Dense(2), Dense(5, name="fc"))), "fc")
    theirs = np.arange(10).reshape(5, 2)
    assert (slot.image, slot.torch_shape) == (None, (5, 2))
    assert slot.ours(theirs)[1, 4] == theirs[4, 1]


def test_behind_flatten_a_dense_layer_sees_the_same_values_in_another_order():
    layers = (
        AdaptivePool((2, 3)),
        Flatten(),
        Dropout(0.5),
        Activation("relu"),
        Dense(7, name="fc"),
        Dense(7, name="next"),
    )
    network = Network("one", (5, 5, 4), layers)
    slot = kernel(network, "fc")
    assert (slot.image, kernel(network, "next").image) == ((2, 3, 4), None)
    random = np.random.default_rng(0)
    image, theirs = random.normal(size=(2, 3, 4)), random.normal(size=(7, 24))
    expected = theirs @ image.transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(image.ravel() @ slot.ours(theirs), expected)


@pytest.mark.parametrize(
    ("name", "path", "image"),
    [
        ("alexnet-torchvision", "fc6", (6, 6, 256)),
        ("vgg16", "fc6", (7, 7, 512)),
        ("googlenet-torchvision", "head4a/fc1", (4, 4, 128)),
        ("googlenet-torchvision", "fc", None),
        ("resnet50", "fc", None),
    ],
)
def test_what_is_flattened_in_the_catalogue(name, path, image):
    assert kernel(find(name), path).image == image
    assert sum(bool(slot.image) for slot in slots(find(name))) == {"googlenet-torchvision": 2, "resnet50": 0}.get(
        name, 1
    )


def test_a_pooled_vector_keeps_its_order():
    network = Network("one", (4, 4, 3), (Flatten(), BatchNorm(), Dense(2, name="a"), Dense(2, name="b")))
    assert [kernel(network, path).image for path in "ab"] == [None, None]
    assert kernel(Network("one", (4, 4, 3), (GlobalPool(), Dense(2, name="a"))), "a").image is None


def test_torchvisions_conventions_are_the_catalogues():
    """Its momentum of 0.1 is the share of the new; its epsilon is 1e-5, but in GoogLeNet."""
    for name, epsilon in (("resnet18", 1e-5), ("resnet50", 1e-5), ("vgg16-bn", 1e-5), ("googlenet-torchvision", 1e-3)):
        norms = {(layer.momentum, layer.epsilon) for layer in walk(find(name).layers) if isinstance(layer, BatchNorm)}
        assert norms == {(0.9, epsilon)}
