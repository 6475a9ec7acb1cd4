"""What each layer computes, against values worked out by hand or by a naive loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from cnncli.models.build import ACTIVATIONS, Net, local_response_norm
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    Activation,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    LocalResponseNorm,
    PadShortcut,
    RadialBasis,
    Residual,
    Subsample,
)
from cnncli.networks.network import Network
from tests.strategies import KINDS


def run(x, *layers, **params):
    """The layers' output on images x, with the parameters of the named ones."""
    x = jnp.asarray(x, jnp.float32)
    arrays = {
        name: {kind: jnp.asarray(value, jnp.float32) for kind, value in of.items()} for name, of in params.items()
    }
    return np.asarray(model(Network("n", x.shape[1:], layers)).logits(arrays, {}, x))


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 3


def test_every_activation_of_the_vocabulary_is_known():
    assert set(ACTIVATIONS) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("relu", [0, 0, 1.5]),
        ("leaky-relu", [-0.02, -0.005, 1.5]),
        ("elu", [-0.86466473, -0.39346933, 1.5]),
        ("gelu", [-0.04550028, -0.15426877, 1.39978909]),
        ("silu", [-0.23840584, -0.18877033, 1.22636163]),
        ("sigmoid", [0.11920292, 0.37754067, 0.81757448]),
        ("tanh", [-0.96402758, -0.46211716, 0.90514825]),
    ],
)
def test_activations_give_pytorchs_values(kind, values):
    assert ACTIVATIONS[kind](jnp.array([-2.0, -0.5, 1.5])) == pytest.approx(values, abs=1e-6)


def test_scaled_tanh_is_one_at_one():
    squash = ACTIVATIONS["scaled-tanh"]
    assert squash(jnp.array([-1.0, 0.0, 1.0])) == pytest.approx([-1, 0, 1], abs=1e-4)
    assert float(squash(jnp.array(100.0))) == pytest.approx(1.7159)


def test_flatten_goes_by_height_width_channel():
    x = ramp(2, 2, 3, 4)
    assert np.array_equal(run(x, Flatten()), x.reshape(2, -1))


def test_global_pool_is_the_mean_of_each_map():
    assert run(ramp(1, 2, 2, 2), GlobalPool()).tolist() == [[0.0, 1.0]]


def test_branches_are_concatenated_in_their_order():
    x = ramp(1, 2, 3, 1)
    joined = run(x, Branches(((), (Activation("relu"),))))
    assert np.array_equal(joined, np.concatenate([x, np.maximum(x, 0)], axis=-1))


def test_a_residual_adds_its_input():
    x = ramp(1, 2, 3, 1)
    assert np.array_equal(run(x, Residual((Activation("relu"),))), x + np.maximum(x, 0))


def test_a_residual_adds_its_shortcut():
    x = ramp(1, 2, 3, 1)
    shortcut = Conv(1, 1, bias=False, name="project")
    added = run(x, Residual((Activation("relu"),), (shortcut,)), project={"kernel": [[[[10]]]]})
    assert np.array_equal(added, 10 * x + np.maximum(x, 0))


def test_a_padded_shortcut_takes_every_second_pixel_and_adds_maps_of_zeros_at_the_end():
    x = ramp(1, 5, 4, 2)
    short = run(x, PadShortcut(5, (2, 3)))
    assert np.array_equal(short[..., :2], x[:, ::2, ::3])
    assert short.shape == (1, 3, 2, 5)
    assert not short[..., 2:].any()


def test_padding_is_top_bottom_left_right():
    x = ramp(1, 2, 3, 1)
    padded = run(x, Conv(1, 1, padding=(1, 0, 0, 2), name="c"), c={"kernel": [[[[1]]]], "bias": [0]})
    assert np.array_equal(padded[0, :, :, 0], np.pad(x[0, :, :, 0], ((1, 0), (0, 2))))


def test_a_convolution_does_not_flip_its_kernel():
    x = ramp(1, 1, 3, 1)
    assert run(x, Conv(1, (1, 2), name="c"), c={"kernel": [[[[1]], [[10]]]], "bias": [5]}).ravel().tolist() == [
        -3 - 20 + 5,
        -2 - 10 + 5,
    ]


