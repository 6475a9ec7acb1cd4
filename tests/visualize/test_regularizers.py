"""Regularizers have the values that one computes by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.visualize.regularizers import Blur, Centre, Power, TotalVariation

ZERO = jnp.full((1, 1, 1, 1), 0.25)


def edge(height, low, high, side=4):
    """Columns of one value on the left, of another on the right."""
    image = np.full((1, height, side, 1), low, np.float32)
    image[:, :, side // 2 :] = high
    return jnp.asarray(image)


@pytest.mark.parametrize(("power", "each"), [(1, 0.5), (2, 0.25), (1.5, 0.5**1.5)])
def test_total_variation_of_a_step_edge_is_its_length_times_its_height(power, each):
    assert TotalVariation(2.0, power)(edge(3, 0.2, 0.7), ZERO) == pytest.approx([2 * 3 * each], rel=1e-6)


def test_total_variation_of_one_bright_pixel():
    image = jnp.zeros((1, 3, 3, 1)).at[0, 1, 1, 0].set(1.0)
    # Its own two differences are at one place, those of its upper and its left neighbour at two others.
    assert TotalVariation(1.0)(image, ZERO) == pytest.approx([np.sqrt(2) + 1 + 1], rel=1e-6)
    assert TotalVariation(1.0, 2)(image, ZERO) == pytest.approx([4], rel=1e-6)


def test_nothing_pulls_where_nothing_differs():
    flat = jnp.full((1, 3, 3, 2), 0.3)
    slope = jax.grad(lambda x: TotalVariation(1.0)(x, ZERO).sum())(flat)
    assert np.array_equal(slope, np.zeros_like(flat))


def test_powers_of_the_distance_from_zero():
    images = jnp.stack([jnp.full((2, 1, 1), 0.75), jnp.array([[[0.25]], [[0.0]]])])
    assert Power(3.0)(images, ZERO) == pytest.approx([3 * 2 * 0.25, 3 * 0.0625])
    assert Power(1.0, 6)(images, ZERO) == pytest.approx([2 * 0.5**6, 0.25**6])


def test_each_image_has_a_number_of_its_own():
    both = jnp.concatenate([edge(3, 0.2, 0.7), edge(3, 0.5, 0.5)])
    assert TotalVariation(1.0)(both, ZERO) == pytest.approx([1.5, 0])


def test_a_blur_is_a_gaussian_and_keeps_what_is_flat():
    dot = jnp.zeros((1, 7, 7, 1)).at[0, 3, 3, 0].set(1.0)
    spread = Blur(0.5)(dot)[0, :, :, 0]
    assert spread[3, 4] / spread[3, 3] == pytest.approx(np.exp(-1 / (2 * 0.25)), rel=1e-5)
    assert np.allclose(spread, spread.T) and np.allclose(spread, spread[::-1])
    assert Blur(1.5)(jnp.full((1, 5, 4, 2), 0.3)) == pytest.approx(np.full((1, 5, 4, 2), 0.3), rel=1e-6)


def test_a_centre_weighs_the_middle_most():
    weights = Centre(0.25)(5, 3)
    assert weights.shape == (5, 3, 1)
    assert weights[2, 1, 0] == 1
    assert weights[2, 0, 0] == pytest.approx(np.exp(-((1 / 3) ** 2) / (2 * 0.0625)), rel=1e-5)
    assert np.allclose(weights, weights[::-1, ::-1])


def test_words():
    pulls = Power(0.1), Power(0.01, 6), TotalVariation(0.5, 1.5)
    assert [pull.words for pull in pulls] == ["L2 0.1", "alpha-norm (6) 0.01", "total variation (1.5) 0.5"]
