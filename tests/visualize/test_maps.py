"""Feature maps: which stages, which values, which words."""

import jax
import numpy as np
import pytest
from hypothesis import given

from cnncli.errors import DataError, UsageError
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, BatchNorm, Conv, Dense, Flatten, LocalResponseNorm, Pool
from cnncli.networks.network import Network
from cnncli.visualize.layers import rows
from cnncli.visualize.maps import MOST_STAGES, Maps, Stage, along, at_layer, maps, panels, stage_at, stages, words
from tests.strategies import networks
from tests.visualize.subjects import subject


def names(network):
    return [(stage.name, stage.path) for stage in stages(network)]


def test_a_stage_goes_as_far_as_its_activation():
    assert names(find("lenet5")) == [("c1", "tanh1"), ("s2", "s2"), ("c3", "tanh2"), ("s4", "s4")]


def test_normalization_belongs_to_a_stage():
    layers = (Conv(2, 1), BatchNorm(), Activation("tanh"), Activation("relu"), LocalResponseNorm(), Activation("relu"))
    assert names(Network("n", (4, 4, 1), (*layers, Pool("max", 2, 2)))) == [("conv1", "relu1"), ("pool1", "pool1")]


@pytest.mark.parametrize(("name", "first", "count"), [("resnet20", "conv2/block1", 10), ("googlenet", "pool1", 16)])
def test_blocks_are_one_stage_where_there_would_be_too_many(name, first, count):
    found = stages(find(name))
    assert found[1] == Stage(first, first)
    assert len(found) <= MOST_STAGES
    assert len(found) == count


def test_a_network_without_maps_shows_its_dense_layers():
    assert names(find("mlp")) == [("hidden", "relu1"), ("output", "output")]


IMAGE = np.array([[0, 255], [255, 0]], np.uint8)[..., None]


def planted(kinds="relu"):
    """Three 1x1 filters: the image, minus the image, and a constant."""
    layers = (Conv(3, 1, name="c"), Activation(kinds), Flatten(), Dense(3, name="d"))
    params = {
        "c": {"kernel": np.array([2.0, -1.0, 0.0]).reshape(1, 1, 1, 3), "bias": np.array([0.0, 0.0, 4.0])},
        "d": {"kernel": np.zeros((12, 3)), "bias": np.array([1.0, 2.0, 5.0])},
    }
    return subject(Network("planted", (2, 2, 1), layers), params)


def test_the_maps_are_what_the_layer_gives_for_what_the_network_sees():
    network = planted()
    (found,) = maps(network, IMAGE, [stage_at(network.network, "c")])
    assert found.values[..., 0].tolist() == [[0, 2], [2, 0]]
    assert found.values[..., 1].tolist() == [[0, -1], [-1, 0]]
    (stage,) = maps(network, IMAGE, stages(network.network))
    assert stage.stage.name == "c"
    assert (stage.dead, stage.constant) == ([1], [2])


def test_maps_are_scaled_by_themselves_or_together():
    (found,) = maps(planted(), IMAGE, [Stage("c", "c")])
    first, second, third = panels(found, 8, "image")
    assert first.pixels.tolist() == [[0, 255], [255, 0]]
    assert second.pixels.tolist() == [[255, 0], [0, 255]]
    assert (third.caption, int(third.pixels.max())) == ("2: constant", 0)
    together = panels(found, 8, "shared")
    assert together[0].pixels.tolist() == [[51, 153], [153, 51]]
    assert (together[2].pixels == 255).all()
    assert len(panels(found, 2, "image")) == 2


def test_dead_maps_are_said():
    (found,) = maps(planted(), IMAGE, [Stage("c", "relu1")])
    assert panels(found, 8, "image")[1].caption == "1: zero"
    said = words([found], 8, "image")
    assert said == [
        "Scaled from black, the least value, to white, the greatest, each map by itself.",
        "Zero everywhere for this image: 1 of 3 maps of c (1).",
        "One value everywhere for this image: 1 of 3 maps of c (2).",
    ]
    assert words([found], 2, "shared")[:2] == [
        "The first 2 maps.",
        "Scaled from black, the least value, to white, the greatest, all maps of a layer alike.",
    ]


def test_a_vector_is_a_panel_of_its_values_line_by_line():
    (found,) = maps(planted(), IMAGE, [Stage("d", "d")])
    (panel,) = panels(found, 8, "image")
    assert (panel.pixels.tolist(), panel.caption) == ([[0, 64, 255]], "3 values")
    assert panels(Maps(Stage("f6", "f6"), np.arange(84.0)), 8, "image")[0].pixels.shape == (7, 12)
    assert words([found], 8, "image")[1:] == []
    none = Maps(Stage("f6", "f6"), np.zeros(84))
    assert words([none], 8, "image")[1:] == ["Zero everywhere for this image: all of f6."]


def test_maps_of_one_pixel_share_a_scale_and_are_not_called_constant():
    found = Maps(Stage("p", "p"), np.array([[[1.0, 2.0, 0.0]]]))
    assert [int(panel.pixels[0, 0]) for panel in panels(found, 8, "image")] == [128, 255, 0]
    assert (found.constant, found.dead) == ([], [2])


def test_a_sheet_has_the_image_and_a_line_a_stage():
    network = Network("n", (6, 6, 1), (Conv(3, 3, name="c"), Pool("max", 2, 2, name="p"), Flatten(), Dense(3)))
    network = subject(network, jax.tree.map(lambda shape: np.ones(shape.shape), model(network).shapes()[0]))
    image = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)
    found = maps(network, image, stages(network.network))
    drawn = along(image, found, 2, "image", "title")
    assert [(line.name, len(line.panels)) for line in drawn.lines] == [("image", 1), ("c 4x4", 2), ("p 2x2", 2)]
    assert (drawn.lines[0].panels[0].pixels == image).all()
    large = at_layer(image, Maps(Stage("c", "c"), np.ones((2, 2, 20))), 64, "image", "title")
    assert [(line.name, len(line.panels)) for line in large.lines] == [("image", 1), ("c", 8), ("", 8), ("", 4)]


def test_values_that_are_not_finite_and_layers_that_there_are_not_are_refused():
    network = planted()
    network.trained.params["c"]["bias"][:] = np.nan
    with pytest.raises(DataError, match="c gives values that are not finite"):
        maps(network, IMAGE, [Stage("c", "c")])
    with pytest.raises(UsageError, match="has no layer 'cc'; did you mean 'c'"):
        stage_at(network.network, "cc")


@given(networks(2))
def test_stages_are_layers_of_the_network_in_their_order_and_all_maps_or_all_vectors(network):
    found, known = stages(network), rows(network)
    assert {stage.name for stage in found} | {stage.path for stage in found} <= set(known)
    assert len({stage.path for stage in found}) == len(found)
    assert len({len(known[stage.path].output) for stage in found}) <= 1
