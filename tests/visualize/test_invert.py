"""Inversion: features come near, and where nothing is lost the image itself is recovered."""

import numpy as np
import pytest
from hypothesis import given

from cnncli.drawing.sheet import Sheet
from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten, GlobalPool
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from cnncli.visualize import invert
from cnncli.visualize.ascent import Ascent
from cnncli.visualize.layers import trunk
from cnncli.visualize.regularizers import TotalVariation
from tests.strategies import networks
from tests.visualize.subjects import subject

# Six maps of 3x3 with padding keep all of a grey image; the mean of each map does not.
NETWORK = Network(
    "net",
    (6, 6, 1),
    (Conv(6, 3, padding=1, name="c1"), Activation("tanh"), GlobalPool(name="mean"), Dense(3, name="output")),
)
IMAGES = np.random.default_rng(0).integers(40, 216, (2, 6, 6, 1), np.uint8)


@pytest.fixture(scope="module")
def net():
    return subject(NETWORK)


@pytest.fixture(scope="module")
def found(net):
    return invert.invert(net, IMAGES, ["tanh1", "mean"], Ascent(200, 0.06), 0, frames=2)


def test_an_image_is_recovered_where_nothing_is_lost(found):
    made = found.climb.images.reshape(2, 2, 6, 6, 1).astype(int)
    assert np.abs(made[0] - IMAGES).max() <= 2
    assert np.abs(made[1] - IMAGES).max() > 20


def test_features_come_near_at_every_layer(found):
    assert (found.distances() < 0.01 * found.distances(0)).all()
    assert found.distances().shape == (2, 2)


def test_distances_are_relative(found, net):
    start = found.climb.kept[0][1].reshape(2, 2, 6, 6, 1)[0]
    tanh = [
        np.asarray(invert.activations(net.model, net.weights, net.seen(x), ["tanh1"])["tanh1"]) for x in (start, IMAGES)
    ]
    by_hand = np.linalg.norm((tanh[0] - tanh[1]).reshape(2, -1), axis=1) / np.linalg.norm(
        tanh[1].reshape(2, -1), axis=1
    )
    assert found.distances(0)[0] == pytest.approx(by_hand, rel=0.02)


def test_a_strip_from_shallow_to_deep(found):
    first, last = invert.sheets(found, ["one", "two"], Sheet([], "a title", "a note"))
    assert last.heads == ("original", "tanh1", "mean")
    assert (last.title, last.note) == ("a title", "a note; step 200")
    assert [line.name for line in last.lines] == ["one", "two"]
    (original,), made = last.lines[1].groups
    assert np.array_equal(original.pixels, IMAGES[1])
    assert np.array_equal(made[1].pixels, found.climb.images[3])
    assert made[1].caption == invert.share(found.distances()[1, 1])
    assert first.lines[0].groups[1][0].caption == invert.share(found.distances(0)[0, 0])


def test_variation_smooths_what_a_layer_forgets(net, found):
    smooth = invert.invert(net, IMAGES, ["mean"], Ascent(200, 0.06, (TotalVariation(1.0, 2),)), 0)
    rough = found.climb.images.reshape(2, 2, 6, 6, 1)[1].astype(int)
    assert np.abs(np.diff(smooth.climb.images.astype(int), axis=1)).mean() < np.abs(np.diff(rough, axis=1)).mean() / 2


def test_features_of_zero_are_said(net):
    dying = subject(Network("net", (2, 2, 1), (Conv(1, 1, name="c1"), Activation("relu"), Flatten(), Dense(3))))
    dying.trained.params["c1"]["bias"] = np.array([-100.0], np.float32)
    found = invert.invert(dying, IMAGES[:1, :2, :2], ["c1", "relu1"], Ascent(2, 0.1), 0)
    assert found.empty.tolist() == [[False], [True]]
    (page,) = invert.sheets(found, ["one"], Sheet([]))
    assert page.lines[0].groups[1][1].caption == "all zero"


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("lenet5", ["tanh1", "s2", "tanh2", "tanh3", "tanh4", "output"]),
        ("linear", ["templates"]),
        ("mlp", ["relu1", "output"]),
    ],
)
def test_layers_by_default(name, paths):
    assert invert.spread(subject(find(name), {}, {})) == paths


def test_layers_by_default_are_none_inside_branches_or_residuals():
    assert [row.path for row in trunk(find("resnet20"))][:3] == ["relu1", "conv2/block1/relu2", "conv2/block2/relu2"]
    assert "inception3a/concat1" in [row.path for row in trunk(find("googlenet-cifar"))]
    assert invert.spread(subject(find("resnet20"), {}, {}))[::5] == ["relu1", "fc"]


@given(networks(depth=3))
def test_the_trunk_of_any_network_is_some_of_its_rows_in_their_order(network):
    paths, found = [row.path for row in size(network).rows if not row.head], [row.path for row in trunk(network)]
    assert found == [path for path in paths if path in found]
    assert bool(found) == bool(paths)


@pytest.mark.parametrize(
    ("distance", "said"), [(0.00031, "0.031 %"), (0.123, "12 %"), (0.996, "100 %"), (2.5, "250 %")]
)
def test_shares(distance, said):
    assert invert.share(distance) == said


def test_layers_asked_for(net):
    assert invert.spread(net, ["mean", "c1", "mean"]) == ["mean", "c1"]
    with pytest.raises(UsageError, match="net has no layer 'c9'"):
        invert.spread(net, ["c9"])
