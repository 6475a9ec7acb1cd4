"""What a layer is called in a picture: as a lecturer would say it."""

import pytest

from cnncli.diagrams.labels import KINDS, details, operation, title
from cnncli.drawing.palette import COLOURS
from cnncli.networks.layers import (
    WORDS,
    Activation,
    AdaptivePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    LocalResponseNorm,
    PadShortcut,
    PartialConv,
    Pool,
    RadialBasis,
    Subsample,
)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Conv(96, 11, 4), "conv 11x11/4, 96"),
        (Conv(64, 3, padding=1), "conv 3x3, 64"),
        (Conv(8, (1, 3), (2, 1)), "conv 1x3/2x1, 8"),
        (PartialConv(((0,), (0, 1)), 5), "partial conv 5x5, 2"),
        (Pool("max", 3, 2), "max 3x3/2"),
        (Pool("average", (2, 1), 1), "average 2x1"),
        (AdaptivePool(6), "average to 6x6"),
        (GlobalPool(), "global average"),
        (Subsample(2, 2), "subsample 2x2/2"),
        (Dense(10), "dense 10"),
        (RadialBasis(("#.", ".#", "##")), "radial basis 3"),
        (PadShortcut(32, 2), "zero-pad/2, 32"),
        (BatchNorm(), "batch norm"),
        (LocalResponseNorm(), "response norm"),
        (Activation("leaky-relu"), "leaky-relu"),
        (Dropout(0.25), "dropout 0.25"),
    ],
)
def test_a_layer_is_called_by_what_it_does(layer, said):
    assert title(layer) == said
    assert said.startswith(operation(layer))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Conv(8, 3), []),
        (Conv(8, 5, padding=2, groups=2), ["pad 2", "2 groups"]),
        (Conv(8, 3, padding=(1, 0)), ["pad 1x0"]),
        (Pool("max", 3, 2, (0, 1, 0, 1)), ["pad 0x1x0x1"]),
        (Pool("max", 3, 2, ceil=True), ["rounded up"]),
    ],
)
def test_details_are_what_else_decides_the_size(layer, said):
    assert details(layer) == said


def test_every_word_has_a_colour_but_those_that_only_hold_others():
    assert {word for word, layer in WORDS.items() if layer not in KINDS} == {"branches", "residual"}
    assert set(KINDS.values()) <= set(COLOURS)
