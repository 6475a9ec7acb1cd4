"""Layers to look at: their paths are those a model's activations have, and each method has one that suits it."""

import jax
import jax.numpy as jnp
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cnncli.errors import UsageError
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network
from cnncli.visualize import layers
from tests.strategies import networks


def tapped(network):
    """The shape of every activation, by its path."""
    built, seen = model(network, jnp.float32, "gradient"), {}

    def look(params, stats, x):
        def tap(path, y):
            seen[path] = y.shape[1:]
            return y

        return built.logits(params, stats, x, tap)

    jax.eval_shape(look, *built.shapes(), jax.ShapeDtypeStruct((2, *network.input), jnp.float32))
    return seen


# What fails is a network of a few layers as it is: shrinking, which builds it again and again, takes minutes.
@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(networks(2))
def test_every_row_has_an_activation_of_its_shape(network):
    # A group of nothing but heads has an activation, and nothing that sizing would print of it.
    assert {path: row.output for path, row in layers.rows(network).items()}.items() <= tapped(network).items()


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "lenet5", "linear"])
def test_rows_and_activations_have_the_same_paths(name):
    network = find(name)
    assert {path: row.output for path, row in layers.rows(network).items()} == tapped(network)


def test_auxiliary_heads_are_no_layers_to_look_at_and_groups_are():
    found = layers.rows(find("googlenet"))
    assert found["inception4a"].output == (14, 14, 512)
    assert found["inception4a/3x3"].word == "conv"
    assert not any(row.head for row in found.values())


def test_a_layer_that_is_not_there_has_a_near_one():
    assert layers.row_of(find("lenet5"), "c3").output == (10, 10, 16)
    with pytest.raises(UsageError, match="--layer: alexnet has no layer 'convv3'; did you mean 'conv3'"):
        layers.row_of(find("alexnet"), "convv3")
    with pytest.raises(UsageError, match="has no layer 'qqq'; cnncli size resnet18 shows them"):
        layers.row_of(find("resnet18"), "qqq")


@pytest.mark.parametrize(
    ("name", "path", "shape"),
    [
        ("alexnet", "relu7", (4096,)),
        ("lenet5", "tanh4", (84,)),
        ("vgg16", "relu15", (4096,)),
        ("googlenet", "pool5", (1024,)),
        ("resnet50", "pool5", (2048,)),
        ("linear", "flatten1", (3072,)),
    ],
)
def test_features_are_what_the_classifier_looks_at(name, path, shape):
    row = layers.features(find(name))
    assert (row.path, row.output) == (path, shape)


def test_a_network_without_weights_has_features_too():
    network = Network("pools", (4, 4, 1), (Pool("max", 2, 2), Flatten()))
    assert layers.features(network).path == "pool1"


def test_convolutions_are_listed_or_missed():
    assert [row.path for row in layers.convolutions(find("lenet5"))] == ["c1", "c3"]
    with pytest.raises(UsageError, match="mlp has no convolution; expected a network that has, such as lenet5"):
        layers.convolutions(find("mlp"))


@pytest.mark.parametrize(
    ("name", "path", "done"),
    [
        ("alexnet", "conv1", "relu1"),
        ("resnet18", "conv1", "relu1"),
        ("alexnet", "pool1", "pool1"),
        ("resnet18", "conv2/block1", "conv2/block1/relu2"),
        ("lenet5", "output", "output"),
    ],
)
def test_a_layer_is_done_behind_its_normalization_and_activation(name, path, done):
    assert layers.finished(find(name), path).path == done


@pytest.mark.parametrize(("name", "path"), [("alexnet", "relu5"), ("resnet18", "conv5/block2/relu2")])
def test_the_last_maps_are_those_before_all_is_pooled(name, path):
    assert layers.last_maps(find(name)).path == path


def test_a_network_without_maps_is_refused():
    with pytest.raises(UsageError, match="mlp has no feature maps; expected a network that has, such as lenet5"):
        layers.last_maps(find("mlp"))
    with pytest.raises(UsageError, match="has no feature maps"):
        layers.last_maps(Network("points", (3, 3, 1), (Conv(2, 3), Flatten(), Dense(2))))


def test_of_many_names_some_are_said():
    names = [f"kind {at}" for at in range(30)]
    assert layers.chosen("kind 4", names, names, "--class") == 4
    with pytest.raises(UsageError, match="--class: no 'kind 44'; did you mean 'kind 4'"):
        layers.chosen("kind 44", names, names, "--class")
    with pytest.raises(UsageError, match=r"--class: no 'zzz'; expected one of kind 0, .*kind 9, \.\.\.$"):
        layers.chosen("zzz", names, names, "--class")
