"""Figure 12.11's one-dimensional net: five inputs, a filter of three weights, three outputs, and its transpose."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from cnncli.models.model import model
from cnncli.networks.layers import Conv
from cnncli.networks.network import Network
from cnncli.sizing.calculator import Question, calculate

NET = Network("figure-12.11", (1, 5, 1), (Conv(1, (1, 3), bias=False, name="w"),))


def outputs(w, z):
    """The net's a1, a2, a3 by the model of its layers."""
    params = {"w": {"kernel": jnp.reshape(w, (1, 3, 1, 1))}}
    return model(NET).logits(params, {}, jnp.reshape(z, (1, 1, 5, 1))).ravel()


@pytest.fixture
def numbers():
    """Weights, inputs, and the derivatives of the loss to the outputs."""
    return [np.random.default_rng(0).normal(size=size).astype(np.float32) for size in (3, 5, 3)]


def test_five_inputs_and_three_weights_have_three_outputs(numbers):
    (w1, w2, w3), (z1, z2, z3, z4, z5), _ = numbers
    assert calculate(Question((1, 5), (1, 3))).out == (1, 3)
    by_hand = [w1 * z1 + w2 * z2 + w3 * z3, w1 * z2 + w2 * z3 + w3 * z4, w1 * z3 + w2 * z4 + w3 * z5]
    assert outputs(*numbers[:2]) == pytest.approx(by_hand, rel=1e-5)


def test_a_shared_weight_sums_what_each_of_its_places_asks_for(numbers):
    w, z, d = numbers
    z1, z2, z3, z4, z5 = z
    d1, d2, d3 = d
    gradient = jax.grad(lambda w: jnp.sum(outputs(w, z) * d))(w)
    by_hand = [z1 * d1 + z2 * d2 + z3 * d3, z2 * d1 + z3 * d2 + z4 * d3, z3 * d1 + z4 * d2 + z5 * d3]
    assert gradient == pytest.approx(by_hand, rel=1e-5)


def test_the_derivatives_of_a_loss_are_those_of_the_figure(numbers):
    w, z, target = numbers

    def loss(a):
        return jnp.sum((jnp.tanh(a) - target) ** 2)

    d1, d2, d3 = jax.grad(loss)(outputs(w, z))
    gradient = jax.grad(lambda w: loss(outputs(w, z)))(w)
    assert gradient[0] == pytest.approx(float(z[0] * d1 + z[1] * d2 + z[2] * d3), rel=1e-4)


def test_the_transpose_spreads_each_output_over_the_inputs_it_saw(numbers):
    w, z, a = numbers
    (w1, w2, w3), (a1, a2, a3) = w, a
    # The chapter prints z'2 = w2 a'1 + w3 a'2, a misprint.
    by_hand = [w1 * a1, w2 * a1 + w1 * a2, w3 * a1 + w2 * a2 + w1 * a3, w3 * a2 + w2 * a3, w3 * a3]
    (backward,) = jax.vjp(lambda z: outputs(w, z), z)[1](a)
    assert backward == pytest.approx(by_hand, rel=1e-5)
    kernel = w.reshape(3, 1, 1)
    image, dimensions = a.reshape(1, 3, 1), ("NWC", "WIO", "NWC")
    spread = lax.conv_transpose(image, kernel, (1,), "VALID", dimension_numbers=dimensions, transpose_kernel=True)
    assert spread.ravel() == pytest.approx(by_hand, rel=1e-5)
