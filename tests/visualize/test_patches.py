"""Patches: where they are cut, what goes back, and what the sheet says."""

from dataclasses import replace

import numpy as np
import pytest

from cnncli.drawing.sheet import CELL, PAGE, Line, Panel, Sheet, drawn
from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network
from cnncli.sizing.geometry import Field
from cnncli.sizing.size import size
from cnncli.visualize.excited import Excited, excited
from cnncli.visualize.layers import row_of
from cnncli.visualize.patches import (
    CHECKERS,
    MAPS,
    SMALL,
    around_grey,
    before,
    cell_for,
    cropped,
    fields,
    layer_of,
    patches,
    signals,
    within,
)
from tests.visualize.subjects import loaded, subject


@pytest.mark.parametrize(
    ("name", "path"),
    [
        # Fields of 14 in 32, 15 in 32, 99 in 227, 92 in 224 pixels; before LeNet5's tanh.
        ("lenet5", "c3"),
        ("lenet5-modern", "relu2"),
        ("resnet20", "conv2/block3/relu2"),
        ("alexnet", "relu3"),
        ("vgg16", "relu10"),
        ("mlp", "relu1"),
        ("linear", "templates"),
    ],
)
def test_by_itself_the_deepest_layer_that_sees_half_of_the_image_is_shown(name, path):
    assert layer_of(find(name), None).path == path


def test_the_layer_asked_for_is_shown_even_if_it_saturates():
    lenet = find("lenet5")
    assert layer_of(lenet, "tanh2").path == "tanh2"
    assert before(lenet, row_of(lenet, "tanh2")).path == "c3"
    assert before(lenet, row_of(lenet, "s4")).path == "s4"
    with pytest.raises(UsageError, match="no layer 'c33'; did you mean 'c3'"):
        layer_of(lenet, "c33")
    # The first of all layers has nothing before it.
    alone = Network("n", (2, 2, 1), (Activation("tanh"),))
    assert layer_of(alone, None).path == "tanh1"


def test_a_field_is_where_sizing_says_and_one_larger_than_the_image_is_cut_to_its_size():
    assert within(Field(5, 2, -2), 0, 9) == range(-2, 3)
    assert within(Field(5, 2, -2), 3, 9) == range(4, 9)
    large = Field(20, 4, -12)
    # It sees 0 to 7, 0 to 15 and 8 to 27 of 10 pixels.
    assert within(large, 0, 10) == range(-2, 8)
    assert within(large, 2, 10) == range(10)
    assert within(large, 5, 10) == range(8, 18)


def test_units_are_counted_line_by_line():
    row = size(Network("n", (8, 12, 1), (Conv(1, (3, 5), (1, 2), (1, 1, 0, 0)),))).rows[0]
    assert row.output == (8, 4, 1)
    assert fields(row, 0, (8, 12, 1)) == (range(-1, 2), range(5))
    assert fields(row, 6, (8, 12, 1)) == (range(3), range(4, 9))
    lenet = find("lenet5")
    assert fields(row_of(lenet, "f6"), 7, lenet.input) == (range(32), range(32))


def test_what_is_beyond_the_image_is_checkered():
    image = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    assert (cropped(image, range(1, 3), range(1, 3)) == image[1:3, 1:3]).all()
    part = cropped(image, range(-1, 2), range(2, 6))
    assert (part[1:, :2] == image[:2, 2:]).all()
    light, dark = CHECKERS
    assert part[0, :, 0].tolist() == [light, dark, light, dark]
    assert part[1, 2:, 1].tolist() == [dark, light]
    assert set(np.unique(cropped(image, range(-9, -5), range(2)))) == {light, dark}


def test_a_signal_is_drawn_around_grey():
    assert around_grey(np.array([[-1.0, 0.0, 2.0]], np.float32)).tolist() == [[64, 128, 255]]
    assert around_grey(np.zeros((1, 2), np.float32)).tolist() == [[128, 128]]


# A cross is what the first filter looks for, its opposite what the second does; the third looks at nothing.
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.float32)
KERNEL = np.stack([CROSS, -CROSS, 0 * CROSS], axis=-1)[:, :, None]
LAYERS = (Conv(3, 3, name="c"), Activation("relu"), Pool("max", 2, 2, name="p"), Flatten(), Dense(3, name="d"))
PARAMS = {"c": {"kernel": KERNEL, "bias": np.zeros(3)}, "d": {"kernel": np.ones((27, 3)), "bias": np.zeros(3)}}


def crosses(layers=LAYERS):
    return subject(Network("crosses", (8, 8, 1), layers), PARAMS)


