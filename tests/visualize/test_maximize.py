"""What is maximized, where it starts, and what the sheet says of it."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.drawing.sheet import Sheet
from cnncli.errors import UsageError
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import maximize
from cnncli.visualize.ascent import Ascent, climb
from tests.visualize.subjects import loaded, subject

NETWORK = Network("net", (4, 4, 1), (Conv(4, 3, name="c1"), Activation("relu"), Flatten(), Dense(3, name="output")))


@pytest.fixture(scope="module")
def net():
    return subject(NETWORK)


def test_classes_are_named_and_have_the_probability_of_the_very_pixels(net):
    targets = maximize.classes(net, [2, 0])
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 1), np.uint8)
    logits = net.logits(images)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = targets.captions(net, images, np.zeros(2))
    assert said == [f"cat\n{100 * chances[0, 2]:.1f} %", f"ant\n{100 * chances[1, 0]:.1f} %"]


@pytest.mark.parametrize(
    ("chance", "said"), [(0.5, "50.0 %"), (0.9994, "99.9 %"), (0.99999, "> 99.9 %"), (1, "> 99.9 %")]
)
def test_nothing_is_certain(chance, said):
    assert maximize.percent(chance) == said


def test_units_are_those_asked_for_or_the_first(net):
    assert maximize.units(net, "c1", (3, 1), False).names == ("map 3", "map 1")
    assert maximize.units(net, "c1", (), True).names == ("map 0", "map 1", "map 2", "map 3")
    assert maximize.units(net, "output", (), False, most=2).names == ("unit 0", "unit 1")
    targets = maximize.units(net, "output", (1,), False)
    assert targets.captions(net, np.zeros((1, 4, 4, 1), np.uint8), np.array([1.23456])) == ["unit 1\n1.23"]


@pytest.mark.parametrize(
    ("path", "units", "middle", "said"),
    [
        ("c1", (4,), False, "--unit 4: c1 has 4 maps, 0 to 3"),
        ("output", (3,), False, "--unit 3: output has 3 units, 0 to 2"),
        ("output", (), True, "--middle: output gives a vector"),
        ("c2", (), False, "net has no layer 'c2'; did you mean 'c1'"),
    ],
)
def test_units_that_there_are_not(net, path, units, middle, said):
    with pytest.raises(UsageError, match=said):
        maximize.units(net, path, units, middle)


# Two kinds of ants, two bees, and no cat: ants are bright above or below.
ABOVE, BELOW = np.zeros((4, 4, 1)), np.zeros((4, 4, 1))
ABOVE[:2], BELOW[2:] = 200, 200
DATA = loaded([ABOVE] * 3 + [BELOW] * 2 + [ABOVE // 2, BELOW // 2], [0, 0, 0, 0, 0, 1, 1])


def test_means_of_classes_and_of_all():
    assert np.array_equal(maximize.mean(DATA, 0), np.round((3 * ABOVE + 2 * BELOW) / 5))
    assert np.array_equal(maximize.mean(DATA), np.round((3.5 * ABOVE + 2.5 * BELOW) / 7))
    with pytest.raises(UsageError, match="--class: the split has no image of 'cat'"):
        maximize.mean(DATA, 2)


def test_facets_are_the_kinds_of_a_class_the_most_frequent_first(net):
    assert np.array_equal(maximize.facets(net, DATA, 0, 2, 0), np.stack([ABOVE, BELOW]))
    with pytest.raises(UsageError, match="--facets 3: 'bee' has 2 images in the split"):
        maximize.facets(net, DATA, 1, 3, 0)


def test_beginnings(net):
    images = np.stack([ABOVE, BELOW]).astype(np.uint8)
    assert maximize.begin(net, 2, images, False, 0) == pytest.approx(images / 255, abs=1e-6)
    assert not maximize.begin(net, 2, None, False, 0).any()
    assert maximize.begin(net, 2, None, True, 0).any()


def test_a_sheet_for_each_step_says_what_is_dead(net):
    dying = subject(NETWORK)
    dying.trained.params["c1"]["bias"] = jnp.array([100.0, -100.0, 0, 0])
    targets = maximize.units(dying, "relu1", (0, 1), False)
    start = maximize.begin(dying, 2, None, True, 0)
    found = climb(dying, targets.objective, start, Ascent(4, 0.1), frames=2)
    pages = maximize.sheets(dying, targets, found, np.zeros((2, 4, 4, 1), np.uint8), Sheet([], "a title", "a note"))
    assert [[line.name for line in page.lines] for page in pages] == [["start", "step 0"], ["start", "step 4"]]
    assert {page.title for page in pages} == {"a title"}
    live, dead = pages[-1].lines[1].panels
    assert live.caption.startswith("map 0\n") and np.array_equal(live.pixels, found.images[0])
    assert dead.caption == "map 1\nno gradient" and not dead.pixels.any()
    assert maximize.dead(targets, found).startswith("No gradient in any step, so there is nothing to see: map 1.")


def test_facets_have_a_line_for_each_class(net):
    targets = maximize.classes(net, [0, 1], each=3)
    assert targets.labels == (0, 0, 0, 1, 1, 1)
    found = climb(net, targets.objective, maximize.begin(net, 6, None, True, 0), Ascent(2, 0.1))
    (page,) = maximize.sheets(net, targets, found, None, Sheet([]))
    assert [len(line.panels) for line in page.lines] == [3, 3]
    assert maximize.dead(targets, found) == ""
