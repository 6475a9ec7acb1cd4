import pytest

from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.weights.layout import slots
from cnncli.weights.names import tables

NAMED = [name for name in CATALOGUE if tables(name)]


@pytest.mark.parametrize("name", NAMED)
def test_every_layer_with_arrays_has_a_name_of_its_own(name):
    paths = {slot.path for slot in slots(find(name))}
    for table in tables(name).values():
        assert paths <= table.keys()
        assert len(set(table.values())) == len(table)


def test_the_families_that_others_have():
    depths = [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
    columns = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "-bn")]
    assert set(NAMED) == {*depths, "resnet18-cifar", *columns, "alexnet-torchvision", "googlenet-torchvision"}


@pytest.mark.parametrize(
    ("network", "whose", "path", "name"),
    [
        ("alexnet-torchvision", "torchvision", "conv2", "features.3"),
        ("alexnet-torchvision", "torchvision", "fc8", "classifier.6"),
        ("vgg11", "torchvision", "conv5_2", "features.18"),
        ("vgg16", "torchvision", "conv5_3", "features.28"),
        ("vgg19-bn", "torchvision", "conv5_4", "features.49"),
        ("vgg19-bn", "torchvision", "bn5_4", "features.50"),
        ("googlenet-torchvision", "torchvision", "conv2_reduce", "conv2.conv"),
        ("googlenet-torchvision", "torchvision", "inception4b/5x5_bn", "inception4b.branch3.1.bn"),
        ("googlenet-torchvision", "torchvision", "inception5b/pool_proj", "inception5b.branch4.1.conv"),
        ("googlenet-torchvision", "torchvision", "head4d/conv_bn", "aux2.conv.bn"),
        ("googlenet-torchvision", "torchvision", "head4a/fc2", "aux1.fc2"),
        ("resnet18", "torchvision", "conv3/block1/projection_bn", "layer2.0.downsample.1"),
        ("resnet152", "torchvision", "conv4/block36/conv3", "layer3.35.conv3"),
        ("resnet50", "Hugging Face", "bn1", "resnet.embedder.embedder.normalization"),
        ("resnet50", "Hugging Face", "conv2/block1/bn3", "resnet.encoder.stages.0.layers.0.layer.2.normalization"),
        (
            "resnet18",
            "Hugging Face",
            "conv4/block1/projection",
            "resnet.encoder.stages.2.layers.0.shortcut.convolution",
        ),
        ("resnet18", "Hugging Face", "fc", "classifier.1"),
    ],
)
def test_names_as_the_frameworks_write_them(network, whose, path, name):
    assert tables(network)[whose][path] == name


def test_what_nobody_else_has_just_so_has_no_table():
    assert tables("resnet50-v1") == tables("alexnet") == tables("googlenet") == tables("resnet20") == {}
