import re

import pytest

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find as network
from cnncli.sizing.size import size
from cnncli.weights.names import tables
from cnncli.weights.published import PUBLISHED, find


def test_every_one_is_of_a_network_that_can_be_imported():
    for one in PUBLISHED.values():
        assert tables(one.network) and one.preprocessing.crop == network(one.network).input[0]
        assert one.preprocessing.resize >= one.preprocessing.crop
        assert one.licence in ("BSD-3-Clause", "Apache-2.0")


def test_addresses_carry_the_digest_that_is_verified():
    for one in PUBLISHED.values():
        if not one.repository:
            assert one.address == f"https://download.pytorch.org/models/{one.file}"
            assert re.fullmatch(rf"[\w-]+-{one.sha256}\.pth", one.file) and re.fullmatch("[0-9a-f]{8}", one.sha256)


def test_sizes_are_those_of_the_networks():
    """A file has 4 bytes for each parameter and statistic, and some for names; GoogLeNet's has its heads too."""
    for one in PUBLISHED.values():
        report = size(network(one.network))
        if one.mebibytes and one.network != "googlenet-torchvision":
            bare = 4 * (report.totals.params + report.totals.stats) / 2**20
            assert bare < one.mebibytes < bare + 0.4, one.name


@pytest.mark.parametrize(
    ("name", "top1", "top5"),
    [
        ("torchvision/alexnet", 56.52, 79.07),
        ("torchvision/googlenet", 69.78, 89.53),
        ("torchvision/vgg16", 71.59, 90.38),
        ("torchvision/vgg19", 72.38, 90.88),
        ("torchvision/resnet18", 69.76, 89.08),
        ("torchvision/resnet34", 73.31, 91.42),
        ("torchvision/resnet50", 76.13, 92.86),
        ("torchvision/resnet101", 77.37, 93.55),
        ("torchvision/resnet152", 78.31, 94.05),
    ],
)
def test_accuracies_as_published(name, top1, top5):
    assert (round(100 * find(name).top1, 2), round(100 * find(name).top5, 2)) == (top1, top5)


def test_preprocessing_by_publisher():
    how = {name: find(name).preprocessing for name in PUBLISHED}
    assert (how["torchvision/resnet50"].resize, how["torchvision/resnet50"].interpolation) == (256, "bilinear")
    assert (how["torchvision/resnet50-v2"].resize, how["torchvision/resnet50-v2"].crop) == (232, 224)
    assert (how["timm/resnet18.a1_in1k"].resize, how["timm/resnet18.a1_in1k"].interpolation) == (235, "bicubic")
    assert how["torchvision/googlenet"].mean == how["torchvision/googlenet"].deviation == (0.5, 0.5, 0.5)
    assert find("torchvision/googlenet").transform_input and not find("torchvision/resnet18").transform_input


def test_repositories():
    one = find("timm/resnet18.a1_in1k")
    assert (one.repository, one.file) == ("timm/resnet18.a1_in1k", "model.safetensors")
    assert find("torchvision/vgg11").repository == ""


def test_an_unknown_name():
    with pytest.raises(
        UsageError, match=r"no published weights named 'resnet50-v2'; did you mean 'torchvision/resnet50"
    ):
        find("resnet50-v2")