def images():
    """Three dark images with a cross each, the second brightest."""
    found = np.zeros((3, 8, 8, 1), np.uint8)
    for one, brightness, top, left in zip(found, (100, 255, 50), (0, 3, 5), (2, 4, 5), strict=True):
        one[top : top + 3, left : left + 3, 0] = brightness * CROSS
    return found


def looked(one, path):
    return excited(one, images(), row_of(one.network, path), np.arange(3))


def cut(one, path, rule, maps=None):
    return patches(one, loaded(images(), [2, 0, 1]), looked(one, path), rule, maps)


def test_a_patch_is_what_the_unit_sees_with_the_filter_that_goes_back():
    found = cut(crosses(), "relu1", "guided").found
    assert list(found) == ["map 0"]
    first, second, third = found["map 0"]
    assert [(one.label, round(one.value * 51)) for one in (first, second, third)] == [
        ("ant", 255),
        ("cat", 100),
        ("bee", 50),
    ]
    assert (first.image[..., 0] == 255 * CROSS).all()
    assert (second.image[..., 0] == 100 * CROSS).all()
    assert (third.back[..., 0] == np.where(CROSS, 255, 128)).all()


@pytest.mark.parametrize("rule", ["gradient", "guided", "deconv"])
def test_the_signal_goes_back_from_one_unit_through_the_image_s_own_switch(rule):
    one = crosses()
    found = looked(one, "p")
    ((pixels, signal),) = signals(one, images(), found, rule, [(0, 0)])
    assert (pixels == images()[1]).all()
    back = np.zeros((8, 8))
    back[3:6, 4:7] = CROSS
    assert signal[..., 0].tolist() == back.tolist()
    rows, columns = fields(found.row, int(found.units[0, 0]), one.network.input)
    assert (rows, columns) == (range(2, 6), range(4, 8))


def test_the_rules_differ_where_a_relu_is_passed_on_the_way():
    layers = (Conv(2, 1, name="c"), Activation("relu"), Conv(1, 1, name="e"), Flatten())
    params = {
        "c": {"kernel": np.array([1.0, -3.0]).reshape(1, 1, 1, 2), "bias": np.array([0.0, 1.0])},
        "e": {"kernel": np.array([2.0, 5.0]).reshape(1, 1, 2, 1), "bias": np.zeros(1)},
    }
    one = subject(Network("two", (1, 1, 1), layers), params)
    image = np.full((1, 1, 1, 1), 51, np.uint8)
    found = Excited(row_of(one.network, "e"), 1, *np.zeros((2, 1, 1), np.int32), np.ones((1, 1)), np.zeros(1))
    # Both units are active at 0.2: 1 * 2 - 3 * 5, whatever the rule; at 0.8 the second is not.
    for rule in ("gradient", "guided", "deconv"):
        assert next(signals(one, image, found, rule, [(0, 0)]))[1].item() == -13
    bright = np.full((1, 1, 1, 1), 204, np.uint8)
    given = {rule: next(signals(one, bright, found, rule, [(0, 0)]))[1].item() for rule in ("gradient", "deconv")}
    assert given == {"gradient": 2, "deconv": -13}


def test_more_units_than_go_back_together_are_all_there_in_their_order(monkeypatch):
    monkeypatch.setattr("cnncli.visualize.patches.BATCH", 2)
    one = crosses()
    seen = [pixels for pixels, _ in signals(one, images(), looked(one, "c"), "gradient", [(0, 2), (0, 0), (0, 1)])]
    assert [int(pixels.max()) for pixels in seen] == [50, 255, 100]


def test_a_rule_about_relus_is_refused_where_there_are_others():
    one = crosses((Conv(3, 3, name="c"), Activation("tanh"), Flatten(), Dense(3, name="e")))
    with pytest.raises(UsageError, match="'guided' is about ReLUs and crosses has tanh"):
        next(signals(one, images(), looked(crosses(), "c"), "guided", [(0, 0)]))


def test_dead_maps_are_said_and_not_drawn():
    found = cut(crosses(), "relu1", "guided", [0, 1, 2])
    assert list(found.found) == ["map 0"]
    assert found.sentences == ("dead, zero everywhere in the 3 images: 2 of 3 maps of relu1 (1, 2)",)
    assert "Dead, zero everywhere in the 3 images" in found.sheet("title").note
    with pytest.raises(UsageError, match="the 3 images excite no map of relu1 that is asked for; expected another"):
        cut(crosses(), "relu1", "guided", [2, 1])


