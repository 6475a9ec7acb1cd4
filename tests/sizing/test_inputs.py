"""The nearest input at which every window fits."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Conv, Pool
from cnncli.networks.network import Network, adapt
from cnncli.sizing.inputs import REACH, nearest_fit
from cnncli.sizing.size import size
from tests.strategies import mutated, networks


@pytest.mark.parametrize(
    ("name", "given", "fitting"),
    [
        ("alexnet", 224, (227, 227)),
        ("alexnet", 227, (227, 227)),
        ("resnet50", 224, (225, 225)),
        ("alexnet-torchvision", 224, (223, 223)),
        ("resnet20", 32, (33, 33)),
        # Its windows fit at 189 and 285, both out of reach.
        ("googlenet", 224, None),
    ],
)
def test_of_the_catalogue(name, given, fitting):
    assert nearest_fit(adapt(find(name), (given, given, 3))) == fitting


def of(height, width, *layers):
    return nearest_fit(Network("n", (height, width, 1), layers))


def test_of_two_as_near_it_is_the_larger():
    assert of(7, 7, Conv(1, 1, 4)) == (9, 9)


def test_it_may_be_smaller():
    assert of(6, 6, Conv(1, 1, 4)) == (5, 5)


def test_height_and_width_move_together():
    assert of(6, 10, Pool("max", 3, 4)) == (7, 11)
    # One of them always is odd.
    assert of(6, 7, Pool("max", 2, 2)) is None


def test_no_size_is_below_one_and_none_beyond_reach():
    assert of(1, 1, Pool("max", 3, 1)) == (3, 3)
    assert of(1, 1, Conv(1, 1 + REACH)) == (33, 33)
    assert of(1, 1, Conv(1, 2 + REACH)) is None


def fits(network, step):
    height, width, channels = network.input
    if min(height, width) + step < 1:
        return False
    try:
        return not size(replace(network, input=(height + step, width + step, channels))).unfit
    except UsageError:
        return False


@settings(max_examples=50)
@given(st.one_of(networks(1), mutated()))
def test_every_other_size_was_tried(network):
    able = [step for step in range(-REACH, REACH + 1) if fits(network, step)]
    best = min(able, key=lambda step: (abs(step), -step), default=None)
    height, width, _ = network.input
    assert nearest_fit(network) == (None if best is None else (height + best, width + best))
