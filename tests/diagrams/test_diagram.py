"""The network as it is drawn: it says what sizing says, and folds what is equal."""

from hypothesis import given

from cnncli.diagrams.diagram import depth, fold, gist, likeness, parts, walk
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    Activation,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Flatten,
    Group,
    Pool,
    Residual,
)
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from tests.strategies import networks

RELU = Activation("relu")


def chain(*layers, side=8, channels=4):
    return parts(Network("net", (side, side, channels), layers))


@given(networks())
def test_parts_are_the_rows_of_sizing(network):
    rows = {row.path: row for row in size(network).rows}
    found = {part.path: part for part in walk(parts(network)) if not isinstance(part.layer, Group | AuxiliaryHead)}
    assert found.keys() == rows.keys()
    assert all((part.input, part.output) == (rows[path].input, rows[path].output) for path, part in found.items())
    assert all(part.params == rows[path].params for path, part in found.items() if not part.ways)


@given(networks())
def test_parameters_of_parts_add_up_to_the_totals(network):
    heads = (part for part in walk(parts(network)) if isinstance(part.layer, AuxiliaryHead))
    main = sum(part.params for part in parts(network) if not isinstance(part.layer, AuxiliaryHead))
    totals = size(network).totals
    assert main == totals.params
    assert main + sum(part.params for part in heads) == totals.params_with_heads


def test_a_group_has_the_shapes_around_it_whatever_its_heads_give():
    head = AuxiliaryHead((Flatten(), Dense(2)))
    group, dense = chain(Group((Conv(6, 3), head)), Flatten())
    assert (group.input, group.output, dense.input) == ((8, 8, 4), (6, 6, 6), (6, 6, 6))


def test_elementwise_layers_are_written_on_what_is_before_them():
    blocks = fold(chain(BatchNorm(), Conv(4, 3, padding=1), BatchNorm(), RELU, Flatten(), Dense(2)), 1)
    assert [block.part.name for block in blocks] == ["batch-norm1", "conv1", "dense1"]
    assert blocks[1].words == ["pad 1", "batch norm", "relu", "flatten 256"]


def test_what_is_behind_a_group_is_not_written_on_it():
    assert [block.part.name for block in fold(chain(Group((Conv(4, 3),)), RELU), 9)] == ["group1", "relu1"]
    residual, *rest = fold(chain(Residual((Conv(4, 1),)), RELU), 9)
    assert (residual.words, rest) == (["relu"], [])


def test_equal_neighbours_are_one_block():
    (block,) = (one for one in fold(parts(find("resnet152")), 2) if one.part.name == "conv4")
    assert [(one.name, one.times) for one in block.ways[0]] == [("block1", 1), ("block2 to block36", 35)]


def test_what_differs_in_more_than_names_is_not_equal():
    same, wider = Group((Conv(4, 1, name="a"),)), Group((Conv(4, 1, bias=False, name="a"),))
    assert [block.times for block in fold(chain(same, same, wider, wider, wider), 1)] == [2, 3]
    assert [block.times for block in fold(chain(Residual((Conv(4, 1),)), RELU, Residual((Conv(4, 1),))), 1)] == [1, 1]


def test_single_layers_are_never_folded():
    assert [block.times for block in fold(chain(Conv(4, 1), Conv(4, 1)), 1)] == [1, 1]


def test_likeness_sees_shapes():
    first, second, _, third = chain(Conv(4, 1), Conv(4, 1), Pool("max", 2, 2), Conv(4, 1))
    assert likeness(first) == likeness(second) != likeness(third)


def test_groups_are_opened_to_a_depth():
    network = find("resnet18")
    assert depth(parts(network)) == 3
    assert depth(parts(find("lenet5"))) == 1
    opened = [len(list(block.inside)) for depth in (1, 2, 3) for block in fold(parts(network), depth)[2:3]]
    assert opened == [1, 2, 5]


def test_the_gist_of_a_module_has_a_line_for_each_branch():
    module = parts(find("inception-reduced"))
    assert gist(module) == [
        "4 branches:",
        "conv 1x1, 128",
        "conv 1x1, 64 → conv 3x3, 192",
        "conv 1x1, 64 → conv 5x5, 96",
        "max 3x3 → conv 1x1, 64",
    ]


def test_the_gist_of_a_residual_says_what_is_added():
    block1, block2 = parts(find("resnet18"))[5].ways[0]
    assert gist(block1.ways[0]) == ["conv 3x3/2, 128", "conv 3x3, 128", "+ conv 1x1/2, 128"]
    assert gist(block2.ways[0]) == ["conv 3x3, 128 x2", "+ identity"]
    assert gist(parts(find("resnet18"))[5:6]) == ["conv3"]
    assert gist(chain(Branches(((), (Conv(4, 1),))))) == ["2 branches:", "identity", "conv 1x1, 4"]
