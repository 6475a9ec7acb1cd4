"""Changes of images: nothing at no strength, and what their names say at others."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.visualize.attacks import keys
from cnncli.visualize.changes import CHANGES, blur

RNG = np.random.default_rng(0)
IMAGES = jnp.asarray(RNG.integers(0, 256, (3, 6, 8, 2)), jnp.float32)
SQUARES = jnp.asarray(RNG.integers(0, 256, (2, 7, 7, 1)), jnp.float32)
KEYS = keys(0, 3)


def made(name, x, strength):
    """By what is computed, also where nothing is to change."""
    change = CHANGES[name]
    return [np.asarray(change.made(x, KEYS[: len(x)], *way)) for way in change.ways(strength, x.shape[1:3])]


@pytest.mark.parametrize("name", CHANGES)
def test_no_strength_changes_nothing_at_all(name):
    change = CHANGES[name]
    assert change.changed(IMAGES, KEYS, change.none)[0] is IMAGES
    for found in made(name, IMAGES, change.none):
        np.testing.assert_array_equal(found, IMAGES)


def test_a_shift_moves_whole_pixels_in_four_directions_and_brings_in_background():
    left, right, up, down = made("shift", IMAGES, 2.0)
    x = np.asarray(IMAGES)
    np.testing.assert_allclose(left[:, :, :-2], x[:, :, 2:], atol=1e-4)
    np.testing.assert_allclose(right[:, :, 2:], x[:, :, :-2], atol=1e-4)
    np.testing.assert_allclose(up[:, :-2], x[:, 2:], atol=1e-4)
    np.testing.assert_allclose(down[:, 2:], x[:, :-2], atol=1e-4)
    assert not left[:, :, -2:].any()
    assert not right[:, :, :2].any()
    assert not up[:, -2:].any()
    assert not down[:, :2].any()


def test_a_rotation_turns_both_ways_about_the_middle():
    one, other = made("rotation", SQUARES, 90.0)
    np.testing.assert_allclose(one, np.rot90(SQUARES, -1, axes=(1, 2)), atol=1e-2)
    np.testing.assert_allclose(other, np.rot90(SQUARES, 1, axes=(1, 2)), atol=1e-2)


def test_a_scale_is_of_height_and_width_about_the_middle():
    (larger,) = made("scale", SQUARES, 2.0)
    np.testing.assert_allclose(larger[:, 1::2, 1::2], SQUARES[:, 2:5, 2:5], atol=1e-3)
    (smaller,) = made("scale", SQUARES, 0.5)
    np.testing.assert_allclose(smaller[:, 2:5, 2:5], SQUARES[:, 1::2, 1::2], atol=1e-3)
    assert not smaller[:, 0].any()


def test_a_blur_is_a_gaussian_beyond_whose_ends_the_image_goes_on():
    for size, sigma in ((5, 0.5), (8, 1.5), (4, 3.0)):
        reach = int(np.ceil(4 * sigma))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        line = RNG.uniform(size=size)
        expected = np.convolve(np.pad(line, reach, "edge"), kernel / kernel.sum(), "valid")
        np.testing.assert_allclose(blur(size, sigma) @ line, expected, rtol=1e-4)
    (found,) = made("blur", jnp.full((1, 6, 8, 2), 200.0), 2.0)
    np.testing.assert_allclose(found, 200, rtol=1e-5)


def test_a_blur_is_of_rows_and_columns():
    x = np.zeros((1, 9, 9, 1), np.float32)
    x[0, 4, 4] = 1
    (found,) = made("blur", jnp.asarray(x), 1.0)
    kernel = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    np.testing.assert_allclose(found[0, :, :, 0], np.outer(kernel, kernel) / kernel.sum() ** 2, atol=1e-6)


def test_noise_deviates_as_said_and_stays_in_valid_pixels():
    grey = jnp.full((3, 40, 40, 1), 128.0)
    (found,) = made("noise", grey, 0.1)
    assert np.std(found - 128) == pytest.approx(25.5, rel=0.05)
    assert abs(np.mean(found - 128)) < 2
    (strong,) = made("noise", grey, 1.0)
    assert (strong.min(), strong.max()) == (0, 255)


def test_noise_is_the_same_at_every_strength_and_each_images_own():
    grey = jnp.full((3, 5, 5, 1), 128.0)
    (one,), (other,) = made("noise", grey, 0.01), made("noise", grey, 0.02)
    np.testing.assert_allclose(2 * (one - 128), other - 128, atol=1e-3)
    assert len(np.unique(one.reshape(3, -1), axis=0)) == 3
    again = CHANGES["noise"].made(grey[:2], KEYS[:2], 0.01)
    np.testing.assert_array_equal(again, one[:2])


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("side", [8, 28, 32, 224])
def test_strengths_rise_past_none_and_those_in_pixels_grow_with_images(name, side):
    change = CHANGES[name]
    found = change.strengths_for((side, side))
    assert found == sorted(set(found))
    assert change.none in found
    last = {"shift": side / 4, "rotation": 90, "scale": 1.5, "blur": 3 * side / 32, "noise": 0.4}[name]
    assert found[-1] == pytest.approx(last, rel=0.15)
    assert name != "shift" or all(strength == int(strength) for strength in found)