def test_groups_see_their_own_maps_alone():
    x = np.array([1, 10, 100, 1000]).reshape(1, 1, 1, 4)
    kernel = np.ones((1, 1, 2, 2))
    assert run(x, Conv(2, 1, groups=2, bias=False, name="c"), c={"kernel": kernel}).ravel().tolist() == [11, 1100]


def test_a_dense_layer_weighs_and_adds_its_bias():
    out = run(
        np.array([2, 3]).reshape(1, 1, 1, 2), Flatten(), Dense(1, name="d"), d={"kernel": [[10], [1]], "bias": [4]}
    )
    assert out.tolist() == [[27]]


def test_subsampling_weighs_the_sum_of_each_window_and_adds_a_bias():
    x = np.stack([np.ones((4, 4)), ramp(4, 4)], axis=-1)[None]
    out = run(x, Subsample(2, 2, name="s"), s={"scale": [0.5, 0.25], "bias": [1, 0]})
    assert out[0, :, :, 0].tolist() == [[3, 3], [3, 3]]
    assert out[0, :, :, 1].tolist() == [[-0.5, 1.5], [7.5, 9.5]]


def test_radial_basis_gives_minus_the_squared_distances_to_the_codes():
    x = np.array([[1, 1], [0.5, -2]]).reshape(2, 1, 1, 2)
    assert run(x, Flatten(), RadialBasis(("#.", "##"))).tolist() == [[-4, 0], [-1.25, -9.25]]


def test_radial_basis_computes_in_float32_in_a_network_of_bfloat16():
    network = Network("n", (1, 1, 84), (Flatten(), RadialBasis(("#" * 84, "#" * 83 + "."))))
    logits = model(network, jnp.bfloat16).logits({}, {}, jnp.full((1, 1, 1, 84), 9.0))
    assert logits.tolist() == [[-84.0 * 64, -83.0 * 64 - 100]]


def normalized_naively(x, layer):
    """The formula of Krizhevsky et al. 2012, section 3.3, map by map; an even window has one more map before."""
    y = np.empty_like(x)
    for i in range(x.shape[-1]):
        first, last = max(0, i - layer.size // 2), min(x.shape[-1] - 1, i + (layer.size - 1) // 2)
        squares = sum(x[..., j] ** 2 for j in range(first, last + 1))
        y[..., i] = x[..., i] / (layer.k + layer.alpha * squares) ** layer.beta
    return y


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 7, 13])
def test_local_response_norm_is_the_papers_formula(window):
    layer = LocalResponseNorm(window, 1.5, 0.02, 0.75)
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 6)).astype(np.float32)
    assert np.allclose(local_response_norm(jnp.asarray(x), layer), normalized_naively(x, layer), rtol=1e-5)


def test_local_response_norm_multiplies_alpha_with_the_plain_sum():
    # 1 / (2 + 1e-4 (1 + 4 + 9))^0.75: the first of four maps sees itself and two neighbours.
    y = local_response_norm(jnp.array([1.0, 2.0, 3.0, 4.0]), LocalResponseNorm())
    assert float(y[0]) == pytest.approx(1 / 2.0014**0.75, rel=1e-6)
    # PyTorch divides alpha by the size: its values are these for alpha = 5e-4.
    assert y == pytest.approx([0.59429157, 1.18787098, 1.78180659, 2.37583113], rel=1e-6)


def test_local_response_norm_of_even_size_has_pytorchs_neighbours():
    y = local_response_norm(jnp.array([10.0, 20.0, 30.0, 40.0]), LocalResponseNorm(4, 2.0, 0.01, 0.75))
    assert y == pytest.approx([2.32368069, 2.5, 2.22976327, 3.04465938], rel=1e-6)


def test_dropout_in_training_needs_a_key():
    net = Net(Network("n", (1, 1, 1), (Dropout(0.5),)), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="rngs"):
        net(jnp.ones((1, 1, 1, 1)))


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
def test_a_network_gives_the_same_logits_with_each_platforms_convolutions(name):
    network = find(name)
    x = jax.random.normal(jax.random.key(1), (4, *network.input))
    one, other = (
        nnx.jit(lambda net, x: net(x).logits)(Net(network, platform=platform, rngs=nnx.Rngs(0)), x)
        for platform in ("cpu", "gpu")
    )
    assert np.ptp(one) > 0.01
    assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
