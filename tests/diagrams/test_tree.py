"""The network as a tree of text."""

from collections import Counter

from hypothesis import given

from cnncli.diagrams.tree import tree
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Conv
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from tests.strategies import networks

MODULE = """\
inception-naive  28x28x256 -> 28x28x672  1,089,952 parameters
└── concat1        branches              28x28x672  1,089,952
    ├── branch 1                         28x28x128     32,896
    │   ├── 1x1    conv 1x1, 128         28x28x128     32,896
    │   └── relu1  relu                  28x28x128
    ├── branch 2                         28x28x192    442,560
    │   ├── 3x3    conv 3x3, 192, pad 1  28x28x192    442,560
    │   └── relu2  relu                  28x28x192
    ├── branch 3                         28x28x96     614,496
    │   ├── 5x5    conv 5x5, 96, pad 2   28x28x96     614,496
    │   └── relu3  relu                  28x28x96
    └── branch 4                         28x28x256
        └── pool   max 3x3, pad 1        28x28x256
"""


def test_a_module_as_a_tree():
    assert tree(find("inception-naive")) == MODULE


def names(text):
    return [line.lstrip("│├└─ ").split()[0] for line in text.splitlines()[1:]]


@given(networks(depth=3))
def test_every_layer_has_a_line(network):
    expected = Counter(row.path.rpartition("/")[2] for row in size(network).rows)
    assert Counter(names(tree(network))) >= expected


def test_the_top_lines_add_up_to_the_total():
    heading, *lines = tree(find("resnet18"), 1).splitlines()
    longest = max(map(len, lines))
    counts = [int(line.split()[-1].replace(",", "")) for line in lines if len(line) == longest]
    assert heading == f"resnet18  224x224x3 -> 1000  {sum(counts):,} parameters"


def test_groups_are_folded_below_a_depth():
    network = find("resnet18")
    assert names(tree(network, 1)) == [
        "conv1",
        "bn1",
        "relu1",
        "pool1",
        "conv2",
        "conv3",
        "conv4",
        "conv5",
        "pool5",
        "fc",
    ]
    assert names(tree(network, 2)).count("block1") == 4
    assert "body" not in names(tree(network, 2))
    assert names(tree(network, 3)).count("body") == names(tree(network)).count("body") == 8


def test_an_identity_is_called_so():
    shortcuts = [line.split()[-2:] for line in tree(find("resnet20")).splitlines() if "identity" in line]
    assert shortcuts == [["identity", shape] for shape in ["32x32x16"] * 3 + ["16x16x32"] * 2 + ["8x8x64"] * 2]


def test_a_network_without_layers_is_its_heading():
    assert tree(Network("none", (2, 2, 1), ())) == "none  2x2x1 -> 2x2x1  0 parameters\n"


def test_names_stay_on_their_line():
    network = Network("two\nlines", (2, 2, 1), (Conv(1, 1),))
    assert len(tree(network).splitlines()) == 2
