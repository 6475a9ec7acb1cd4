"""Backward rules, against what they give by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.models.model import model
from cnncli.models.rules import RELUS, RULES, switched_max_pool
from cnncli.networks.layers import Activation, AuxiliaryHead, BatchNorm, Conv, Dense, Flatten, LocalResponseNorm, Pool
from cnncli.networks.network import Network
from cnncli.sizing.size import size

X = [-2.0, -1.0, 0.0, 3.0, 4.0]
SIGNAL = [5.0, -6.0, 7.0, -8.0, 9.0]


@pytest.mark.parametrize(
    ("rule", "back"),
    [("gradient", [0, 0, 0, -8, 9]), ("deconv", [5, 0, 7, 0, 9]), ("guided", [0, 0, 0, 0, 9])],
)
def test_a_relu_passes_back_what_its_rule_says(rule, back):
    y, pull = jax.vjp(RELUS[rule], jnp.array(X))
    assert y.tolist() == [0, 0, 0, 3, 4]
    assert pull(jnp.array(SIGNAL))[0].tolist() == back


def pooled(size_, stride, x):
    windows = size(Network("n", (*np.shape(x), 1), (Pool("max", size_, stride),))).rows[-1].windows
    return jax.vjp(lambda x: switched_max_pool(x, windows), jnp.array(x, jnp.float32)[None, ..., None])


def test_unpooling_puts_the_value_at_the_recorded_switch():
    y, pull = pooled(2, 2, [[1, 9, 2, 3], [4, 5, 8, 6], [7, 1, 0, 2], [3, 2, 1, 5]])
    assert y[0, ..., 0].tolist() == [[9, 8], [7, 5]]
    back = pull(jnp.array([[10.0, 20.0], [30.0, 40.0]])[None, ..., None])[0][0, ..., 0]
    assert back.tolist() == [[0, 10, 0, 0], [0, 0, 20, 0], [30, 0, 0, 0], [0, 0, 0, 40]]


def test_of_equal_maxima_one_is_the_switch():
    back = pooled(2, 2, [[0, 0], [0, 0]])[1](jnp.ones((1, 1, 1, 1)))[0]
    assert back[0, ..., 0].tolist() == [[1, 0], [0, 0]]


def test_overlapping_windows_add_up_at_a_shared_switch():
    back = pooled(3, 2, np.eye(5)[2][:, None] * np.eye(5)[2])[1](jnp.array([[1.0, 2], [4, 8]])[None, ..., None])[0]
    assert back[0, 2, 2, 0] == 15


# Figure 12.11: five inputs, one filter of three weights, three outputs.
FIGURE = Network("figure-12.11", (5, 1, 1), (Conv(1, (3, 1), name="conv", bias=False),))
Z, W, D = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 3.0, 5.0], [7.0, 11.0, 13.0]


def figure(rule=None):
    def run(kernel, z):
        seen = []
        params = {"conv": {"kernel": kernel.reshape(3, 1, 1, 1)}}
        net = Network("f", (5, 1, 1), (*FIGURE.layers, Flatten()))
        seen.append(model(net, rule=rule).logits(params, {}, z.reshape(1, 5, 1, 1)))
        return seen[0][0]

    return jax.vjp(run, jnp.array(W), jnp.array(Z))


@pytest.mark.parametrize("rule", [None, *RULES])
def test_the_figures_sums_and_its_transpose(rule):
    _, pull = figure(rule)
    (z1, z2, z3, z4, z5), (w1, w2, w3), (a1, a2, a3) = Z, W, D
    weights, below = pull(jnp.array(D))
    assert weights.tolist() == [z1 * a1 + z2 * a2 + z3 * a3, z2 * a1 + z3 * a2 + z4 * a3, z3 * a1 + z4 * a2 + z5 * a3]
    assert below.tolist() == [w1 * a1, w2 * a1 + w1 * a2, w3 * a1 + w2 * a2 + w1 * a3, w3 * a2 + w2 * a3, w3 * a3]


# A filter that copies and one that negates, each followed by a ReLU, and classes that weigh them.
SMALL = Network(
    "small",
    (2, 2, 1),
    (Conv(2, 1, name="conv", bias=False), Activation("relu"), Pool("max", 2, 2), Flatten(), Dense(2, name="out")),
)
PARAMS = {
    "conv": {"kernel": jnp.array([1.0, -1.0]).reshape(1, 1, 1, 2)},
    "out": {"kernel": jnp.array([[2.0, -3.0], [-5.0, 7.0]]), "bias": jnp.zeros(2)},
}
# The first map has its maximum 4 at (0, 1); the second, of the negated image, its maximum 3 at (1, 0).
IMAGE = jnp.array([[1.0, 4.0], [-3.0, -2.0]]).reshape(1, 2, 2, 1)


@pytest.mark.parametrize(
    ("rule", "label", "back"),
    [
        # Class 0 is 2 max(x) - 5 max(-x); the negated map's switch gets -5 times -1.
        ("gradient", 0, [[0, 2], [5, 0]]),
        ("guided", 0, [[0, 2], [0, 0]]),
        ("deconv", 0, [[0, 2], [0, 0]]),
        ("gradient", 1, [[0, -3], [-7, 0]]),
        ("guided", 1, [[0, 0], [-7, 0]]),
        ("deconv", 1, [[0, 0], [-7, 0]]),
    ],
)
def test_a_small_network_by_hand(rule, label, back):
    built = model(SMALL, rule=rule)
    slopes = jax.grad(lambda x: built.logits(PARAMS, {}, x)[0, label])(IMAGE)
    assert slopes[0, ..., 0].tolist() == back


def test_deconv_passes_where_the_unit_was_silent_and_guided_does_not():
    network = Network("n", (1, 1, 1), (Activation("relu"), Flatten(), Dense(1, name="out")))
    params = {"out": {"kernel": jnp.array([[3.0]]), "bias": jnp.zeros(1)}}
    silent = jnp.full((1, 1, 1, 1), -1.0)
    back = {
        rule: float(
            jax.grad(lambda x, rule=rule: model(network, rule=rule).logits(params, {}, x)[0, 0])(silent)[0, 0, 0, 0]
        )
        for rule in RULES
    }
    assert back == {"gradient": 0, "deconv": 3, "guided": 0}


@pytest.mark.parametrize("rule", RULES)
def test_forward_every_rule_is_the_same_network(rule):
    layers = (
        *(Conv(4, 3, padding=1), BatchNorm(), Activation("relu"), LocalResponseNorm(), Pool("max", 3, 2)),
        *(AuxiliaryHead((Flatten(), Dense(3)), 0.3), Pool("average", 2, 1), Flatten(), Dense(3)),
    )
    network = Network("n", (9, 9, 2), layers)
    plain = model(network)
    params, stats = plain.initialize(0)
    x = jax.random.normal(jax.random.key(1), (2, 9, 9, 2))
    ours = model(network, rule=rule)
    np.testing.assert_allclose(ours.logits(params, stats, x), plain.logits(params, stats, x), rtol=1e-6)
