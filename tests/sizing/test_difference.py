"""Two networks row against row: what belongs together, and nothing lost."""

import pytest
from hypothesis import given

from cnncli.networks.catalogue import find
from cnncli.networks.network import adapt
from cnncli.sizing.difference import align
from cnncli.sizing.report import fold
from cnncli.sizing.size import size
from tests.strategies import networks


def rows(name):
    return size(find(name)).rows


def paths(pairs):
    return [(pair.left and pair.left.path, pair.right and pair.right.path, pair.same) for pair in pairs]


def complete(left, right):
    """Whether every row of both is there once, in its order."""
    pairs = align(left, right)
    assert tuple(pair.left for pair in pairs if pair.left) == left
    assert tuple(pair.right for pair in pairs if pair.right) == right
    assert all(pair.left or pair.right for pair in pairs)
    assert not any(pair.same for pair in pairs if None in (pair.left, pair.right))
    return pairs


def test_alexnet_and_torchvisions():
    found = paths(complete(rows("alexnet"), rows("alexnet-torchvision")))
    assert found[:8] == [
        *(("conv1", "conv1", False), ("relu1", "relu1", False), ("norm1", None, False), ("pool1", "pool1", False)),
        *(("conv2", "conv2", False), ("relu2", "relu2", False), ("norm2", None, False), ("pool2", "pool2", False)),
    ]
    assert found[14:] == [
        *(("pool5", "pool5", True), (None, "adaptive-pool1", False), ("flatten1", "flatten1", True)),
        *((None, "dropout1", False), ("fc6", "fc6", True), ("relu6", "relu6", True), ("dropout1", "dropout2", True)),
        *(("fc7", "fc7", True), ("relu7", "relu7", True), ("dropout2", None, False), ("fc8", "fc8", True)),
    ]
    assert sum(same for _, _, same in found) == 10


def test_layers_of_other_names_are_paired_by_what_they_are():
    found = paths(complete(rows("lenet5"), rows("lenet5-keras")))
    assert found[:3] == [("c1", "conv1", False), ("tanh1", "tanh1", False), ("s2", "pool1", False)]
    assert found[-7:] == [
        *(("c5", "dense1", False), ("tanh3", None, False), (None, "sigmoid1", False), ("f6", "dense2", True)),
        *(("tanh4", None, False), (None, "sigmoid2", False), ("output", "dense3", True)),
    ]


def test_a_plain_network_is_a_residual_one_without_its_shortcuts():
    residual, plain = rows("resnet20"), rows("plain20")
    alone = [pair.left.word for pair in complete(residual, plain) if not pair.right]
    assert sorted(set(alone)) == ["pad-shortcut", "residual"]
    assert all(pair.left for pair in align(residual, plain))


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "resnet152"])
def test_a_network_is_the_same_as_itself(name):
    assert all(pair.same for pair in complete(rows(name), rows(name)))


def test_another_input_has_the_same_rows_with_other_outputs():
    pairs = complete(rows("vgg16"), size(adapt(find("vgg16"), (256, 256, 3))).rows)
    assert all(pair.left.path == pair.right.path for pair in pairs)
    # Only behind the first dense layer nothing is larger.
    same = [pair.left.path for pair in pairs if pair.same]
    assert same == ["relu14", "dropout1", "fc7", "relu15", "dropout2", "fc8"]


def test_folded_rows_are_paired_by_their_names():
    left, right = (fold(rows(name), 1) for name in ("googlenet", "googlenet-torchvision"))
    found = {pair.left.path: pair.right.path for pair in complete(left, right) if pair.left and pair.right}
    assert all(found[f"inception{name}"] == f"inception{name}" for name in ("3a", "3b", "4a", "4e", "5b"))


@given(networks(), networks())
def test_nothing_is_lost_or_doubled(left, right):
    complete(size(left).rows, size(right).rows)
