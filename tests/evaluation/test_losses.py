"""The losses against their formulas worked out by hand."""

from math import exp, log

import jax
import jax.numpy as jnp
import pytest

from cnncli.evaluation.losses import LOSSES, MAP_J, cross_entropy, maximum_a_posteriori


def test_cross_entropy_is_minus_the_logarithm_of_the_labels_probability():
    logits = jnp.log(jnp.array([[1.0, 3.0], [1.0, 3.0]]))
    assert cross_entropy(logits, jnp.array([1, 0])) == pytest.approx([-log(3 / 4), -log(1 / 4)])


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    assert cross_entropy(jnp.full((1, 10), 7.0), jnp.array([3])) == pytest.approx([log(10)])


def test_cross_entropy_of_large_logits_is_finite():
    assert cross_entropy(jnp.array([[1e4, 0.0]]), jnp.array([1])) == pytest.approx([1e4])


def test_the_map_criterion_is_equation_9():
    penalties = jnp.array([[1.0, 3.0], [1.0, 3.0]])
    normalizer = log(exp(-MAP_J) + exp(-1) + exp(-3))
    assert maximum_a_posteriori(-penalties, jnp.array([0, 1])) == pytest.approx([1 + normalizer, 3 + normalizer])


def test_the_map_criterion_of_large_distances_is_finite_with_its_gradient():
    distances, labels = jnp.array([[5e4, 3e4, 4e4]]), jnp.array([0])
    loss, gradient = jax.value_and_grad(lambda x: maximum_a_posteriori(-x, labels).sum())(distances)
    assert float(loss) == pytest.approx(5e4 - MAP_J)
    assert gradient.tolist() == [[1, 0, 0]]


def test_the_map_criterion_pushes_other_classes_away_only_while_they_are_near():
    def gradient(other):
        return jax.grad(lambda x: maximum_a_posteriori(-x, jnp.array([0])).sum())(jnp.array([[0.5, other]]))[0, 1]

    assert float(gradient(0.6)) < -0.2
    assert abs(float(gradient(30.0))) < 1e-9


def test_losses_have_their_names():
    assert LOSSES["cross-entropy"] is cross_entropy
    assert LOSSES["map"] is maximum_a_posteriori
