"""The worked examples of the chapter and the articles, by the calculator's arithmetic alone, and by sizing."""

import pytest

from cnncli.networks.catalogue import find
from cnncli.networks.layers import Dense, Flatten, GlobalPool
from cnncli.networks.network import Network
from cnncli.sizing.calculator import Question, calculate
from cnncli.sizing.geometry import Field
from cnncli.sizing.size import size


def windows(*given, **named):
    return calculate(Question(*given, **named))


def layers(image, *words):
    return size(Network("n", image, words))


def test_7_wide_under_a_3x3_filter_gives_5():
    found = windows((7,), 3)
    assert (found.fits, found.out) == (True, (5, 5))


def test_10_wide_under_a_3x3_filter_fits_at_stride_1_alone():
    strided = windows((10,), 3, 2)
    assert (float(strided.rows.fit.exact), strided.fits) == (4.5, False)
    # The chapter prints 5, a misprint.
    assert windows((10,), 3, 1).out == (8, 8)


@pytest.mark.parametrize("window", [1, 3, 5, 7, 11])
def test_padding_of_half_a_window_keeps_the_size(window):
    assert windows((32,), window, 1, (window - 1) // 2).out == (32, 32)
    assert windows((32,), window, 1, None).question.sides == ((window - 1) // 2,) * 4


def test_alexnet_fits_227_and_not_224():
    assert windows((227, 227, 3), 11, 4, filters=96).out == (55, 55, 96)
    printed = windows((224, 224, 3), 11, 4, filters=96)
    assert (printed.rows.formula, printed.rows.misfit) == ("(224 - 11 + 2*0)/4 + 1 = 54.25", "1 pixel dropped")
    assert printed.rows.remedy.larger == 227


def test_20_maps_of_5x5_share_their_weights():
    image = (32, 32, 3)
    assert (windows(image, 5, filters=20).out, windows(image, 5, filters=20).params) == ((28, 28, 20), 1_520)
    assert windows(image, 5, filters=1).params == 76
    # A window as large as the image is a fully connected layer.
    assert (windows(image, 32, filters=20).out, windows(image, 32, filters=20).params) == ((1, 1, 20), 61_460)
    assert layers(image, Flatten(), Dense(20)).totals.params == 61_460
    assert windows(image, 32, filters=1).params == 3_073
    assert windows((200, 200, 3), 200, filters=100).weights == 12_000_000


def test_an_input_that_is_not_square():
    assert windows((3, 4), 2).out == (2, 3)


@pytest.mark.parametrize("maps", [4, 64])
def test_three_small_filters_see_as_much_as_a_large_one_for_less(maps):
    image = (16, 16, maps)
    large, small = windows(image, 7, filters=maps), windows(image, 3, filters=maps)
    assert large.params == 49 * maps**2 + maps
    assert 3 * small.params == 27 * maps**2 + 3 * maps
    assert round(100 * (1 - 3 * small.weights / large.weights)) == 45
    assert Field().through(7, 1) == Field().through(3, 1).through(3, 1).through(3, 1)
    assert windows(windows(windows(image, 3).out, 3).out, 3).out == large.out[:2]


@pytest.mark.parametrize("maps", [4, 64])
def test_bottlenecks_and_split_filters_cost_less_than_3x3(maps):
    image, half = (16, 16, maps), maps // 2
    assert windows(image, 3, filters=maps).weights == 9 * maps**2
    ways = [windows(image, 1, filters=half), windows((16, 16, half), 3, filters=half)]
    ways.append(windows((16, 16, half), 1, filters=maps))
    assert sum(way.weights for way in ways) == 3.25 * maps**2
    assert sum(windows(image, window, filters=maps).weights for window in ((1, 3), (3, 1))) == 6 * maps**2


def test_vgg_s_dense_layers_on_7x7x512():
    first = windows((7, 7, 512), 7, filters=4096)
    assert (first.out, first.weights) == ((1, 1, 4096), 102_760_448)
    dense = [first, windows(first.out, 1, filters=4096), windows(first.out, 1, filters=1000)]
    assert sum(layer.params for layer in dense) == 123_642_856
    rows = {row.path: row for row in size(find("vgg16")).rows}
    assert [rows[name].params for name in ("fc6", "fc7", "fc8")] == [layer.params for layer in dense]
    assert layers((7, 7, 512), GlobalPool()).output == (512,)


def test_inception_on_28x28x256_with_and_without_reductions():
    def way(channels, window, filters):
        return windows((28, 28, channels), window, 1, None, filters)

    pool = windows((28, 28, 256), 3, 1, None, pool=True)
    naive = [way(256, 1, 128), way(256, 3, 192), way(256, 5, 96), pool]
    assert {one.out[:2] for one in naive} == {(28, 28)}
    assert sum(one.out[2] for one in naive) == 672
    assert sum(one.macs for one in naive) == size(find("inception-naive")).totals.macs == 854_196_224
    reductions = [way(256, 1, 64), way(256, 1, 64)]
    ends = [way(256, 1, 128), way(64, 3, 192), way(64, 5, 96), way(256, 1, 64)]
    assert sum(one.out[2] for one in ends) == 480
    # The text's 358 million counts the way of 3x3 twice.
    reduced = sum(one.macs for one in reductions + ends)
    assert reduced == size(find("inception-reduced")).totals.macs == 271_351_808


@pytest.mark.parametrize(
    ("given", "exact", "out"),
    [
        ({"input": (224,), "window": 7, "stride": 2, "padding": 3}, 112.5, 112),  # ResNet's and GoogLeNet's conv1
        ({"input": (112,), "window": 3, "stride": 2, "pool": True, "ceil": True}, 55.5, 56),  # GoogLeNet's pools
        ({"input": (224,), "window": 7, "stride": 2, "padding": 1}, 110.5, 110),  # ZFNet
        ({"input": (110,), "window": 3, "stride": 2, "pool": True, "ceil": True}, 54.5, 55),
        ({"input": (26,), "window": 3, "stride": 2, "pool": True, "ceil": True}, 12.5, 13),
        ({"input": (224,), "window": 11, "stride": 4, "padding": 2}, 55.25, 55),  # torchvision's AlexNet
        ({"input": (32,), "window": 3, "stride": 2, "padding": 1}, 16.5, 16),  # CIFAR ResNets
        ({"input": (16,), "window": 3, "stride": 2, "padding": 1}, 8.5, 8),
        ({"input": (32,), "window": 11, "stride": 4}, 6.25, 6),  # the Keras article's AlexNet
        ({"input": (6,), "window": 3, "stride": 2, "pool": True}, 2.5, 2),
    ],
)
def test_sizes_of_published_networks_that_are_not_whole(given, exact, out):
    found = windows(**given)
    assert (float(found.rows.fit.exact), found.rows.fit.out, found.fits) == (exact, out, False)


def test_lenet5_layer_by_layer():
    shapes = [windows((32, 32, 1), 5, filters=6)]
    shapes.append(windows(shapes[-1].out, 2, 2, pool=True))
    shapes.append(windows(shapes[-1].out, 5, filters=16))
    shapes.append(windows(shapes[-1].out, 2, 2, pool=True))
    shapes.append(windows(shapes[-1].out, 5, filters=120))
    assert all(layer.fits for layer in shapes)
    assert [layer.out for layer in shapes] == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120)]
    assert [layer.params for layer in shapes] == [156, 0, 2_416, 0, 48_120]
