"""How weights start, through the model: bounds and variances of each scheme, and the seed."""

from functools import cache
from math import sqrt

import numpy as np
import pytest

from cnncli.models.initializers import INITIALIZERS
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import BatchNorm, Conv, Dense, Flatten, PartialConv, Subsample
from cnncli.networks.network import INITIALIZATIONS, Network
from tests.models.arrays import leaves

# 800 inputs and 1600 outputs a unit of the convolution, 51,200 weights.
LAYERS = (Conv(64, 5, name="conv"), Conv(64, 1, groups=2, name="grouped"), BatchNorm(name="norm"), Flatten())
FAN_IN, FAN_OUT = 5 * 5 * 32, 5 * 5 * 64


@cache
def started(init):
    network = Network("n", (5, 5, 32), (*LAYERS, Dense(1000, name="dense")), init=init)
    return {path: np.asarray(leaf) for path, leaf in leaves(model(network).initialize(0)[0]).items()}


def test_every_initialization_of_the_vocabulary_is_known():
    assert set(INITIALIZERS) == set(INITIALIZATIONS)


@pytest.mark.parametrize(
    ("init", "path", "bound"),
    [
        ("glorot-uniform", "conv/kernel", sqrt(6 / (FAN_IN + FAN_OUT))),
        ("glorot-uniform", "dense/kernel", sqrt(6 / (64 + 1000))),
        ("he-uniform", "conv/kernel", sqrt(6 / FAN_IN)),
        ("he-uniform", "dense/kernel", sqrt(6 / 64)),
        ("torch", "conv/kernel", 1 / sqrt(FAN_IN)),
        ("torch", "grouped/kernel", 1 / sqrt(32)),
        ("torch", "dense/kernel", 1 / sqrt(64)),
        ("torch", "dense/bias", 1 / sqrt(64)),
        ("lecun-1998", "conv/kernel", 2.4 / FAN_IN),
        ("lecun-1998", "grouped/kernel", 2.4 / 32),
        ("lecun-1998", "dense/kernel", 2.4 / 64),
        ("lecun-1998", "dense/bias", 2.4 / 64),
    ],
)
def test_uniform_weights_fill_their_bounds(init, path, bound):
    weights = started(init)[path]
    assert 0.98 * bound < np.abs(weights).max() <= bound
    assert weights.var() == pytest.approx(bound**2 / 3, rel=0.1)


@pytest.mark.parametrize(("init", "gain"), [("he-normal", 2), ("lecun-normal", 1)])
@pytest.mark.parametrize(("path", "fan_in"), [("conv/kernel", FAN_IN), ("dense/kernel", 64)])
def test_normal_weights_have_their_variance(init, gain, path, fan_in):
    weights = started(init)[path]
    assert weights.var() == pytest.approx(gain / fan_in, rel=0.05)
    assert weights.mean() == pytest.approx(0, abs=0.03 * sqrt(gain / fan_in))


def test_glorot_normal_has_glorots_variance_within_two_deviations():
    weights, variance = started("glorot-normal")["conv/kernel"], 2 / (FAN_IN + FAN_OUT)
    assert weights.var() == pytest.approx(variance, rel=0.05)
    # What is cut off is made up for by drawing from a wider distribution.
    assert np.abs(weights).max() < 2 * sqrt(variance) / 0.87


@pytest.mark.parametrize("init", sorted(set(INITIALIZATIONS) - {"lecun-1998", "torch", "torch-article"}))
def test_biases_start_at_zero(init):
    assert not any(leaf.any() for path, leaf in started(init).items() if path.endswith("bias"))


def test_biases_of_1998_start_within_their_units_fan_in():
    arrays = started("lecun-1998")
    assert 0 < np.abs(arrays["conv/bias"]).max() <= 2.4 / FAN_IN
    assert 2.4 / FAN_IN < np.abs(arrays["grouped/bias"]).max() <= 2.4 / 32


@cache
def article():
    """The third article's initialization of an AlexNet, narrowed: it goes by the names and kinds of layers."""
    convolutions = tuple(Conv(32, 3, 1, 1, name=f"conv{place}") for place in range(1, 6))
    dense = (Dense(200, name="fc6"), Dense(10, name="fc8", bias_start=1.0))
    network = Network("n", (4, 4, 32), (*convolutions, Flatten(), *dense), init="torch-article")
    return {path: np.asarray(leaf) for path, leaf in leaves(model(network).initialize(0)[0]).items()}


