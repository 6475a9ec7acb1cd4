"""Neighbours: the nearest by hand, never the query itself, and shares of the same class in both spaces."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from cnncli.data.framing import Framing
from cnncli.drawing.palette import GREEN, ORANGE
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import picked
from cnncli.visualize.features import Layer
from cnncli.visualize.neighbours import Share, nearest, neighbours, shares
from tests.visualize.subjects import loaded, subject


def column(*values):
    return np.array(values, np.float32)[:, None]


def test_the_nearest_are_those_at_the_least_distance_without_the_query():
    among = column(0, 1, 10, 11.5, 4)
    assert nearest(column(0, 10), among, 2, [0, 2]).tolist() == [[1, 4], [3, 4]]
    assert nearest(column(3.2), among, 3, [None]).tolist() == [[4, 1, 0]]


def test_copies_of_a_query_are_neighbours():
    assert sorted(nearest(column(5, 5), column(5, 5, 5, 9), 2, [0, 2]).tolist()[0]) == [1, 2]
    # Among so many at the same place, the query need not be among the first.
    found = nearest(column(*[7] * 50), column(*[7] * 50), 3, list(range(50)))
    assert found.shape == (50, 3)
    assert all(at not in row for at, row in enumerate(found.tolist()))


def test_there_are_no_more_than_there_are():
    assert nearest(column(0, 1), column(0, 1), 5, [0, 1]).tolist() == [[1], [0]]
    assert nearest(column(0), column(0, 1), 5, [None]).tolist() == [[0, 1]]


def test_distances_of_far_values_are_exact():
    # In float32, x^2 - 2xy + y^2 would lose what tells these apart.
    among = column(10000, 10001, 10002.5, 10004)
    assert nearest(among, among, 3, range(4)).tolist() == [[1, 2, 3], [0, 2, 3], [1, 3, 0], [2, 1, 0]]


def test_neighbours_are_those_of_every_distance_computed():
    values = np.random.default_rng(0).normal(size=(60, 7)).astype(np.float32)
    distances = np.linalg.norm(values[:, None].astype(float) - values[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(nearest(values, values, 4, range(60)), distances.argsort(axis=1)[:, :4])


def test_shares_count_those_of_the_querys_class():
    found = [np.array([[1, 1], [2, 0], [0, 0]]), np.array([[0, 0], [2, 2], [0, 0]])]
    assert shares([1, 2, None], found) == (Share(3, 4, 2), Share(2, 4, 2))
    assert shares([None, None, None], found) == ()
    assert str(Share(1234, 5000, 1000)) == "1,234 of 5,000 (24.7%)"


# Two pixels; the network's one feature is the second, so that it knows the classes and pixels do not.
NETWORK = Network("n", (1, 2, 1), (Flatten(), Dense(1, name="second"), Dense(3, name="out")))
PARAMS = {
    "second": {"kernel": jnp.array([[0.0], [1.0]]), "bias": jnp.zeros(1)},
    "out": {"kernel": jnp.ones((1, 3)), "bias": jnp.zeros(3)},
}
PIXELS = [(0, 0), (2, 30), (100, 1), (101, 31), (200, 2), (202, 32)]
LABELS = [0, 1, 0, 1, 0, 1]


@pytest.fixture(scope="module")
def data():
    return loaded(np.array(PIXELS).reshape(6, 1, 2, 1), LABELS)


@pytest.fixture(scope="module")
def found(data):
    queries = picked.places([0, 3], data)
    return neighbours(subject(NETWORK, PARAMS), data, queries, Layer.of(NETWORK, None), 1, None, 0)


def test_features_know_what_pixels_do_not(found):
    assert [one.tolist() for one in found.found] == [[[1], [2]], [[2], [1]]]
    assert found.shown == (Share(0, 2, 2), Share(2, 2, 2))
    assert found.counted == (Share(0, 6, 6), Share(6, 6, 6))
    assert found.sentences == (
        "neighbours of the same class, of the 2 queries shown: by pixels 0 of 2 (0.0%), by features 2 of 2 (100.0%)",
        "neighbours of the same class, of 6 drawn by chance: by pixels 0 of 6 (0.0%), by features 6 of 6 (100.0%)",
    )


def test_a_sheet_says_with_words_and_colours_which_are_of_the_class(found):
    sheet = found.sheet("title")
    first = sheet.lines[0]
    assert (first.name, sheet.heads) == ("ant", ["query", "pixels 1", "features 1"])
    query, by_pixels, by_features = first.panels
    assert (query.caption, query.frame, query.pixels.tolist()) == ("#0", "", [[[0], [0]]])
    assert (by_pixels.caption, by_pixels.frame, by_pixels.pixels.tolist()) == ("bee\nother", ORANGE, [[[2], [30]]])
    assert (by_features.caption, by_features.frame, by_features.pixels.tolist()) == ("ant\nsame", GREEN, [[[100], [1]]])
    assert "Among 6 images" in sheet.note
    assert "1 values of second" in sheet.note


def test_a_picture_of_a_file_has_neighbours_and_no_class(data, tmp_path):
    Image.fromarray(np.array([[98, 29]], np.uint8)).save(tmp_path / "own.png")
    looked = subject(NETWORK, PARAMS)
    queries = picked.files([str(tmp_path / "own.png")], Framing(NETWORK.input[:2]), NETWORK.input[2])
    found = neighbours(looked, data, queries, Layer.of(NETWORK, None), 2, None, 0)
    assert [one.tolist() for one in found.found] == [[[3, 2]], [[1, 3]]]
    assert (found.shown, found.counted[0].queries, len(found.sentences)) == ((), 6, 1)
    panel = found.sheet("").lines[0].panels[1]
    assert (panel.caption, panel.frame) == ("bee", "")


def test_a_dead_layer_is_said(data):
    dead = {**PARAMS, "second": {"kernel": jnp.zeros((2, 1)), "bias": jnp.ones(1)}}
    queries = picked.places([0], data)
    found = neighbours(subject(NETWORK, dead), data, queries, Layer.of(NETWORK, None), 1, None, 0)
    assert found.sentences[0] == "all images are the same by features: which of them are nearest means nothing there"


def test_among_some_images_a_query_need_not_be(data):
    queries = picked.places(range(6), data)
    found = neighbours(subject(NETWORK, PARAMS), data, queries, Layer.of(NETWORK, None), 1, 3, 0)
    assert (found.among, found.counted[0].queries) == (3, 3)
    places = {int(place) for one in found.found for row in one for place in row}
    assert len(places) <= 3
    assert all(at not in row for one in found.found for at, row in enumerate(one.tolist()))


def test_the_librarys_answer_is_used_as_it_is():
    values = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    library = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(values).kneighbors(values)[1]
    np.testing.assert_array_equal(nearest(values, values, 3, range(30)), library[:, 1:])
