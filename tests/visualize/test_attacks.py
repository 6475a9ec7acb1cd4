"""Attacks where the right answer is known: on linear classifiers; and in general, what every result must obey."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.attacks import Attack, Ball, against, keys, lengths, towards, usual
from cnncli.visualize.judge import Judge
from tests.visualize.subjects import subject

# Two classes on 2x2 pixels: the first where the left column is brighter than the right, else the second.
LINE = Network("line", (2, 2, 1), (Flatten(), Dense(2, name="weights")))
COLUMNS = np.array([[1, 0], [0, 1], [2, 0], [0, 2]], np.float32)
# What the second class has more than the first, as an image.
DIFFERENCE = np.array([[-1, 1], [-2, 2]], np.float32)[None, ..., None]

CURVED = Network(
    "curved", (4, 5, 3), (Conv(4, 3, padding=1), Activation("tanh"), Flatten(), Dense(3)), variant="tiny, of tanh"
)


def line():
    return Judge(subject(LINE, {"weights": {"kernel": COLUMNS, "bias": np.zeros(2, np.float32)}}, None, ("ant", "bee")))


CURVED_JUDGES = {scaling: Judge(subject(CURVED, scaling=scaling, seed=3)) for scaling in ("unit", "symmetric")}


def grey(*values):
    return jnp.asarray(np.array(values, np.float32).reshape(-1, 2, 2, 1))


def of(labels):
    return jnp.asarray(labels, jnp.int32)


def test_fgsm_of_a_linear_classifier_is_the_sign_of_the_difference_of_weights():
    x = grey(200, 100, 150, 100)
    found = Attack(line(), "fgsm", False, 1)(x, of([0]), Ball("linf", 10 / 255), keys(0, 1))
    np.testing.assert_allclose(found - x, 10 * np.sign(DIFFERENCE), atol=1e-3)


def test_fgsm_of_l2_goes_along_the_difference_of_weights():
    x = grey(200, 100, 150, 100)
    found = Attack(line(), "fgsm", False, 1)(x, of([0]), Ball("l2", 10 / 255), keys(0, 1))
    np.testing.assert_allclose(found - x, 10 * DIFFERENCE / np.sqrt(10), atol=1e-3)


def test_a_target_is_gone_for_along_the_opposite_of_leaving_it():
    x, ball = grey(100, 100, 100, 100), Ball("linf", 0.1)
    away = Attack(line(), "fgsm", False, 1)(x, of([1]), ball, keys(0, 1))
    into = Attack(line(), "fgsm", True, 1)(x, of([1]), ball, keys(0, 1))
    np.testing.assert_allclose(away - x, -25.5 * np.sign(DIFFERENCE), atol=1e-3)
    np.testing.assert_allclose(into - x, 25.5 * np.sign(DIFFERENCE), atol=1e-3)


def test_pixels_stay_valid_where_the_ball_would_leave_them():
    found = Attack(line(), "fgsm", False, 1)(grey(5, 250, 255, 0), of([0]), Ball("linf", 0.1), keys(0, 1))
    np.testing.assert_allclose(np.ravel(found), [0, 255, 229.5, 25.5], atol=1e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_of_a_linear_classifier_ends_where_the_ball_reaches_furthest(norm):
    x, ball = grey(150, 100, 150, 100), Ball(norm, 20 / 255)
    found = Attack(line(), "pgd", False, 50)(x, of([0]), ball, keys(0, 1))
    best = ball.steepest(jnp.asarray(DIFFERENCE))
    reached, most = (float(jnp.sum(away * DIFFERENCE)) for away in (found - x, best))
    assert 0.99 * most < reached < 1.0001 * most


@settings(max_examples=10)
@given(
    st.sampled_from(["fgsm", "pgd"]),
    st.sampled_from(["linf", "l2"]),
    st.floats(0.001, 2),
    st.booleans(),
    st.sampled_from(sorted(CURVED_JUDGES)),
    st.integers(0, 10_000),
)
def test_results_stay_inside_their_ball_and_inside_valid_pixels(by, norm, radius, targeted, scaling, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 5, 3)).astype(np.float32)
    # Corners and edges of what is valid.
    pixels[0], pixels[1], pixels[2, ::2] = 0, 255, 255
    attack = Attack(CURVED_JUDGES[scaling], by, targeted, 3)
    found = attack(jnp.asarray(pixels), of([0, 1, 2, 0]), Ball(norm, radius), keys(seed, 4))
    away = np.asarray(found, np.float64) - pixels
    far = np.abs(away).max() if norm == "linf" else np.sqrt((away**2).sum(axis=(1, 2, 3))).max()
    assert 0 < far <= 255 * radius + 1e-3
    assert found.min() >= 0
    assert found.max() <= 255


@pytest.mark.parametrize("by", ["fgsm", "pgd"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_in_a_ball_of_no_size_images_stay_as_they_are(by, norm):
    x = grey(200, 100, 0, 255)
    np.testing.assert_array_equal(Attack(line(), by, False, 3)(x, of([0]), Ball(norm, 0.0), keys(0, 1)), x)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_reaches_every_target_of_a_small_network(norm):
    judge = CURVED_JUDGES["unit"]
    x = jnp.asarray(np.random.default_rng(1).uniform(0, 255, (1, 4, 5, 3)), jnp.float32)
    x, before = jnp.repeat(x, 3, axis=0), jnp.argmax(judge.logits(x)[0])
    found = Attack(judge, "pgd", True, 20)(x, of([0, 1, 2]), Ball(norm, {"linf": 0.6, "l2": 5}[norm]), keys(0, 3))
    assert jnp.argmax(judge.logits(found), axis=-1).tolist() == [0, 1, 2]
    left = Attack(judge, "pgd", False, 20)(x, of([before] * 3), Ball(norm, {"linf": 0.6, "l2": 5}[norm]), keys(0, 3))
    assert before not in jnp.argmax(judge.logits(left), axis=-1)


def test_ascent_stops_as_soon_as_the_target_is_predicted():
    judge, x = line(), grey((200, 100, 200, 100), (100, 110, 100, 110), (101, 100, 101, 100))
    found = Attack(judge, "ascent", True, 2000)(x, of([1, 1, 1]), Ball("linf", 0.0), keys(0, 3))
    assert jnp.argmax(judge.logits(found), axis=-1).tolist() == [1, 1, 1]
    np.testing.assert_array_equal(found[1], x[1])
    # One step less, and the target would not have been reached: the last one changed it.
    margins = jnp.sum((found - x) * DIFFERENCE, axis=(1, 2, 3))
    step = 255 * usual("l2", (2, 2, 1)) / 20 * np.sqrt(10)
    assert 3 * 100 < margins[0] <= 3 * 100 + step
    assert 3 < margins[2] <= 3 + step


def test_ascent_follows_the_score_of_the_target_alone():
    x = grey(200, 100, 200, 100)
    found = Attack(line(), "ascent", True, 1)(x, of([1]), Ball("linf", 0.0), keys(0, 1))
    away = np.ravel(found - x)
    assert away[0] == away[2] == 0
    assert 0 < away[1] == pytest.approx(away[3] / 2, rel=1e-4)


def test_ascent_gives_up_after_its_steps():
    judge, x = line(), grey(255, 0, 255, 0)
    found = Attack(judge, "ascent", True, 3)(x, of([1]), Ball("linf", 0.0), keys(0, 1))
    assert float(lengths(found - x).squeeze()) == pytest.approx(3 * 255 * usual("l2", (2, 2, 1)) / 20, rel=1e-3)
    assert jnp.argmax(judge.logits(found)) == 0


def test_the_odds_have_the_direction_of_the_cross_entropy_and_do_not_fade():
    logits, labels = jnp.array([[1.0, 2.0, 0.5], [3.0, -1.0, 0.0]]), of([1, 0])

    def entropy(logits):
        return jnp.sum(-jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1))

    one, other = (jax.grad(f)(logits) for f in (entropy, lambda logits: jnp.sum(against(logits, labels))))
    np.testing.assert_allclose(
        one / jnp.max(one, axis=1, keepdims=True), other / jnp.max(other, axis=1, keepdims=True), 1e-5
    )
    np.testing.assert_allclose(-jnp.array(towards(logits, labels)), against(logits, labels))
    sure = jnp.array([[500.0, 0.0, 0.0]])
    np.testing.assert_allclose(jax.grad(lambda one: against(one, of([0]))[0])(sure), [[-1, 0.5, 0.5]])


def test_a_change_drawn_in_a_ball_is_anywhere_in_it():
    cube = Ball("linf", 0.1).drawn(keys(0, 2000), (2, 2, 1))
    assert 25 < np.abs(cube).max() <= 25.5
    np.testing.assert_allclose(np.mean(np.abs(cube)), 25.5 / 2, rtol=0.05)
    ball = np.ravel(lengths(Ball("l2", 0.1).drawn(keys(0, 2000), (2, 2, 1))))
    assert ball.max() <= 25.5 * 1.00001
    # Within half the radius lies 1 / 2^4 of a ball in four dimensions.
    assert np.mean(ball < 25.5 / 2) == pytest.approx(1 / 16, abs=0.02)


def test_where_an_image_starts_is_its_own_chance():
    ball, shape = Ball("l2", 0.1), (2, 2, 1)
    many, few = ball.drawn(keys(7, 5), shape), ball.drawn(keys(7, 3), shape)
    np.testing.assert_array_equal(many[:3], few)
    assert len(np.unique(np.round(many, 6).reshape(5, -1), axis=0)) == 5
    assert not np.array_equal(ball.drawn(keys(8, 3), shape), few)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_steepest_change_is_found_on_slopes_of_any_size_and_none_on_flat_ones(norm):
    slope = jnp.asarray(DIFFERENCE)
    ball = Ball(norm, 0.1)
    np.testing.assert_allclose(ball.steepest(slope * 1e-30), ball.steepest(slope), rtol=1e-5)
    np.testing.assert_array_equal(ball.steepest(jnp.zeros((1, 2, 2, 1))), np.zeros((1, 2, 2, 1)))


def test_usual_radii():
    assert usual("linf", (28, 28, 1)) == 0.25
    assert usual("linf", (32, 32, 3)) == 8 / 255
    assert [usual("l2", shape) for shape in ((28, 28, 1), (32, 32, 3), (224, 224, 3))] == [1.8, 0.43, 3.0]