def test_the_third_articles_convolutions_start_as_the_papers_and_its_dense_layers_as_hes():
    arrays = article()
    assert arrays["conv1/kernel"].std() == pytest.approx(0.01, rel=0.05)
    assert arrays["conv5/kernel"].std() == pytest.approx(0.01, rel=0.05)
    assert arrays["fc6/kernel"].var() == pytest.approx(2 / 512, rel=0.05)
    # PyTorch cuts nothing off the normal distribution: of 102,400 values some are beyond three deviations.
    assert np.abs(arrays["fc6/kernel"]).max() > 3 * sqrt(2 / 512)


def test_the_third_articles_biases_start_at_one_in_some_convolutions_and_the_dense_layers():
    arrays = article()
    ones = {path.removesuffix("/bias") for path in arrays if path.endswith("/bias") and (arrays[path] == 1).all()}
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc8"}
    assert not arrays["conv1/bias"].any()
    assert not arrays["conv3/bias"].any()


@pytest.mark.parametrize(("init", "least", "most"), [("he-normal", 1, 1), ("torch", 0.5, 1.5)])
def test_biases_that_a_network_raises_are_raised_from_where_they_start(init, least, most):
    params, _ = model(
        Network(
            "n",
            (2, 2, 1),
            (
                Flatten(),
                Dense(50, name="out", bias_start=1.0),
            ),
            init=init,
        )
    ).initialize(0)
    biases = np.asarray(params["out"]["bias"])
    assert least <= biases.min() <= biases.max() <= most
    assert biases.max() - biases.min() >= 0.9 * (most - least)


def test_batch_norm_starts_as_the_identity():
    params, stats = model(Network("n", (1, 1, 3), (BatchNorm(name="norm"),))).initialize(0)
    assert params["norm"]["scale"].tolist() == stats["norm"]["var"].tolist() == [1, 1, 1]
    assert params["norm"]["bias"].tolist() == stats["norm"]["mean"].tolist() == [0, 0, 0]


def of_1998(layer):
    params, _ = model(Network("n", (28, 28, 4), (layer,), init="lecun-1998")).initialize(0)
    return {kind: np.asarray(value) for kind, value in params[layer.name].items()}


def test_maps_of_a_partial_convolution_start_by_their_own_fan_in():
    # 40 maps that see one input map, then 40 that see all four.
    arrays = of_1998(PartialConv(((0,),) * 40 + ((0, 1, 2, 3),) * 40, 5, name="c3"))
    one, four = 2.4 / 25, 2.4 / 100
    assert 0.9 * one < np.abs(arrays["kernel"][..., :40]).max() <= one
    assert 0.9 * four < np.abs(arrays["kernel"][..., 40:]).max() <= four
    assert 0.8 * one < np.abs(arrays["bias"][:40]).max() <= one
    assert 0.8 * four < np.abs(arrays["bias"][40:]).max() <= four


def test_subsampling_of_1998_starts_within_its_windows_size():
    arrays = of_1998(Subsample(2, 2, name="s2"))
    assert arrays["scale"].shape == arrays["bias"].shape == (4,)
    assert 0 < np.abs(arrays["scale"]).max() <= 2.4 / 4
    assert 0 < np.abs(arrays["bias"]).max() <= 2.4 / 4


@cache
def lenet(seed):
    return leaves(model(find("lenet5")).initialize(seed)[0])


def test_the_same_seed_gives_the_same_weights():
    again = leaves(model(find("lenet5")).initialize(3)[0])
    assert all(np.array_equal(leaf, again[path]) for path, leaf in lenet(3).items())


def test_another_seed_gives_other_weights():
    kernels = [path for path in lenet(3) if path.endswith("kernel")]
    assert len(kernels) == 5
    assert not any(np.array_equal(lenet(3)[path], lenet(4)[path]) for path in kernels)


def test_layers_of_the_same_shape_start_differently():
    twins, _ = model(Network("n", (4, 4, 2), (Conv(2, 2, name="a"), Conv(2, 2, name="b")))).initialize(0)
    assert not np.array_equal(twins["a"]["kernel"], twins["b"]["kernel"])
