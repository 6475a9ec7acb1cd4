"""Changes of colour: what each leaves as it is, and by how much it changes the rest."""

from math import pi

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data import colours
from cnncli.data.colours import CHROMA, LUMA, ColourJitter, PcaNoise
from cnncli.errors import Bug

KEY = jax.random.key(7)
MANY = 300


def images(low=60, high=120, channels=3, batch=MANY):
    """Images that no change of moderate size takes out of 0..255."""
    return jnp.asarray(np.random.default_rng(0).integers(low, high, (batch, 3, 2, channels)), jnp.float32)


def changed(augment, x):
    # A program that is run once is not worth XLA's efforts.
    call = jax.jit(augment.images, compiler_options={"xla_backend_optimization_level": 0})
    return np.asarray(call(KEY, x))


def factors(after, before):
    """By what all numbers of an image are multiplied: one number an image."""
    after, before = (one.reshape(MANY, -1) for one in (after, before))
    found = (after * before.conj()).sum(axis=1) / (abs(before) ** 2).sum(axis=1)
    assert np.allclose(after, found[:, None] * before, atol=1e-3)
    return found


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_brightness_is_a_factor_on_all_pixels(channels):
    x = np.asarray(images(channels=channels))
    found = factors(changed(ColourJitter(0.4, 0, 0, 0), x), x)
    assert 0.6 <= found.min() < 0.62
    assert 1.38 < found.max() <= 1.4


@pytest.mark.parametrize(("channels", "luma"), [(1, [1.0]), (3, LUMA), (2, [0.5, 0.5])])
def test_contrast_is_a_factor_on_the_distance_from_the_mean_grey(channels, luma):
    x = np.asarray(images(channels=channels))
    after = changed(ColourJitter(0, 0.4, 0, 0), x)
    middle = (x @ np.array(luma)).mean(axis=(1, 2))[:, None, None, None]
    found = factors(after - middle, x - middle)
    assert 0.6 <= found.min() < 0.62
    assert 1.38 < found.max() <= 1.4


def test_saturation_is_a_factor_on_the_distance_from_a_pixel_s_own_grey():
    x = np.asarray(images())
    after = changed(ColourJitter(0, 0, 0.4, 0), x)
    assert np.allclose(after @ LUMA, x @ LUMA, atol=1e-3)
    found = factors(after - (x @ LUMA)[..., None], x - (x @ LUMA)[..., None])
    assert 0.6 <= found.min() < 0.62
    assert 1.38 < found.max() <= 1.4


def test_hue_turns_colours_and_keeps_how_bright_and_how_strong_they_are():
    x = np.asarray(images())
    after = changed(ColourJitter(0, 0, 0, 0.1), x)
    assert np.allclose(after @ LUMA, x @ LUMA, atol=1e-3)
    before, turned = ((one @ CHROMA.T) @ [1, 1j] for one in (x, after))
    turn = factors(turned, before)
    assert np.allclose(np.abs(turn), 1, atol=1e-3)
    share = np.angle(turn) / (2 * pi)
    assert -0.1 <= share.min() < -0.098
    assert 0.098 < share.max() <= 0.1


def test_hue_turns_red_towards_yellow_one_way_and_towards_blue_the_other():
    red = jnp.broadcast_to(jnp.array([120.0, 60.0, 60.0]), (MANY, 1, 1, 3))
    _, green, blue = changed(ColourJitter(0, 0, 0, 0.1), red)[:, 0, 0].T
    assert ((green > 60) != (blue > 60)).mean() > 0.95


def test_grey_images_have_neither_saturation_nor_hue():
    x = images(channels=1)
    assert np.allclose(changed(ColourJitter(0, 0, 1, 0.5), x), x)
    grey = jnp.broadcast_to(x, (*x.shape[:3], 3))
    assert np.allclose(changed(ColourJitter(0, 0, 1, 0.5), grey), grey, atol=1e-3)


def test_pixels_are_cut_to_their_range():
    after = changed(ColourJitter(1, 1, 1, 0.5), images(0, 256))
    assert (after.min(), after.max()) == (0, 255)


def pixels(channels=3):
    """Training images of correlated colours, and the covariance of their pixels."""
    draw = np.random.default_rng(3)
    mix = draw.uniform(-1, 1, (channels, channels)) * 25
    values = np.clip(draw.normal(size=(40, 9, 10, channels)) @ mix + 128, 0, 255).astype(np.uint8)
    return values, np.cov(values.reshape(-1, channels).T.astype(np.float64)).reshape(channels, channels)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_pca_noise_has_the_covariance_of_the_training_pixels(channels):
    values, covariance = pixels(channels)
    noise = changed(PcaNoise(0.1).for_data(values), jnp.full((20_000, 2, 1, channels), 128.0)) - 128
    assert np.array_equal(noise[:, 0], noise[:, 1])  # one colour an image
    found = np.cov(noise[:, 0, 0].T).reshape(channels, channels)
    assert np.allclose(found, 0.01 * covariance, atol=0.03 * 0.01 * covariance.max())
    assert np.allclose(noise.mean(axis=0), 0, atol=0.1)


def test_pca_noise_is_added_and_cut():
    values, _ = pixels()
    noise = PcaNoise(0.1).for_data(values)
    x = np.asarray(images(batch=50))
    added = changed(noise, x) - x
    assert np.allclose(added, added[:, :1, :1], atol=1e-3)
    after = changed(PcaNoise(5).for_data(values), x)
    assert (after.min(), after.max()) == (0, 255)


def test_components_are_measured_on_a_sample_that_is_always_the_same(monkeypatch):
    values, _ = pixels()
    whole = PcaNoise().for_data(values)
    monkeypatch.setattr(colours, "PIXELS", 2000)
    sampled = PcaNoise().for_data(values)
    assert sampled == PcaNoise().for_data(values) != whole
    assert np.allclose(sampled.directions, whole.directions, atol=0.05 * np.max(whole.directions))


def test_colours_that_never_vary_make_no_noise():
    x = images(batch=2)
    assert np.array_equal(changed(PcaNoise().for_data(np.full((2, 3, 2, 3), 9, np.uint8)), x), x)


def test_pca_noise_that_was_not_measured_is_our_mistake():
    with pytest.raises(Bug, match="pca-noise were not measured"):
        PcaNoise().images(KEY, images(batch=1))
