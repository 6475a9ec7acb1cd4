"""The losses against their formulas worked out by hand, on labels and on what lies between them."""

from math import exp, log

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.evaluation.losses import (
    LOSSES,
    MAP_J,
    class_weights,
    cross_entropy,
    maximum_a_posteriori,
    mean_squared_error,
    targets,
)


def of(*labels, classes=2):
    return targets(jnp.array(labels), classes)


def test_cross_entropy_is_minus_the_logarithm_of_the_labels_probability():
    logits = jnp.log(jnp.array([[1.0, 3.0], [1.0, 3.0]]))
    assert cross_entropy(logits, of(1, 0)) == pytest.approx([-log(3 / 4), -log(1 / 4)])


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    assert cross_entropy(jnp.full((1, 10), 7.0), of(3, classes=10)) == pytest.approx([log(10)])


def test_cross_entropy_of_large_logits_is_finite():
    assert cross_entropy(jnp.array([[1e4, 0.0]]), of(1)) == pytest.approx([1e4])


def test_the_squared_error_is_the_mean_over_the_classes_of_probabilities_and_targets():
    logits = jnp.log(jnp.array([[1.0, 3.0, 4.0]]))
    squares = (0.125 - 0) ** 2 + (0.375 - 1) ** 2 + (0.5 - 0) ** 2
    assert mean_squared_error(logits, of(1, classes=3)) == pytest.approx([squares / 3])


def test_the_squared_error_of_a_certain_network_is_nothing_or_two_whole_ones():
    logits = jnp.array([[1e4, 0.0], [1e4, 0.0]])
    assert mean_squared_error(logits, of(0, 1)) == pytest.approx([0, 1])
    gradient = jax.grad(lambda x: mean_squared_error(x, of(0, 1)).sum())(logits)
    assert jnp.isfinite(gradient).all()


def test_the_map_criterion_is_equation_9():
    penalties = jnp.array([[1.0, 3.0], [1.0, 3.0]])
    normalizer = log(exp(-MAP_J) + exp(-1) + exp(-3))
    assert maximum_a_posteriori(-penalties, of(0, 1)) == pytest.approx([1 + normalizer, 3 + normalizer])


def test_the_map_criterion_of_large_distances_is_finite_with_its_gradient():
    distances, wanted = jnp.array([[5e4, 3e4, 4e4]]), of(0, classes=3)
    loss, gradient = jax.value_and_grad(lambda x: maximum_a_posteriori(-x, wanted).sum())(distances)
    assert float(loss) == pytest.approx(5e4 - MAP_J)
    assert gradient.tolist() == [[1, 0, 0]]


def test_the_map_criterion_pushes_other_classes_away_only_while_they_are_near():
    def gradient(other):
        return jax.grad(lambda x: maximum_a_posteriori(-x, of(0)).sum())(jnp.array([[0.5, other]]))[0, 1]

    assert float(gradient(0.6)) < -0.2
    assert abs(float(gradient(30.0))) < 1e-9


@pytest.mark.parametrize(
    ("name", "loss"), [("cross-entropy", cross_entropy), ("mean-squared-error", mean_squared_error)]
)
def test_losses_have_their_names(name, loss):
    assert LOSSES[name] is loss
    assert LOSSES["map"] is maximum_a_posteriori


@pytest.mark.parametrize("name", ["cross-entropy", "map"])
def test_a_loss_of_mixed_targets_is_the_mixed_loss(name):
    logits, loss = jnp.array([[0.5, -1.0, 2.0]]), LOSSES[name]
    mixed = 0.7 * of(0, classes=3) + 0.3 * of(2, classes=3)
    expected = 0.7 * loss(logits, of(0, classes=3)) + 0.3 * loss(logits, of(2, classes=3))
    assert float(loss(logits, mixed)[0]) == pytest.approx(float(expected[0]), rel=1e-6)


@given(st.sampled_from(sorted(LOSSES)), st.lists(st.floats(-30, 30), min_size=3, max_size=3), st.floats(0, 1))
def test_no_loss_is_negative(name, logits, smoothing):
    assert LOSSES[name](jnp.array([logits]), targets(jnp.array([1]), 3, smoothing))[0] >= -1e-5


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_loss_is_least_at_its_targets(name):
    wanted = targets(jnp.array([1]), 3, 0.3)
    # For the MAP criterion so sure a network that the other way out, "none of these", is out of reach.
    slope = jax.grad(lambda x: LOSSES[name](x, wanted).sum())(jnp.log(wanted) + 30)
    assert np.abs(slope).max() < 1e-6


def test_smoothing_spreads_its_share_over_all_classes():
    assert of(2, classes=4).tolist() == [[0, 0, 1, 0]]
    assert targets(jnp.array([1]), 4, 0.2)[0] == pytest.approx([0.05, 0.85, 0.05, 0.05])
    logits = jnp.log(jnp.array([[0.1, 0.6, 0.2, 0.1]]))
    expected = -(0.05 * log(0.1) + 0.85 * log(0.6) + 0.05 * log(0.2) + 0.05 * log(0.1))
    assert cross_entropy(logits, targets(jnp.array([1]), 4, 0.2)) == pytest.approx([expected])


def test_balanced_weights_give_every_class_the_same_say():
    labels = np.array([0] * 6 + [1] * 3 + [3] * 3, np.int32)
    assert class_weights(labels, 4, "none").tolist() == [1, 1, 1, 1]
    # 12 examples of 3 classes: 12 / (3 * count). The class without examples has nothing to say.
    assert class_weights(labels, 4, "balanced") == pytest.approx([2 / 3, 4 / 3, 0, 4 / 3])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_balanced_weights_are_one_on_average_and_equal_in_sum(labels):
    weights = class_weights(np.array(labels, np.int32), 5, "balanced")
    counts = np.bincount(labels, minlength=5)
    assert (counts @ weights) / len(labels) == pytest.approx(1)
    assert (counts * weights)[counts > 0] == pytest.approx(len(labels) / np.count_nonzero(counts))
