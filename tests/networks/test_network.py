"""Networks as values: paths that are unique and stable, and other inputs and classes."""

from dataclasses import replace

import pytest
from hypothesis import given

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    Activation,
    AuxiliaryHead,
    Branches,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Group,
    Pool,
    Residual,
)
from cnncli.networks.network import Network, adapt, walk
from cnncli.sizing.size import size
from tests.strategies import networks


def paths(*layers):
    return [row.path for row in size(Network("n", (12, 12, 2), layers)).rows]


def test_layers_without_a_name_are_called_after_their_word_and_number():
    assert paths(Conv(4, 3), Activation("relu"), Conv(4, 3), Activation("relu"), Flatten()) == [
        *("conv1", "relu1", "conv2", "relu2", "flatten1"),
    ]


def test_a_name_the_author_gave_is_given_to_no_other():
    assert paths(Conv(4, 1), Conv(4, 1, name="conv1"), Conv(4, 1)) == ["conv2", "conv1", "conv3"]


def test_names_begin_again_inside_a_group():
    assert paths(Conv(4, 1), Group((Conv(4, 1),), name="stage")) == ["conv1", "stage/conv1"]


def test_branches_and_residuals_without_a_name_are_transparent():
    assert paths(Branches(((Conv(4, 1),), (Pool("max", 1, 1),)))) == ["conv1", "pool1", "concat1"]
    assert paths(Residual((Conv(2, 1),), name="block")) == ["block/conv1", "block"]


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        ((Conv(4, 1, name="c"), Conv(4, 1, name="c")), "c"),
        ((Group((Conv(4, 1, name="c"), Flatten(name="c")), name="g"),), "g/c"),
        ((Conv(4, 1, name="c"), Residual((Conv(4, 1, name="c"),))), "c"),
    ],
)
def test_two_layers_with_one_path_are_refused(layers, path):
    with pytest.raises(UsageError, match=f"two layers are called '{path}'; expected a name of its own"):
        Network("n", (12, 12, 2), layers)


@given(networks())
def test_paths_are_unique(network):
    found = [row.path for row in size(network).rows]
    assert len(found) == len(set(found))
    assert all(found)


@given(networks())
def test_naming_twice_changes_nothing(network):
    assert replace(network, layers=network.named()).named() == network.named()


def test_walk_visits_each_layer_before_those_inside():
    tree = (Group((Residual((Conv(2, 1),), (Flatten(),)),)), Branches(((Dense(1),), ())))
    assert [layer.word for layer in walk(tree)] == ["group", "residual", "conv", "flatten", "branches", "dense"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input": (28, 28)}, "network 'n': input is (28, 28); expected height, width, channels, each at least 1"),
        ({"input": (28, 0, 1)}, "input is (28, 0, 1); expected height, width, channels"),
        ({"input": 28}, "input is 28; expected height, width, channels"),
        ({"layers": (5,)}, "layers is (5,); expected a list of layers"),
        ({"layers": 5}, "layers is 5; expected a list of layers"),
        ({"init": "zeros"}, "init is 'zeros'; expected one of glorot-uniform, he-normal"),
        ({"paper": 1998}, "paper is 1998; expected text"),
    ],
)
def test_a_wrong_value_says_what_was_expected(wrong, message):
    with pytest.raises(UsageError) as error:
        Network(**{"name": "n", "input": (28, 28, 1), "layers": (), **wrong})
    assert message in str(error.value)


def test_adapt_sets_input_and_classes():
    adapted = adapt(find("lenet5"), (32, 32, 3), 100)
    assert adapted.input == (32, 32, 3)
    assert size(adapted).output == (100,)
    assert adapt(find("lenet5")) == find("lenet5")


def test_adapt_finds_the_last_dense_layer_inside_a_group():
    network = Network("n", (4, 4, 1), (GlobalPool(), Group((Dense(8), Activation("relu"), Dense(10)))))
    assert size(adapt(network, classes=3)).output == (3,)


def test_adapt_sets_every_auxiliary_head():
    head = AuxiliaryHead((GlobalPool(), Dense(10)))
    layers = (head, Group((Conv(2, 1), head)), Branches(((head, Conv(1, 1)),)), GlobalPool(), Dense(10))
    rows = size(adapt(Network("n", (4, 4, 1), layers), classes=7)).rows
    assert [row.output for row in rows if row.word == "dense"] == [(7,)] * 4


def test_adapt_refuses_another_number_of_classes_than_the_codes():
    with pytest.raises(UsageError, match="a fixed code for each of its 10 classes; 26 asked for"):
        adapt(find("lenet5-1998"), classes=26)
    assert adapt(find("lenet5-1998"), classes=10) == find("lenet5-1998")


def test_adapt_refuses_a_network_that_ends_in_no_dense_layer():
    with pytest.raises(UsageError, match="ends in no dense layer; its number of classes cannot be set to 7"):
        adapt(Network("n", (4, 4, 1), (Conv(10, 1), GlobalPool())), classes=7)


def test_adapt_refuses_no_classes():
    with pytest.raises(UsageError, match="dense 'output': features is 0"):
        adapt(find("lenet5"), classes=0)
