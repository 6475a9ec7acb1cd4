"""Weights drawn anew from the top down, and what is left of attributions."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.attribution import Explainer, How
from cnncli.visualize.picked import Picked
from cnncli.visualize.saliency import explain
from cnncli.visualize.sanity import Sanity, arrays, draw, rank_correlations, redrawn, sanity, stops, words
from tests.visualize.subjects import subject

NETWORK = Network("tiny", (6, 6, 1), (Conv(2, 3, name="first"), Activation("relu"), Flatten(), Dense(3, name="last")))


def test_ranks_correlate_as_spearmans_do():
    draw = np.random.default_rng(0)
    # Whole numbers, so that there are ties.
    one, other = draw.integers(0, 6, (3, 4, 5)).astype(np.float32), draw.integers(0, 6, (3, 4, 5)).astype(np.float32)
    other[2] = -(one[2] ** 3)
    wanted = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(rank_correlations(one, other), wanted, rtol=1e-5)
    assert rank_correlations(one, other)[2] == pytest.approx(-1)
    assert np.isnan(rank_correlations(one, np.zeros_like(one))).all()


def test_layers_are_drawn_anew_from_the_last_one_down():
    way = stops(find("lenet5"))
    assert [path for path, _ in way] == ["output", "f6", "c5", "c3", "c1"]
    assert way[0][1] == {"output"}
    assert {"f6", "output"} < way[1][1]
    assert "c5" not in way[1][1]
    long = stops(find("resnet110"))
    assert len(long) == 10
    assert (long[0][0], long[-1][0]) == ("fc", "conv1")
    assert all(above < below for (_, above), (_, below) in pairwise(long))


@pytest.mark.parametrize("name", ["lenet5-1998", "resnet20", "googlenet-torchvision", "alexnet"])
def test_all_weights_and_statistics_are_drawn_anew_at_the_end(name):
    weights = model(find(name)).shapes()
    old, new = (jax.tree.map(lambda _, value=value: value, weights) for value in (0, 1))
    (top, paths), (_, every) = stops(find(name))[0], stops(find(name))[-1]
    # Auxiliary heads have no part in the scores.
    assert set(jax.tree.leaves(redrawn(old, new, every))) == ({0, 1} if name.startswith("googlenet") else {1})
    assert sum(jax.tree.leaves(redrawn(old, new, paths))) == len(jax.tree.leaves(new[0][top]))
    assert redrawn(old, new, frozenset()) == old


@pytest.fixture(scope="module")
def asked():
    """A network as it starts, and its maps of three images."""
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 1), np.uint8)
    explainer = Explainer(subject(NETWORK, seed=0), How(steps=4))
    picked = Picked(images, ("#1 ant", "#2 bee", "#3 cat"), (0, 1, 2))
    return explainer, explain(explainer, picked, ("gradient", "guided", "integrated"))


def test_correlations_are_of_every_layer_and_image_and_the_first_images_maps_are_kept(asked):
    found, maps = sanity(*asked, False), asked[1].maps
    assert found.layers == ("last", "first")
    assert {method: values.shape for method, values in found.correlations.items()} == dict.fromkeys(maps, (2, 3))
    for method, kept in found.maps.items():
        assert kept.shape == (3, 6, 6)
        np.testing.assert_array_equal(kept[0], np.abs(maps[method][0, ..., 0]))
    # The run's own seed drew the weights it has: the same draw again would leave everything as it is.
    assert (found.correlations["gradient"][-1] < 0.9).all()


def test_signed_maps_are_compared_with_their_signs(asked):
    found, magnitudes = sanity(*asked, True), sanity(*asked, False)
    np.testing.assert_array_equal(found.maps["gradient"][0], asked[1].maps["gradient"][0].sum(axis=-1))
    assert (found.correlations["gradient"] != magnitudes.correlations["gradient"]).all()


def by_hand(**left):
    """Four layers; what is left after two of them and at the end."""
    correlations = {
        method: np.array([[0.9, 0.9], [half, half], [0.1, 0.1], [every, np.nan]], np.float32)
        for method, (half, every) in left.items()
    }
    maps = {method: np.zeros((5, 2, 2), np.float32) for method in left}
    return Sanity(("d", "c", "b", "a"), correlations, maps, False)


def test_words_say_which_methods_hardly_change():
    said = words(by_hand(gradient=(0.3, 0.1), guided=(0.9, 0.5), deconv=(0.8, 0.4)))
    assert "gradient 0.30, 0.10; guided backprop 0.90, 0.50; DeconvNet 0.80, 0.40" in said[0]
    assert said[1].startswith("guided backprop and DeconvNet: the maps hardly change")
    assert len(said) == 2
    assert "multiplied by the image" in words(by_hand(integrated=(0.9, 0.9)))[-1]
    assert words(by_hand(gradient=(0.3, np.nan)))[0].endswith("gradient 0.30, nothing")
    assert words(by_hand(gradient=(0.3, 0.2)))[-1] == "the maps of every method change with the weights"


def test_images_without_a_correlation_are_left_out_of_the_mean():
    found = by_hand(gradient=(0.3, 0.2)).left("gradient")
    np.testing.assert_allclose(found, [0.9, 0.3, 0.1, 0.2], rtol=1e-6)
    assert np.isnan(by_hand(gradient=(0.3, np.nan)).left("gradient")[-1])


def test_curves_and_maps_are_drawn_with_their_origin(asked, tmp_path):
    found, of = sanity(*asked, False), asked[1]
    path = tmp_path / "a.png"
    draw(found, of, path, "a title", {"Seed": "3"})
    with Image.open(path) as picture:
        assert picture.text["Seed"] == "3"
        assert picture.width < picture.height < 2 * picture.width
        # The image itself stands in the first line of maps, large and whole.
        values = set(np.asarray(picture.convert("L")).ravel().tolist())
    assert set(of.pixels[0].ravel().tolist()) <= values
    assert arrays(found)["sanity/layers"].tolist() == ["last", "first"]
    np.testing.assert_array_equal(arrays(found)["sanity/guided"], found.correlations["guided"])
