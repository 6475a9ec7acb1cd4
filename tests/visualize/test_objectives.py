"""Objectives give the scores that one computes by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.objectives import ClassScore, Energy, Likeness, UnitScore
from tests.visualize.subjects import subject

# A map that is the image, one that is its double, and three classes.
KERNEL = np.array([1.0, 2.0], np.float32).reshape(1, 1, 1, 2)
NETWORK = Network("net", (3, 3, 1), (Conv(2, 1), Activation("relu"), Flatten(), Dense(3, name="output")))
WEIGHTS = {
    "conv1": {"kernel": KERNEL, "bias": np.zeros(2, np.float32)},
    "output": {
        "kernel": np.ones((18, 3), np.float32) * np.array([1, 2, 3], np.float32),
        "bias": np.zeros(3, np.float32),
    },
}
IMAGES = jnp.stack([jnp.arange(9.0).reshape(3, 3, 1) / 9, jnp.ones((3, 3, 1))])


@pytest.fixture(scope="module")
def scores():
    net = subject(NETWORK, WEIGHTS)
    return lambda objective, x=IMAGES: np.asarray(objective(net.model, net.weights, x))


def test_a_class_has_its_logit(scores):
    # Each image's values and their doubles sum to 3 times its own sum: 4 and 9.
    assert scores(ClassScore(jnp.array([0, 2]))) == pytest.approx([3 * 4, 3 * 3 * 9], rel=1e-6)


def test_a_map_has_its_mean_and_a_unit_its_value(scores):
    units = jnp.array([1, 0])
    assert scores(UnitScore("conv1", units)) == pytest.approx([2 * 4 / 9, 1], rel=1e-6)
    assert scores(UnitScore("conv1", units, middle=True)) == pytest.approx([2 * 4 / 9, 1], rel=1e-6)
    corner = jnp.zeros((2, 3, 3, 1)).at[:, 0, 0].set(0.9)
    assert scores(UnitScore("conv1", units), corner) == pytest.approx([0.2, 0.1], rel=1e-6)
    assert scores(UnitScore("conv1", units, middle=True), corner).tolist() == [0, 0]
    assert scores(UnitScore("output", jnp.array([1, 0]))) == pytest.approx([2 * 3 * 4, 3 * 9], rel=1e-6)


def test_energies_of_layers_add_up(scores):
    one = scores(Energy(("conv1",)))
    assert one[1] == pytest.approx((1 + 4) / 2)
    assert scores(Energy(("conv1", "relu1"))) == pytest.approx(2 * one)


def test_likeness_is_minus_the_relative_squared_distance(scores):
    # Wanted: at the pixels a white image, at the logits what a white image gives; the first image is half as bright.
    wanted = jnp.ones((1, 3, 3, 2)) * jnp.array([1.0, 2.0]), jnp.array([[27.0, 54.0, 81.0]])
    images = jnp.stack([jnp.full((3, 3, 1), 0.5), jnp.ones((3, 3, 1))])
    assert scores(Likeness(("conv1", "output"), wanted), images) == pytest.approx([-0.25, 0])
    assert scores(Likeness(("conv1", "output"), wanted), images[::-1]) == pytest.approx([0, -0.25])


def test_features_of_zero_have_a_distance_too(scores):
    assert scores(Likeness(("conv1",), (jnp.zeros((2, 3, 3, 2)),)))[1] == pytest.approx(-2.5)
