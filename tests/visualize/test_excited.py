"""The nine images that excite a map most: against sorting all activations, in one batch and in many."""

import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import excited as room
from cnncli.visualize.excited import Excited, excited, looked_at
from cnncli.visualize.layers import row_of
from tests.visualize.subjects import subject

NETWORK = Network("n", (5, 6, 1), (Conv(3, 2, name="c"), Activation("relu"), Flatten(), Dense(4, name="d")))
IMAGES = np.random.default_rng(3).integers(0, 256, (23, 5, 6, 1), np.uint8)


def every(images, kernel, bias):
    """Activations (image, unit, map) of a 2x2 convolution with a ReLU, by hand."""
    x = images[..., 0].astype(np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))
    y = np.einsum("bhwij,ijm->bhwm", windows, kernel[:, :, 0]) + bias
    return np.maximum(y, 0).reshape(len(x), -1, y.shape[-1])


@pytest.mark.parametrize("batch", [250, 5])
def test_the_best_nine_are_those_of_sorting_everything(batch, monkeypatch):
    monkeypatch.setattr(room, "BATCH", batch)
    one = subject(NETWORK)
    y = every(IMAGES, *(np.asarray(one.trained.params["c"][name]) for name in ("kernel", "bias")))
    found = excited(one, IMAGES, row_of(NETWORK, "relu1"), np.arange(23))
    order = np.argsort(-y.max(axis=1), axis=0, kind="stable")[:9].T
    assert (found.images == order).all()
    assert (found.units == np.take_along_axis(y.argmax(axis=1), order.T, axis=0).T).all()
    np.testing.assert_allclose(found.values, np.take_along_axis(y.max(axis=1), order.T, axis=0).T, rtol=1e-5)
    np.testing.assert_allclose(found.least, y.min(axis=(0, 1)), rtol=1e-5)
    assert (found.among, found.maps) == (23, 3)


def planted(bias=(0.0, 0.0, 0.0)):
    """Three 2x2 filters: the sum of four pixels, its opposite, and nothing."""
    kernel = np.ones((2, 2, 1, 3)) * np.array([1.0, -1.0, 0.0])
    dense = np.arange(60 * 4).reshape(60, 4) / 240
    params = {"c": {"kernel": kernel, "bias": np.array(bias)}, "d": {"kernel": dense, "bias": np.zeros(4)}}
    return subject(NETWORK, params)


def test_of_equal_images_and_units_the_first_count_and_only_some_may_be_looked_at():
    images = np.zeros((12, 5, 6, 1), np.uint8)
    images[[2, 7, 11], 3, 2:6] = 255
    found = excited(planted(), images, row_of(NETWORK, "c"), np.array([1, 2, 3, 7, 9, 11]))
    assert found.images[0].tolist() == [2, 7, 11, 1, 3, 9]
    # Windows on its row and the one above it see two white pixels in columns 2 to 4.
    assert found.units[0].tolist() == [12, 12, 12, 0, 0, 0]
    assert found.values[0].tolist() == [2, 2, 2, 0, 0, 0]
    assert found.least.tolist() == [0, -2, 0]
    assert [found.count(number) for number in range(3)] == [3, 6, 0]


def test_a_map_without_an_answer_is_dead_and_not_among_the_strongest():
    found = excited(planted((0, 0, 2)), IMAGES, row_of(NETWORK, "relu1"), np.arange(23))
    assert (found.dead, found.least[1:].tolist()) == ([1, 2], [0, 2])
    assert (found.strongest(8), found.strongest(0)) == ([0], [])


def test_the_strongest_are_those_whose_last_image_excites_them_most():
    values = np.array([[9, 1, 1], [3, 3, 3], [5, 4, 0], [0, 0, 0], [2, 2, 2]], np.float32)
    found = Excited(row_of(NETWORK, "c"), 3, *np.zeros((2, 5, 3), np.int32), values, np.zeros(5, np.float32))
    assert found.strongest(2) == [1, 4]
    # Whatever excites a map less often comes after all that fill their lines.
    assert found.strongest(4) == [0, 1, 2, 4]
    assert found.strongest(3) == [0, 1, 4]


def test_units_of_a_vector_are_maps_of_one_pixel():
    found = excited(planted(), IMAGES, row_of(NETWORK, "d"), np.arange(4))
    assert found.values.shape == (4, 4)
    assert (found.units == 0).all()
    assert found.maps == 4


def test_activations_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="c gives values that are not finite"):
        excited(planted((0, np.nan, 0)), IMAGES, row_of(NETWORK, "c"), np.arange(3))
    with pytest.raises(DataError, match="c gives values that are not finite"):
        excited(planted((np.inf, 0, 0)), IMAGES, row_of(NETWORK, "c"), np.arange(3))


def test_large_networks_are_shown_fewer_images_unless_more_are_wanted():
    small, large = find("lenet5"), find("alexnet")
    assert looked_at(small, row_of(small, "c3"), None, 10_000, 0).tolist() == list(range(10_000))
    few = looked_at(large, row_of(large, "conv3"), None, 10_000, 0)
    assert 500 < len(few) < 10_000
    assert len(few) < len(looked_at(large, row_of(large, "conv1"), None, 20_000, 0)) <= 20_000
    assert looked_at(large, row_of(large, "conv3"), None, 10_000, 1).tolist() != few.tolist()
    assert len(looked_at(large, row_of(large, "conv3"), 9_000, 10_000, 0)) == 9_000
