"""Sizing against published figures, layer by layer, and its invariants on random networks."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    Activation,
    AdaptivePool,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Group,
    LocalResponseNorm,
    PadShortcut,
    PartialConv,
    Pool,
    RadialBasis,
    Residual,
    Subsample,
)
from cnncli.networks.network import Network, adapt
from cnncli.sizing.geometry import Field
from cnncli.sizing.size import size, sized, smallest
from tests.strategies import mutated, networks


def of(shape, *layers):
    return size(Network("n", shape, layers))


def params(name):
    return [row.params for row in size(find(name)).rows if row.params]


def field(report):
    rows, columns = report.field
    assert rows == columns
    return rows.size, rows.jump


def test_lenet5_layer_by_layer():
    rows = size(find("lenet5")).rows
    assert [row.path for row in rows if row.windows] == ["c1", "s2", "c3", "s4"]
    assert [row.output for row in rows if row.windows] == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16)]
    assert params("lenet5") == [156, 2_416, 48_120, 10_164, 850]
    assert [row.macs for row in rows if row.macs] == [117_600, 240_000, 48_000, 10_080, 840]
    assert field(size(find("lenet5"))) == (16, 4)


def test_lenet5_of_1998_layer_by_layer():
    report = size(find("lenet5-1998"))
    assert params("lenet5-1998") == [156, 12, 1_516, 32, 48_120, 10_164]
    # The paper's own count, and 84 for each of ten codes.
    connections = [row.connections for row in report.rows if row.connections]
    assert connections == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert report.totals.connections == 340_908


def test_lenet5_of_keras_layer_by_layer():
    assert params("lenet5-keras") == [156, 2_416, 30_840, 10_164, 850]


def test_lenet5_on_colour():
    assert size(adapt(find("lenet5"), (32, 32, 3))).totals.params == 62_006


def test_alexnet_as_printed_does_not_fit():
    windows = of((224, 224, 3), Conv(96, 11, 4)).rows[0].windows
    assert not windows.fits
    assert (float(windows.rows.exact), windows.rows.out, windows.rows.dropped) == (54.25, 54, 1)


def test_the_chapter_on_parameters():
    image = (32, 32, 3)
    assert of(image, Conv(20, 5)).totals.params == 1_520
    assert of(image, Conv(20, 5)).output == (28, 28, 20)
    assert of(image, Flatten(), Dense(20)).totals.params == 61_460
    assert of(image, Conv(1, 5)).totals.params == 76
    assert of(image, Flatten(), Dense(1)).totals.params == 3_073
    assert of((200, 200, 3), Flatten(), Dense(100, bias=False)).totals.params == 12_000_000


def test_the_chapter_on_sizes():
    assert of((7, 7, 1), Conv(1, 3)).output == (5, 5, 1)
    assert of((3, 4, 1), Conv(1, 2)).output == (2, 3, 1)


@pytest.mark.parametrize("maps", [4, 64])
def test_the_chapter_on_small_filters(maps):
    image = (16, 16, maps)
    large, three = of(image, Conv(maps, 7)), of(image, *[Conv(maps, 3)] * 3)
    assert large.totals.params == 49 * maps**2 + maps
    assert three.totals.params == 27 * maps**2 + 3 * maps
    assert field(large) == field(three) == (7, 1)
    assert large.output == three.output
    half, bare = maps // 2, {"bias": False}
    bottleneck = of(image, Conv(half, 1, **bare), Conv(half, 3, padding=1, **bare), Conv(maps, 1, **bare))
    assert bottleneck.totals.params == 3.25 * maps**2
    assert of(image, Conv(maps, 3, **bare)).totals.params == 9 * maps**2
    assert of(image, Conv(maps, (1, 3), **bare), Conv(maps, (3, 1), **bare)).totals.params == 6 * maps**2


def test_the_chapter_on_vgg_dense_layers():
    dense = (Flatten(), Dense(4096), Dense(4096), Dense(1000))
    report = of((7, 7, 512), *dense)
    assert report.rows[1].macs == 102_760_448
    assert report.totals.params == 123_642_856
    assert of((7, 7, 512), GlobalPool()).output == (512,)


def test_the_chapter_on_inception():
    pool = Pool("max", 3, 1, 1)
    naive = ((Conv(128, 1),), (Conv(192, 3, padding=1),), (Conv(96, 5, padding=2),), (pool,))
    reduced = ((Conv(128, 1),), *((Conv(64, 1), *way) for way in naive[1:3]), (pool, Conv(64, 1)))
    found = [of((28, 28, 256), Branches(ways)) for ways in (naive, reduced)]
    assert [report.output for report in found] == [(28, 28, 672), (28, 28, 480)]
    assert [report.totals.macs for report in found] == [854_196_224, 271_351_808]


def test_a_basic_block_with_a_padded_shortcut():
    body = (Conv(32, 3, 2, 1, bias=False), BatchNorm(), Activation("relu"), Conv(32, 3, 1, 1, bias=False), BatchNorm())
    report = of((32, 32, 16), Residual(body, (PadShortcut(32, 2),), name="block"), Activation("relu"))
    assert report.output == (16, 16, 32)
    assert report.totals.params == 9 * 16 * 32 + 9 * 32 * 32 + 2 * 2 * 32
    assert report.totals.stats == 2 * 2 * 32
    assert report.totals.macs == 16 * 16 * (9 * 16 * 32 + 9 * 32 * 32)
    assert field(report) == (7, 2)


def test_a_residual_sees_as_much_as_its_body():
    assert field(of((9, 9, 2), Residual((Conv(2, 3, padding=1), Conv(2, 3, padding=1))))) == (5, 1)


def test_a_padded_shortcut_keeps_its_stride_in_the_field():
    report = of((5, 5, 1), PadShortcut(1, 4))
    assert report.rows[0].field == (Field(1, 4), Field(1, 4))


def test_branches_see_as_much_as_the_widest_even_where_it_is_not_the_last():
    report = of((9, 9, 2), Branches(((Conv(2, 5, padding=2),), (Pool("max", 3, 1, 1),))))
    assert field(report) == (5, 1)
    assert report.output == (9, 9, 4)


def test_a_field_is_told_apart_by_height_and_width():
    assert of((9, 9, 2), Conv(2, (3, 5), (1, 2))).field == (Field(3, 1), Field(5, 2))


def test_a_vector_and_an_adaptive_pool_have_no_field_and_hide_none():
    report = of((9, 9, 2), Conv(2, 3), AdaptivePool((2, 3)), Conv(1, 1), Flatten())
    assert [row.field for row in report.rows[1:]] == [None] * 3
    assert report.rows[1].output == (2, 3, 2)
    assert field(report) == (3, 1)
    assert of((9, 9, 2), Flatten()).field is None


def test_heads_are_counted_apart():
    head = AuxiliaryHead((GlobalPool(), Dense(10), BatchNorm()), name="aux")
    report = of((4, 4, 2), Conv(2, 1), head, GlobalPool(), Dense(10))
    assert report.has_heads
    assert report.totals.params == 6 + 30
    assert report.totals.params_with_heads == 6 + 30 + 30 + 20
    assert (report.totals.stats, report.totals.stats_with_heads) == (0, 20)
    assert report.totals.macs == 64 + 20
    assert [row.path for row in report.rows if row.head] == ["aux/global-pool1", "aux/dense1", "aux/batch-norm1"]


def test_pooling_rounds_as_it_is_told():
    assert of((112, 112, 1), Pool("max", 3, 2)).output == (55, 55, 1)
    assert of((112, 112, 1), Pool("max", 3, 2, ceil=True)).output == (56, 56, 1)


def test_a_partial_convolution_counts_its_links():
    row = of((4, 4, 3), PartialConv(((0,), (1, 2)), 3)).rows[0]
    assert (row.output, row.params, row.macs) == ((2, 2, 2), 3 * 9 + 2, 4 * 3 * 9)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Group((Conv(2, 9),), name="g"),), "conv 'g/conv1': a window of 9 on an input of 8: it is larger"),
        ((Conv(4, 1, groups=2),), "conv 'conv1': 2 groups over 3 input and 4 output channels; expected a number that"),
        ((PartialConv(((3,),), 1),), "its table names map 3; the input has maps 0 to 2"),
        ((Dense(4),), "dense 'dense1': its input is an image (8x8x3); put flatten or global-pool before it"),
        ((Flatten(), Conv(2, 1)), "conv 'conv1': its input is flat (192); expected an image"),
        ((Flatten(), LocalResponseNorm()), "local-response-norm 'local-response-norm1': its input is flat (192)"),
        ((GlobalPool(), RadialBasis(("#.",))), "its codes have 2 values, its input 3"),
        ((PadShortcut(2),), "pad-shortcut 'pad-shortcut1': it pads to 2 channels; its input already has 3"),
        ((Subsample(9, 1),), "subsample 'subsample1': a window of 9 on an input of 8"),
        ((Pool("max", 2, 1, 2),), "pool 'pool1': its window of 2x2 fits into the padding (2, 2, 2, 2) alone"),
        (
            (Residual((Conv(4, 3),), name="block"),),
            "residual 'block': the body gives 6x6x4, the shortcut 8x8x3; expected the same shape",
        ),
        ((Residual((Conv(4, 1),)),), "residual from 'conv1' on: the body gives 8x8x4, the shortcut 8x8x3"),
        (
            (Group((Branches(((), (Conv(4, 3),))),), name="g"),),
            "branches from 'g/conv1' on: they give 8x8x3, 6x6x4; expected the same height and width",
        ),
        ((Branches(((), (Flatten(),)), name="b"),), "branches 'b': they give 8x8x3, 192; expected"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(layers, message):
    with pytest.raises(UsageError) as error:
        of((8, 8, 3), *layers)
    assert message in str(error.value)


def test_lenet5_of_1998_needs_its_own_input():
    with pytest.raises(UsageError, match="conv 'c5': a window of 5 on an input of 4"):
        size(adapt(find("lenet5-1998"), (28, 28, 1)))


def joins(report):
    return [(row.path, row.word, row.kind, row.parts, row.output) for row in report.rows if row.parts]


def test_where_ways_meet_is_a_row_behind_them():
    ways = ((Conv(3, 1),), (), (Residual((Conv(2, 1),)), Conv(1, 1)))
    report = of((4, 4, 2), Branches(ways), Residual((Conv(6, 1),)))
    assert [row.path for row in report.rows] == ["conv1", "conv2", "add1", "conv3", "concat1", "conv4", "add2"]
    inner, outer, last = (4, 4, 2), (4, 4, 3), (4, 4, 6)
    assert joins(report) == [
        ("add1", "residual", "add", (inner, inner), inner),
        ("concat1", "branches", "concat", (outer, inner, (4, 4, 1)), last),
        ("add2", "residual", "add", (last, last), last),
    ]
    added = report.rows[2]
    assert (added.params, added.macs, added.activations, added.windows) == (0, 0, 0, None)
    assert added.field == (Field(1, 1), Field(1, 1))


def test_joins_have_their_own_names_and_take_nobodys():
    named = of((4, 4, 2), Residual((Conv(2, 1),), name="block"), Branches(((), ()), name="both"))
    assert [row.path for row in named.rows] == ["block/conv1", "block", "both"]
    taken = of((4, 4, 2), Residual((Conv(2, 1, name="add1"),)), Group((Residual((Conv(2, 1),)),), name="g"))
    assert [row.path for row in taken.rows] == ["add1", "add2", "g/conv1", "g/add2"]


def test_what_waits_elsewhere_is_held():
    body = of((4, 4, 2), Residual((Conv(2, 3, padding=1), Activation("relu"), Conv(2, 3, padding=1)), name="block"))
    assert [row.held for row in body.rows] == [0, 32, 32, 0]
    ways = ((Conv(3, 1),), (Conv(1, 1), Conv(5, 3, padding=1)), (Pool("max", 3, 1, 1),))
    # The first way's 48 values; besides, the input that the pooling needs; then the second way's 80 in its place.
    assert [row.held for row in of((4, 4, 2), Branches(ways)).rows] == [0, 48, 48 + 32, 48 + 80, 0]


def test_activations_are_those_of_layers_that_give_a_new_array():
    words = (Conv(3, 1), BatchNorm(), Activation("relu"), Pool("max", 2, 2), AdaptivePool(1), Flatten(), Dense(5))
    assert [row.activations for row in of((4, 4, 2), *words).rows] == [48, 0, 0, 12, 3, 0, 5]
    assert [row.activations for row in of((4, 4, 2), Subsample(2, 2), GlobalPool(), RadialBasis(("#.",))).rows] == [
        *(8, 0, 1),
    ]


def test_weight_layers_are_those_of_the_longest_way():
    short, long = (Conv(2, 1),), (Conv(2, 1), Activation("relu"), PartialConv(((0, 1), (1,)), 1))
    assert of((4, 4, 2), Residual(short, long)).weight_layers == 2
    assert of((4, 4, 2), Branches((long, short)), Flatten(), Dense(3)).weight_layers == 3
    assert of((4, 4, 2), AuxiliaryHead((Flatten(), Dense(3))), Pool("max", 2, 2), BatchNorm()).weight_layers == 0
    assert of((1, 1, 2), Flatten(), RadialBasis(("#.",))).weight_layers == 1


@pytest.mark.parametrize(
    ("name", "side"), [("vgg16", 32), ("alexnet", 67), ("alexnet-torchvision", 63), ("lenet5", 16)]
)
def test_the_smallest_input_is_said_where_one_is_too_small(name, side):
    network = find(name)
    assert smallest(network) == side
    assert size(adapt(network, (side, side, network.input[2]))).output == size(network).output
    with pytest.raises(UsageError) as error:
        size(adapt(network, (side - 1, side - 1, network.input[2])))
    assert str(error.value).endswith(f"; the smallest square input that {name} accepts is {side}x{side}")


def test_no_input_is_said_to_be_the_smallest_where_none_is():
    assert smallest(Network("n", (9, 9, 1), (Conv(1, 512),))) == 512
    assert smallest(Network("n", (9, 9, 1), (Conv(1, 513),))) is None
    with pytest.raises(UsageError) as error:
        of((9, 9, 1), Conv(1, 513))
    assert str(error.value).endswith("larger than what it looks at")


def possible(network, side):
    try:
        return bool(sized(replace(network, input=(side, side, network.input[2]))))
    except UsageError:
        return False


@settings(max_examples=50)
@given(mutated())
def test_the_smallest_input_is_the_first_of_all(network):
    side = smallest(network)
    assert side is None or possible(network, side)
    assert not any(possible(network, below) for below in range(1, side or 20))


@given(networks(3))
def test_every_row_has_a_path_of_its_own(network):
    paths = [row.path for row in size(network).rows]
    assert len(set(paths)) == len(paths)


@given(networks())
def test_columns_add_up_to_the_totals(network):
    report = size(network)
    main, totals = [row for row in report.rows if not row.head], report.totals
    for column in ("params", "stats", "macs", "connections"):
        assert getattr(totals, column) == sum(getattr(row, column) for row in main)
    assert totals.params_with_heads - totals.params == sum(row.params for row in report.rows if row.head)
    assert totals.stats_with_heads - totals.stats == sum(row.stats for row in report.rows if row.head)


@given(networks())
def test_counts_and_sizes_are_whole_and_connections_hold_the_multiply_adds(network):
    for row in size(network).rows:
        assert all(isinstance(count, int) and count >= 0 for count in (row.params, row.stats, row.macs))
        assert all(isinstance(part, int) and part >= 1 for part in row.output)
        assert row.connections >= row.macs


@settings(max_examples=500)
@given(mutated())
def test_what_cannot_be_raises_nothing_but_usage_errors(network):
    try:
        report = size(network)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert all(part >= 1 for part in report.output)
