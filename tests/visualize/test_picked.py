"""Images picked by chance, by their places and of files, with what is known of each."""

import numpy as np
import pytest
from PIL import Image

from cnncli.data.framing import Framing
from cnncli.errors import DataError, UsageError
from cnncli.visualize import picked
from tests.visualize.subjects import loaded

LABELS = [2, 0, 0, 1, 2, 0, 0, 0]


@pytest.fixture(scope="module")
def data():
    """Image number i has only pixels of i; there are five ants, a bee and two cats."""
    return loaded(np.arange(8).repeat(4).reshape(8, 2, 2, 1), LABELS)


def test_places_give_images_names_and_classes(data):
    found = picked.places([3, 0, 3], data)
    assert found.images[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert (found.names, found.labels, found.places) == (("#3 bee", "#0 cat", "#3 bee"), (1, 2, 1), (3, 0, 3))


def test_a_place_beyond_the_split_is_said(data):
    with pytest.raises(UsageError, match="--index 8: the split has 8 images, 0 to 7"):
        picked.places([0, 8], data)


def test_images_by_chance_are_one_of_each_class_then_the_second_of_each(data):
    assert picked.drawn(data, 3, seed=0).labels == (0, 1, 2)
    # There is one bee and there are two cats.
    assert picked.drawn(data, 6, seed=0).labels == (0, 1, 2, 0, 2, 0)
    assert sorted(picked.drawn(data, 100, seed=0).places) == list(range(8))


def test_the_seed_decides_and_nothing_else(data):
    drawn = [picked.drawn(data, 3, seed).places for seed in range(20)]
    assert picked.drawn(data, 3, 4).places == drawn[4]
    assert {places[0] for places in drawn} == {1, 2, 5, 6, 7}


def test_images_of_one_class(data):
    found = picked.drawn(data, 3, 0, only=0)
    assert (found.labels, len(set(found.places))) == ((0, 0, 0), 3)
    assert picked.drawn(data, 9, 0, only=2).labels == (2, 2)
    with pytest.raises(UsageError, match="--class: the split has no image of 'bee'"):
        picked.drawn(loaded(np.zeros((1, 2, 2, 1)), [0]), 1, 0, only=1)


def test_files_are_framed_at_the_networks_size(tmp_path):
    Image.new("RGB", (60, 40), (10, 20, 30)).save(tmp_path / "plain.png")
    found = picked.files([str(tmp_path / "plain.png"), "flower"], Framing((4, 6)), 3)
    assert found.images.shape == (2, 4, 6, 3)
    assert found.images[0].reshape(-1, 3).tolist() == [[10, 20, 30]] * 24
    assert (found.names, found.labels, found.places) == (("plain.png", "flower"), (None, None), ())
    with pytest.raises(DataError, match="there is no picture"):
        picked.files([str(tmp_path / "none.png")], Framing((4, 6)), 3)
