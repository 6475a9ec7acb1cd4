"""Climbing: scores rise, pixels stay pixels, and the same seed ends in the same bits."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.ascent import Ascent, Canvas, climb, even, span, words
from cnncli.visualize.objectives import ClassScore, UnitScore
from cnncli.visualize.regularizers import Blur, Centre, Power, TotalVariation
from tests.visualize.subjects import subject

LINEAR = Network("linear", (4, 4, 1), (Flatten(), Dense(3, name="output")))
SMALL = Network(
    "small",
    (8, 8, 3),
    (Conv(4, 3, name="c1"), Activation("relu"), Flatten(), Dense(3, name="output")),
)
EVERY = ClassScore(jnp.arange(3))


def start(net, count=3):
    return Canvas.of(net).noise(count, 0)


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "mean-image"])
def test_a_canvas_is_what_the_network_sees_of_pixels(scaling):
    net = subject(SMALL, scaling=scaling)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    canvas = Canvas.of(net)
    pixels = canvas.pixels(images, net)
    assert pixels == pytest.approx(images / 255, abs=1e-6)
    assert canvas.seen(pixels) == pytest.approx(np.asarray(net.seen(images)), rel=1e-6, abs=1e-5)
    assert canvas.seen(canvas.zero) == pytest.approx(np.zeros((1, 8, 8, 3)), abs=1e-6)
    noise = canvas.noise(5, 1)
    assert noise.min() >= 0 and noise.max() <= 1
    assert not np.array_equal(noise, canvas.noise(5, 2))


def test_every_step_raises_the_score_of_a_linear_network_up_to_its_greatest():
    net = subject(LINEAR)
    found = climb(net, EVERY, start(net), Ascent(100, 1.0))
    assert found.scores.shape == (101, 3)
    assert (np.diff(found.scores, axis=0) >= -1e-6).all()
    # Where a weight is positive a pixel is white, elsewhere black.
    kernel = np.asarray(net.trained.params["output"]["kernel"]).T.reshape(3, 4, 4, 1)
    assert np.array_equal(found.images, np.where(kernel > 0, 255, 0))
    assert found.scores[-1] == pytest.approx(np.maximum(kernel, 0).sum(axis=(1, 2, 3)), rel=1e-4)


HOWS = {
    "plain": Ascent(30, 0.05),
    "jitter": Ascent(30, 0.05, jitter=2),
    "variation": Ascent(30, 0.05, (TotalVariation(0.3),)),
    "l2": Ascent(30, 0.05, (Power(0.3),)),
    "blur": Ascent(30, 0.05, blur=Blur(0.3, 5)),
    "decay": Ascent(30, 0.05, decay=0.01),
    "centre": Ascent(30, 0.05, centre=Centre(0.3)),
}


@pytest.fixture(scope="module")
def climbs():
    net = subject(SMALL, scaling="symmetric")
    return {name: climb(net, EVERY, start(net), how, 3) for name, how in HOWS.items()}


@pytest.mark.parametrize("name", HOWS)
def test_a_climb_ends_higher_and_in_valid_pixels(climbs, name):
    found = climbs[name]
    assert (found.scores[-1] > found.scores[0]).all()
    assert found.pixels.min() >= 0 and found.pixels.max() <= 1
    assert not found.flat.any()
    assert np.array_equal(found.images, np.round(255 * np.asarray(found.pixels)))


def test_what_keeps_an_image_natural_does(climbs):
    zero = jnp.full((1, 1, 1, 1), 0.5)
    roughness, size = TotalVariation(1.0), Power(1.0)
    plain = climbs["plain"].pixels
    assert (roughness(climbs["variation"].pixels, zero) < roughness(plain, zero)).all()
    assert (roughness(climbs["blur"].pixels, zero) < roughness(plain, zero)).all()
    assert (size(climbs["l2"].pixels, zero) < size(plain, zero)).all()
    assert (size(climbs["decay"].pixels, zero) < size(plain, zero)).all()
    moved = jnp.abs(climbs["centre"].pixels - start(subject(SMALL, scaling="symmetric")))
    assert moved[:, 3:5, 3:5].mean() > 3 * moved[:, [0, -1]][:, :, [0, -1]].mean()


def test_the_same_seed_ends_in_the_same_bits_and_another_does_not(climbs):
    net = subject(SMALL, scaling="symmetric")
    again = climb(net, EVERY, start(net), HOWS["jitter"], 3)
    assert np.array_equal(again.pixels, climbs["jitter"].pixels)
    assert not np.array_equal(climb(net, EVERY, start(net), HOWS["jitter"], 4).pixels, again.pixels)


def test_what_is_kept_on_the_way():
    net = subject(LINEAR)
    found = climb(net, EVERY, start(net), Ascent(10, 0.1), frames=3)
    assert [step for step, _ in found.kept] == [0, 5, 10]
    assert np.array_equal(found.kept[0][1], np.round(255 * np.asarray(start(net))))
    assert [step for step, _ in climb(net, EVERY, start(net), Ascent(10, 0.1)).kept] == [10]


def test_a_dead_unit_has_no_gradient_and_changes_nothing():
    net = subject(SMALL)
    net.trained.params["c1"]["bias"] = jnp.array([-100.0, 0, 0, 0])
    found = climb(net, UnitScore("relu1", jnp.array([0, 1])), start(net, 2), Ascent(5, 0.1))
    assert found.flat.tolist() == [True, False]
    assert np.array_equal(found.pixels[0], start(net, 2)[0])


def test_a_network_that_has_diverged_is_said():
    net = subject(LINEAR)
    net.trained.params["output"]["bias"] = jnp.full(3, jnp.nan)
    with pytest.raises(DataError, match="training has diverged"):
        climb(net, EVERY, start(net), Ascent(2, 0.1))


def test_an_even_gradient():
    push, size = even(jnp.stack([jnp.full((2, 2, 1), -4.0), jnp.zeros((2, 2, 1))]))
    assert push[:, 0, 0, 0].tolist() == [-1, 0]
    assert size.tolist() == [4, 0]


def test_words():
    how = Ascent(20, 0.05, (TotalVariation(0.5),), 4, Blur(0.5, 10), 0.01, Centre(0.3))
    assert words(how) == (
        "20 steps of 0.05, total variation (1) 0.5, jitter 4, blur 0.5 every 10 steps, decay 0.01, weighted to the "
        "centre 0.3"
    )
    assert span(np.array([0.5, -1.25])) == "-1.25 to 0.5"
    assert span(np.array([3.0])) == "3"
