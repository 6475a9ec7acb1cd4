"""The catalogue's figures are the published ones, exactly: parameters, statistics, multiply-adds, receptive field."""

import pytest

from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.sizing.size import size

# Trained parameters, BatchNorm statistics, multiply-adds (None where nothing is published), and the receptive field
# with its jump.
FIGURES = {
    "linear": (30_730, 0, 30_720, None),
    "lenet5": (61_706, 0, 416_520, (16, 4)),
    "lenet5-1998": (60_000, 0, None, None),
    "lenet5-keras": (44_426, 0, None, None),
    "mnist-convnet": (1_199_882, 0, None, None),
    "alexnet": (60_965_224, 0, 724_406_816, (195, 32)),
    "alexnet-ungrouped": (62_378_344, 0, 1_135_256_096, (195, 32)),
    "alexnet-torchvision": (61_100_840, 0, 714_188_480, (195, 32)),
    "alexnet-cifar10": (22_589_642, 704, None, None),
    "zfnet": (62_357_608, 0, 1_168_032_896, (171, 32)),
    "zfnet-512": (107_627_624, 0, 2_476_704_896, (171, 32)),
    "vgg11": (132_863_336, 0, 7_609_090_048, (150, 32)),
    "vgg13": (133_047_848, 0, 11_308_466_176, (156, 32)),
    "vgg16": (138_357_544, 0, 15_470_264_320, (212, 32)),
    "vgg19": (143_667_240, 0, 19_632_062_464, (268, 32)),
    "vgg16-bn": (138_365_992, 8_448, 15_470_264_320, (212, 32)),
    "vgg19-bn": (143_678_248, 11_008, 19_632_062_464, (268, 32)),
    "googlenet": (6_998_552, 0, 1_582_671_872, (715, 32)),
    "googlenet-torchvision": (6_624_904, 14_560, 1_498_376_192, (379, 32)),
    "resnet18": (11_689_512, 9_600, 1_814_073_344, (435, 32)),
    "resnet34": (21_797_672, 17_024, 3_663_761_408, (899, 32)),
    "resnet50": (25_557_032, 53_120, 4_089_184_256, (427, 32)),
    "resnet50-v1": (25_557_032, 53_120, 3_857_973_248, (483, 32)),
    "resnet101": (44_549_160, 105_344, 7_801_405_440, (971, 32)),
    "resnet152": (60_192_808, 151_424, 11_513_626_624, (1451, 32)),
    "resnet20": (269_722, 1_376, 40_551_040, (81, 4)),
    "resnet32": (464_154, 2_272, 68_862_592, (137, 4)),
    "resnet44": (658_586, 3_168, 97_174_144, (193, 4)),
    "resnet56": (853_018, 4_064, 125_485_696, (249, 4)),
    "resnet110": (1_727_962, 8_096, 252_887_680, (501, 4)),
    "inception-naive": (None, 0, 854_196_224, None),
    "inception-reduced": (None, 0, 271_351_808, None),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_network_has_the_published_figures(name):
    report = size(find(name))
    params, stats, macs, field = FIGURES[name]
    assert report.totals.params == (params or report.totals.params)
    assert report.totals.stats == stats
    assert report.totals.macs == (macs or report.totals.macs)
    if field:
        assert [(axis.size, axis.jump) for axis in report.field] == [field, field]


@pytest.mark.parametrize(
    ("name", "params", "stats"), [("googlenet", 13_378_280, 0), ("googlenet-torchvision", 13_004_888, 15_072)]
)
def test_auxiliary_heads_are_counted_apart(name, params, stats):
    totals = size(find(name)).totals
    assert (totals.params_with_heads, totals.stats_with_heads) == (params, stats)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        *(("alexnet", 8), ("zfnet", 8), ("vgg16", 16), ("vgg19", 19), ("vgg19-bn", 19), ("googlenet", 22)),
        *(("lenet5", 5), ("lenet5-1998", 5), ("inception-reduced", 2), ("vgg16-gap", 14), ("linear", 1)),
        *((f"resnet{depth}", depth) for depth in (18, 34, 50, 101, 152, 20, 32, 44, 56, 110)),
        *(("plain20", 20), ("plain56", 56), ("resnet50-v1", 50), ("resnet152-v1", 152)),
    ],
)
def test_weight_layers_are_those_the_name_says(name, layers):
    assert size(find(name)).weight_layers == layers


def test_top5_errors_and_years_are_those_of_the_entries():
    entries = {name: (network.year, network.top5_error) for name in CATALOGUE if (network := find(name)).top5_error}
    assert entries == {
        "alexnet": (2012, 15.3),
        "zfnet": (2013, 11.2),
        "vgg19": (2014, 7.3),
        "googlenet": (2014, 6.7),
        "resnet152": (2015, 3.57),
        "resnet152-v1": (2015, 3.57),
    }


@pytest.mark.parametrize(("name", "reduction"), [("resnet20", "plain20"), ("resnet56", "plain56")])
def test_plain_networks_have_the_same_layers_without_shortcuts(name, reduction):
    assert size(find(name)).totals == size(find(reduction)).totals
    words = {row.word for row in size(find(reduction)).rows}
    assert "residual" not in words
    assert "pad-shortcut" not in words


def test_alexnet_layer_by_layer():
    rows = [row for row in size(find("alexnet")).rows if row.windows]
    assert [(row.path, row.output[0], row.field[0].size, row.field[0].jump) for row in rows] == [
        *(("conv1", 55, 11, 4), ("pool1", 27, 19, 8), ("conv2", 27, 51, 8), ("pool2", 13, 67, 16)),
        *(("conv3", 13, 99, 16), ("conv4", 13, 131, 16), ("conv5", 13, 163, 16), ("pool5", 6, 195, 32)),
    ]
    params = [row.params for row in size(find("alexnet")).rows if row.params]
    assert params == [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]
    assert all(row.windows.fits for row in rows)


def test_a_reduction_makes_an_inception_module_cheaper():
    naive, reduced = size(find("inception-naive")), size(find("inception-reduced"))
    assert (naive.output, reduced.output) == ((28, 28, 672), (28, 28, 480))


def test_vgg_after_its_last_pooling():
    rows = {row.path: row for row in size(find("vgg16")).rows}
    assert rows["fc6"].params - rows["fc6"].biases == 102_760_448
    assert sum(rows[name].params for name in ("fc6", "fc7", "fc8")) == 123_642_856
    assert [row.input for row in size(find("vgg16-gap")).rows if row.word == "dense"] == [(512,)]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnet50", {"112.5"}),
        ("googlenet", {"112.5"}),
        ("zfnet", {"110.5", "54.5", "12.5"}),
        ("alexnet-torchvision", {"55.25"}),
        ("resnet20", {"16.5", "8.5"}),
        ("alexnet-cifar10", {"6.25", "2.5"}),
        *((name, set()) for name in ("lenet5", "alexnet", "vgg16")),
    ],
)
def test_sizes_that_are_not_whole_are_those_the_texts_have(name, sizes):
    unfit = [row.windows.rows for row in size(find(name)).rows if row.windows and not row.windows.fits]
    assert {f"{float(fit.exact):g}" for fit in unfit} >= sizes
    assert bool(unfit) == bool(sizes)
