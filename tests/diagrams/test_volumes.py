"""Volumes: larger is drawn larger, windows are where they look, and rows are as long as a page is wide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.diagrams.diagram import fold, parts
from cnncli.diagrams.sketch import Face, Line, Words
from cnncli.diagrams.volumes import ROW, Scale, Solid, sketch
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network

SHAPES = ((227, 227, 3), (55, 55, 96), (4096,), (10,))


def drawn(network):
    return sketch(fold(parts(network), 1), network.input)


def texts(network):
    return [mark.text for mark in drawn(network).marks if isinstance(mark, Words)]


@given(st.integers(1, 227), st.integers(1, 227))
def test_scales_are_monotone(one, other):
    scale = Scale.of([(227, 227, 227), (227,)])
    for pixels in (scale.along, scale.back, scale.up):
        assert (pixels(one) < pixels(other)) == (one < other)


def test_the_largest_and_the_smallest_are_both_seen():
    scale = Scale.of([(224, 224, 512), (4096,)])
    assert scale.along(224) < 6 * scale.along(7)
    assert scale.up(4096) < 9 * scale.up(10)
    assert scale.back(1) == 0


def test_a_small_image_is_not_blown_up():
    assert Scale.of([(2, 2, 1)]).along(2) < Scale.of([(28, 28, 1)]).along(28) / 2


def test_few_channels_are_maps_and_many_a_box():
    scale = Scale.of([(28, 28, 16)])
    assert len(list(Solid.of((28, 28, 6), scale, "#000000").marks(0, 0))) == 6
    assert len(list(Solid.of((28, 28, 17), scale, "#000000").marks(0, 0))) == 3
    assert len(list(Solid.of((120,), scale, "#000000").marks(0, 0))) == 3


def test_lenet5_says_its_shapes_and_operations():
    said = texts(find("lenet5"))
    for text in ("32x32x1", "28x28x6", "14x14x6", "10x10x16", "5x5x16", "120", "84", "10", "conv 5x5", "average 2x2/2"):
        assert text in said
    assert [said.count(text) for text in ("tanh", "dense", "flatten 400")] == [4, 3, 1]
    assert {"c1", "s2", "c3", "s4", "c5", "f6", "output", "input"} <= set(said)


def test_alexnet_says_what_makes_55_of_227():
    said = texts(find("alexnet"))
    assert said[:4] == ["227x227x3", "input", "conv 11x11/4", "relu,"]
    assert {"55x55x96", "max 3x3/2", "pad 2, 2 groups,", "response norm", "flatten 9216", "4096"} <= set(said)


def squares(network):
    """Left, top, right and bottom of the windows, each a line from corner to corner and back to the first."""
    lines = [mark.points for mark in drawn(network).marks if isinstance(mark, Line) and len(mark.points) == 6]
    return [(*line[0], *line[2]) for line in lines if line[0] == line[4]]


def test_a_window_is_to_scale_with_what_it_looks_at():
    network = Network("net", (28, 28, 1), (Conv(4, (14, 7)),))
    (window,) = squares(network)
    faces = [mark for mark in drawn(network).marks if isinstance(mark, Face)]
    (left, top), (right, _), (_, bottom) = faces[0].points[:3]
    assert (window[2] - window[0]) / (right - left) == pytest.approx(7 / 28)
    assert (window[3] - window[1]) / (bottom - top) == pytest.approx(14 / 28)
    assert left <= window[0] < window[2] <= right
    assert top <= window[1] < window[3] <= bottom


def test_a_window_larger_than_its_image_is_the_image():
    network = Network("net", (2, 2, 1), (Conv(4, 5, padding=2),))
    (window,) = squares(network)
    assert window[2] - window[0] == pytest.approx(Scale.of([(2, 2, 1)]).along(2))


def test_lines_lead_from_the_window_to_one_unit():
    network = Network("net", (28, 28, 1), (Conv(4, 5), Pool("max", 2, 2)))
    looks = [mark.points for mark in drawn(network).marks if isinstance(mark, Line) and mark.thick == 0.7]
    assert len(looks) == 8
    assert len({end for _, end in looks}) == 2


def test_long_networks_are_in_rows_of_a_page():
    assert drawn(find("lenet5")).width <= ROW
    vgg = drawn(find("vgg16"))
    assert vgg.width <= ROW
    assert len({mark.y for mark in vgg.marks if isinstance(mark, Words) and mark.text.startswith("conv 3x3")}) == 3
    assert sum(isinstance(mark, Line) and mark.colour == "#B5B5B5" for mark in vgg.marks) == 2


def test_a_leading_flatten_is_a_volume_of_its_own():
    assert {"784", "flatten"} <= set(texts(find("mlp")))
    assert "flatten" not in texts(Network("net", (4, 4, 1), (Conv(2, 1), Flatten(), Dense(2))))


def test_a_network_without_layers_is_its_input():
    assert texts(Network("none", (2, 2, 1), ())) == ["2x2x1", "input"]
