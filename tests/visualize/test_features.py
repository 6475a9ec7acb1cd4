"""Vectors of a layer: their values by hand, how many images there is time and memory for."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import DataError, UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import features
from cnncli.visualize.features import Layer
from tests.visualize.subjects import loaded, subject

NETWORK = Network("n", (2, 2, 1), (Conv(2, 1, name="c"), Activation("relu", name="r"), Flatten(), Dense(3, name="d")))
PARAMS = {
    "c": {"kernel": jnp.array([1.0, -1.0]).reshape(1, 1, 1, 2), "bias": jnp.array([0.0, 0.5])},
    "d": {"kernel": jnp.ones((8, 3)), "bias": jnp.zeros(3)},
}
PIXELS = np.array([0, 51, 102, 255], np.uint8).reshape(1, 2, 2, 1)


def test_the_default_is_what_the_classifier_looks_at():
    assert Layer.of(NETWORK, None) == Layer(NETWORK, "r", 8)
    assert Layer.of(NETWORK, "d") == Layer(NETWORK, "d", 3)
    assert Layer.of(find("alexnet"), None).values == 4096
    with pytest.raises(UsageError, match="--layer: n has no layer 'x'"):
        Layer.of(NETWORK, "x")


def test_vectors_are_a_layers_values_flattened():
    vectors = Layer.of(NETWORK, "r").vectors(subject(NETWORK, PARAMS), PIXELS)
    np.testing.assert_allclose(vectors, [[0, 0.5, 0.2, 0.3, 0.4, 0.1, 1, 0]], atol=1e-6)
    np.testing.assert_array_equal(features.raw(PIXELS), [[0, 51, 102, 255]])


def test_a_network_that_diverged_is_said():
    broken = {**PARAMS, "d": {**PARAMS["d"], "bias": jnp.array([0.0, jnp.nan, 0.0])}}
    with pytest.raises(DataError, match="d gives values that are not finite: this checkpoint's training has diverged"):
        Layer.of(NETWORK, "d").vectors(subject(NETWORK, broken), PIXELS)


@pytest.fixture(scope="module")
def data():
    return loaded(np.zeros((900, 2, 2, 1)), np.zeros(900))


def test_as_many_images_as_wanted_or_there_are(data):
    layer = Layer.of(NETWORK, None)
    assert layer.count(10, data, 400) == 10
    assert layer.count(1000, data, 400) == 900
    assert layer.count(None, data, 400) == 400
    assert layer.count(None, data, 4000) == 900


def test_fewer_where_a_network_takes_long_or_a_layer_much_memory(data, monkeypatch):
    layer = Layer.of(NETWORK, None)
    # 4 x 2 multiply-adds of the convolution and 8 x 3 of the dense layer.
    monkeypatch.setattr(features, "MULTIPLY_ADDS", 32 * 600)
    assert layer.count(None, data, 4000) == 600
    monkeypatch.setattr(features, "MULTIPLY_ADDS", 32 * 6)
    assert layer.count(None, data, 4000) == features.LEAST
    monkeypatch.setattr(features, "MOST_BYTES", 4 * 8 * 77)
    assert layer.count(None, data, 4000) == 77
    with pytest.raises(UsageError, match="--images 78: r gives 8 values an image; expected at most 77"):
        layer.count(78, data, 4000)


def test_a_sample_is_in_order_without_repetition_and_by_the_seed():
    drawn = [features.sample(20, 5, seed).tolist() for seed in range(9)]
    assert all(one == sorted(set(one)) and len(one) == 5 and max(one) < 20 for one in drawn)
    assert len({tuple(one) for one in drawn}) > 5
    assert features.sample(20, 5, 3).tolist() == drawn[3]
    assert features.sample(3, 5, 0).tolist() == [0, 1, 2]
