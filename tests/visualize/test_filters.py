"""Weights as pictures: which layer, which pixels, which words."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from cnncli.drawing.sheet import PAGE
from cnncli.errors import DataError, UsageError
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    PartialConv,
    Pool,
)
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from cnncli.visualize.filters import bank, choose, first_layers, sheet, words
from tests.strategies import networks
from tests.visualize.subjects import subject


def two(network, **params):
    return subject(network, {name: {"kernel": np.asarray(kernel, np.float32)} for name, kernel in params.items()})


def counted(network):
    """Each weight is its number in its array; as many classes as the network has."""
    shapes, _ = model(network).shapes()
    params = jax.tree.map(lambda one: 1 + np.arange(one.size, dtype=np.float32).reshape(one.shape), shapes)
    return subject(network, params, classes=[str(at) for at in range(size(network).output[-1])])


def pixels(found, count=None, norm="image"):
    return [[panel.pixels for panel in line.panels] for line in sheet(found, count, norm, "run").lines]


def test_each_filter_of_a_colour_image_is_a_tile_with_zero_in_the_middle():
    kernel = np.zeros((2, 2, 3, 2))
    kernel[0, 0, :, 0] = (4, -4, 2)
    kernel[1, 1, 0, 1] = -1
    network = Network("two", (4, 4, 3), (Conv(2, 2, bias=False, name="c"), GlobalPool(), Dense(3)))
    found = bank(two(network, c=kernel), "c")
    ((first, second),) = pixels(found)
    assert first.shape == (2, 2, 3)
    assert first[0, 0].tolist() == [255, 1, 192]
    assert second[1, 1].tolist() == [1, 128, 128]
    assert (first[1] == 128).all()
    ((_, alike),) = pixels(found, norm="shared")
    assert alike[1, 1, 0] == 96
    assert sheet(found, None, "image", "run").title == "run: filters of c"
    assert words(found, None, "image")[0] == "c: 2 filters of 2x2x3."
    assert words(found, None, "shared")[1].endswith("all on one scale.")


def test_filters_of_zeros_are_mid_grey_and_named():
    network = Network("dead", (3, 3, 1), (Conv(3, 2, bias=False, name="c"), GlobalPool(), Dense(3)))
    kernel = np.ones((2, 2, 1, 3))
    kernel[..., 1] = 0
    found = bank(two(network, c=kernel), "c")
    assert (pixels(found)[0][1] == 128).all()
    assert words(found, None, "image")[-1] == "All weights are zero in 1 of 3: 1."


def test_a_linear_classifiers_templates_have_the_classes_names():
    network = Network("linear", (2, 3, 3), (Flatten(), Dense(3, bias=False, name="t")))
    kernel = np.zeros((18, 3))
    # The second row's third pixel, green: row 1, column 2, channel 1.
    kernel[(1 * 3 + 2) * 3 + 1, 2] = 5
    found = bank(two(network, t=kernel), "t")
    drawn = sheet(found, None, "image", "run")
    assert drawn.title == "run: templates of the classes"
    assert [panel.caption for panel in drawn.lines[0].panels] == ["ant", "bee", "cat"]
    template = drawn.lines[0].panels[2].pixels
    assert template.shape == (2, 3, 3)
    assert template[1, 2].tolist() == [128, 255, 128]


def test_a_hidden_layers_templates_are_numbered():
    network = Network("mlp", (2, 2, 1), (Flatten(), Dropout(0.5), Dense(4, name="h"), Activation("relu"), Dense(3)))
    found = bank(counted(network), "h")
    assert found.names == ("0", "1", "2", "3")
    assert sheet(found, None, "image", "run").title == "run: templates of h"


def test_deeper_filters_are_slices_by_the_maps_they_see():
    layers = (Conv(2, 1, name="a"), Conv(3, 2, bias=False, name="b"), GlobalPool(), Dense(3))
    network = Network("deep", (3, 3, 1), layers)
    kernel = np.zeros((2, 2, 2, 3))
    kernel[0, 1, 1, 2] = -3
    found = bank(two(network, b=kernel, a=np.ones((1, 1, 1, 2))), "b")
    drawn = sheet(found, None, "image", "run")
    assert (drawn.title, drawn.heads) == ("run: filters of b, slice by slice", ["0", "1"])
    assert [line.name for line in drawn.lines] == ["0", "1", "2"]
    assert drawn.lines[2].panels[1].pixels.tolist() == [[128, 1], [128, 128]]
    assert "3 filters of 2x2, a line each, slice by slice: across are 2 maps" in words(found, None, "image")[0]
    assert len(sheet(found, 2, "image", "run").lines) == 2


def test_groups_show_the_first_of_each_and_blanks_where_there_is_no_link():
    layers = (Conv(40, 1, name="a"), Conv(40, 1, groups=2, bias=False, name="b"), GlobalPool(), Dense(3))
    network = counted(Network("grouped", (2, 2, 1), layers))
    found = bank(network, "b")
    drawn = sheet(found, None, "image", "run")
    assert drawn.heads == [str(at) for at in (*range(8), *range(20, 28))]
    assert [line.name for line in drawn.lines] == list(drawn.heads)
    blank = [[bool((panel.pixels == PAGE).all()) for panel in line.panels] for line in drawn.lines]
    assert blank == [[(row < 8) != (column < 8) for column in range(16)] for row in range(16)]
    assert "16 of the 40 maps that come in, of which a filter sees at most 20" in words(found, None, "image")[0]
    assert found.weights[25, 0, 0, 27] == network.trained.params["b"]["kernel"][0, 0, 7, 25] > 0


def test_depthwise_filters_are_tiles_of_the_one_slice_they_have():
    layers = (Conv(20, 1, name="a"), Conv(20, 3, groups=20, padding=1, name="b"), GlobalPool(), Dense(3))
    found = bank(counted(Network("depthwise", (2, 2, 1), layers)), "b")
    assert [len(line) for line in pixels(found)] == [5, 5, 5, 5]
    assert "20 filters of 3x3x1, each the one slice that it has of 20 channels." in words(found, None, "image")[0]


def test_lenet5s_table_of_connections_is_seen():
    found = bank(counted(find("lenet5-1998")), "c3")
    drawn = sheet(found, None, "image", "run")
    assert found.linked.sum() == 60
    assert found.linked[0].tolist() == [True] * 3 + [False] * 3
    assert (drawn.lines[0].panels[3].pixels == PAGE).all()
    assert not (drawn.lines[15].panels[3].pixels == PAGE).all()


def test_a_table_that_is_not_in_order_puts_kernels_where_they_belong():
    layers = (Conv(3, 1, name="a"), PartialConv(((2, 0), (1,)), 1, name="b"), GlobalPool(), Dense(3))
    kernel = np.array([[[5.0, 7.0, 9.0]]])
    network = Network("table", (2, 2, 1), layers)
    found = bank(two(network, a=np.ones((1, 1, 1, 3)), b=kernel), "b")
    assert found.weights[:, 0, 0].tolist() == [[7, 0, 5], [0, 9, 0]]


def test_the_layers_that_see_the_image():
    branches = Branches((((Conv(1, 1, name="x")),), (Pool("max", 1, 1), Conv(1, 1, name="y"))))
    assert first_layers(Network("b", (2, 2, 1), (branches, Conv(1, 1, name="z")))) == ["x"]
    group = Group((Dropout(0.1), Flatten()), name="g")
    assert first_layers(Network("g", (2, 2, 1), (group, Dense(3, name="d")))) == ["d"]
    assert first_layers(Network("n", (2, 2, 1), (BatchNorm(), Conv(1, 1, name="c")))) == []
    assert first_layers(find("resnet50")) == ["conv1"]


def test_what_has_no_filters_is_refused_with_what_would_work():
    lenet = find("lenet5")
    assert choose(lenet, None) == "c1"
    with pytest.raises(UsageError, match=r"sees 84 values, not the image, .*; expected one of c1, c3$"):
        choose(lenet, "output")
    with pytest.raises(UsageError, match=r"a layer 'pool', which has no filters; expected one of c1, c3$"):
        choose(lenet, "s2")
    with pytest.raises(UsageError, match="no layer 'c33'; did you mean 'c3'"):
        choose(lenet, "c33")
    with pytest.raises(UsageError, match="no filters of its own; expected one of inception3a/1x1, inception3a/3x3_r"):
        choose(find("googlenet"), "inception3a")
    with pytest.raises(UsageError, match=r"expected hidden$"):
        choose(find("mlp"), "output")
    pooled = Network("pooled", (4, 4, 1), (Pool("max", 2, 2), Flatten(), Dense(3)))
    with pytest.raises(UsageError, match="pooled has neither a convolution nor a dense layer that sees the image"):
        choose(pooled, None)


def test_weights_that_are_not_finite_are_refused():
    network = Network("nan", (2, 2, 1), (Conv(1, 1, bias=False, name="c"), GlobalPool(), Dense(3)))
    with pytest.raises(DataError, match="c has weights that are not finite"):
        bank(two(network, c=np.full((1, 1, 1, 1), np.nan)), "c")


@settings(max_examples=12)
@given(networks(2))
def test_every_layer_that_is_offered_has_filters_of_its_shape(network):
    try:
        path = choose(network, None)
    except UsageError:
        return
    row = next(row for row in size(network).rows if row.path == path)
    found = bank(counted(network), path)
    weights = int(found.linked.sum()) * found.weights[0, :, :, 0].size
    assert (len(found.weights), weights) == (row.output[-1], row.params - row.biases)
    assert sheet(found, None, "image", "run").lines