def test_a_unit_that_sends_nothing_back_is_said():
    params = {"c": {"kernel": 1e3 * KERNEL, "bias": np.zeros(3)}, "d": PARAMS["d"]}
    one = subject(
        Network("n", (8, 8, 1), (LAYERS[0], Activation("tanh"), Pool("max", 2, 2), Flatten(), LAYERS[-1])), params
    )
    found = cut(one, "tanh1", "gradient", [0])
    assert [patch.silent for patch in found.found["map 0"]] == [True] * 3
    assert found.sentences[-1] == "tanh1 sends nothing back from 3 of 3 units; --layer c is what comes before it"
    assert found.sheet("title").lines[0].panels[3].caption == "all zero"


def test_a_line_has_patches_with_class_and_activation_and_room_for_as_many_as_others():
    one = crosses()
    sheet = cut(one, "c", "gradient", [1, 0]).sheet("title")
    assert [line.name for line in sheet.lines] == ["map 1", "map 0"]
    assert (sheet.heads, sheet.cell) == (("1", "2", "3") * 2, CELL)
    left, right = sheet.lines[1].groups
    assert [panel.caption for panel in left] == ["ant\n5", "cat\n1.96", "bee\n0.98"]
    assert [panel.caption for panel in right] == [""] * 3


def test_room_is_left_blank_where_a_map_has_fewer_patches():
    one, found = crosses(), looked(crosses(), "c")
    values = np.array([[5, 0, 0], [3, 2, 1], [0, 0, 0]], np.float32)
    sheet = patches(
        one, loaded(images(), [0, 0, 1]), replace(found, values=values, least=np.zeros(3)), "gradient"
    ).sheet("title")
    assert [[len(group) for group in line.groups] for line in sheet.lines] == [[3, 3], [3, 3]]
    for group in sheet.lines[0].groups:
        assert [bool((panel.pixels == PAGE).all()) for panel in group] == [False, True, True]
    assert "Where there are fewer, no other image excites it." in sheet.note


def test_the_note_says_what_was_looked_at():
    one = crosses()
    few = excited(one, images(), row_of(one.network, "c"), np.array([0, 2]))
    note = patches(one, loaded(images(), [0, 0, 1]), few, "deconv").sheet("title").note
    assert note.startswith("Left: of 2 images of 3, drawn by chance, those that excite a map most, each cut to what")
    assert "a receptive field of 3x3 pixels, with the image's class and the activation." in note
    assert "by the DeconvNet, mid-grey where it is 0" in note
    whole = cut(one, "d", "gradient")
    assert list(whole.found) == ["0 ant", "1 bee", "2 cat"]
    assert "of 3 images those that excite a unit most, with the" in whole.sheet("title").note


def test_of_many_maps_the_strongest_are_shown():
    network = Network("many", (4, 4, 1), (Conv(MAPS + 2, 3, name="c"), Flatten(), Dense(3)))
    one = subject(network)
    one.trained.params["c"]["kernel"] = np.ones((3, 3, 1, 1)) * np.arange(10.0, 0, -1)
    data = loaded(np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1)), [0, 1, 2])
    seen = excited(one, data.split.images, row_of(network, "c"), np.arange(3))
    found = patches(one, data, seen, "gradient")
    assert list(found.found) == [f"map {number}" for number in range(MAPS)]
    assert "Of 10 maps the 8 that their last image here excites most." in found.sheet("title").note


def test_many_maps_are_drawn_small_and_too_many_are_refused():
    vgg, alexnet = find("vgg16"), find("alexnet")
    row = row_of(alexnet, "conv3")
    assert (cell_for(row, alexnet.input, 8), cell_for(row, alexnet.input, 384)) == (99, SMALL)
    assert cell_for(row_of(vgg, "conv5_3"), vgg.input, 512) == SMALL
    assert cell_for(row_of(vgg, "fc6"), vgg.input, 8) == 160
    with pytest.raises(
        UsageError, match=r"--maps: 4,096 maps of fc6 are too many for a picture; expected at most \d+$"
    ):
        cell_for(row_of(vgg, "fc6"), vgg.input, 4096)


@pytest.mark.parametrize("maps", [512, 109])
def test_a_sheet_of_the_most_maps_fits(maps):
    lenet = find("lenet5")
    row = row_of(lenet, "c1")
    panel = Panel(np.zeros((1, 1), np.uint8), "automobile\n13.62" if maps < 200 else "")
    lines = [Line("class number one", ((panel,) * 9, (panel,) * 9))] * maps
    cell = cell_for(row, lenet.input, maps)
    assert cell == (CELL if maps < 200 else SMALL)
    assert drawn(Sheet(lines, "title", "note", cell=cell)).get_size_inches()[1] > 0
