"""Dreaming: tiles cover a picture of any size, octaves grow, and layers give more."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.drawing.sheet import Sheet
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import dream
from cnncli.visualize.dream import Dream, Tiles
from cnncli.visualize.objectives import Energy
from tests.visualize.subjects import subject

NETWORK = Network("net", (6, 6, 3), (Conv(3, 3, name="c1"), Activation("relu"), Flatten(), Dense(3, name="output")))
PICTURE = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)
HOW = Dream(("relu1",), 3, 4, 0.02, 6)


@pytest.fixture(scope="module")
def net():
    return subject(NETWORK)


@pytest.fixture(scope="module")
def dreamt(net):
    return dream.dream(net, PICTURE, HOW, 0, frames=3)


@pytest.mark.parametrize(("side", "found"), [(6, [0]), (7, [0, 1]), (12, [0, 6]), (13, [0, 6, 7]), (17, [0, 6, 11])])
def test_tiles_cover_a_side(side, found):
    assert dream.starts(side, 6) == found


def test_the_slope_of_a_picture_is_that_of_its_tiles():
    # The one map is the image, so the energy of a tile is its mean square, and the slope 2x/n everywhere.
    net = subject(Network("net", (4, 4, 1), (Conv(1, 1, name="c1"), Flatten(), Dense(3))))
    net.trained.params["c1"].update(kernel=jnp.ones((1, 1, 1, 1)), bias=jnp.zeros(1))
    pixels = np.random.default_rng(1).random((7, 10, 1), np.float32)
    slope, mean = Tiles(net, Energy(("c1",))).slope(pixels)
    assert slope == pytest.approx(2 * pixels / 16, rel=1e-5)
    tiles = [pixels[d : d + 4, r : r + 4] for d in (0, 3) for r in (0, 4, 6)]
    assert mean == pytest.approx(np.mean(np.square(tiles)), rel=1e-5)


def test_octaves_grow_up_to_the_picture_and_none_is_smaller_than_a_tile():
    assert dream.sizes((196, 392), (32, 32), 3) == [(100, 200), (140, 280), (196, 392)]
    assert dream.sizes((40, 60), (32, 32), 9) == [(40, 60)]


@pytest.mark.parametrize(
    ("shape", "longest", "size"),
    [((427, 640), 384, (256, 384)), ((20, 30), 384, (32, 48)), ((40, 300), 100, (32, 240)), ((32, 32), 99, (32, 32))],
)
def test_pictures_are_made_smaller_but_never_than_a_tile(shape, longest, size):
    assert dream.fitted(shape, (32, 32), longest) == size


def test_layers_give_more_and_pixels_stay_valid(dreamt):
    assert dreamt.after > 1.2 * dreamt.before
    assert [image.shape for image in dreamt.kept] == [(9, 14, 3)] * 3
    assert dreamt.kept[-1].dtype == np.uint8
    assert not np.array_equal(dreamt.kept[-1], PICTURE)
    assert not dreamt.flat


def test_the_same_seed_dreams_the_same(net, dreamt):
    again = dream.dream(net, PICTURE, HOW, 0)
    assert np.array_equal(again.kept[0], dreamt.kept[-1])
    assert not np.array_equal(dream.dream(net, PICTURE, HOW, 1).kept[0], again.kept[0])


def test_a_dead_layer_changes_nothing():
    net = subject(NETWORK)
    net.trained.params["c1"]["bias"] = jnp.full(3, -100.0)
    found = dream.dream(net, PICTURE, Dream(("relu1",), 1, 2, 0.1, 2), 0)
    assert found.flat
    assert np.array_equal(found.kept[-1], PICTURE)


def test_layers_by_default():
    assert dream.paths(subject(find("lenet5-modern"), {}, {})) == ("relu2",)
    assert dream.paths(subject(find("resnet20"), {}, {})) == ("conv3/block3/relu2",)
    assert dream.paths(subject(find("mlp"), {}, {})) == ("relu1",)
    assert dream.paths(subject(find("mlp"), {}, {}), ["hidden", "relu1", "hidden"]) == ("hidden", "relu1")


def test_originals_stand_beside_dreams(dreamt):
    pages = dream.sheets([dreamt], ["a.png"], Sheet([], "a title", "a note"))
    assert len(pages) == 3
    (line,) = pages[-1].lines
    assert (line.name, pages[-1].heads, pages[-1].title) == ("a.png", ("original", "dream"), "a title")
    assert np.array_equal(line.panels[0].pixels, PICTURE)
    assert np.array_equal(line.panels[1].pixels, dreamt.kept[-1])
