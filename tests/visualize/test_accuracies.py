"""Shares, how sure they are, and where half of one is lost."""

import pytest

from cnncli.visualize.accuracies import Accuracy, half_lost


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(correct, count, low, high):
    found = Accuracy(0, correct, count)
    assert found.share == correct / count
    assert found.interval == pytest.approx((low, high), abs=5e-5)


def test_an_interval_stays_between_nothing_and_everything():
    assert Accuracy(0, 20, 20).interval == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)
    assert Accuracy(0, 0.5, 20).interval[0] > 0


def points(**shares):
    return [Accuracy(float(strength.strip("_").replace("_", ".")), hit, 100) for strength, hit in shares.items()]


def test_half_is_lost_at_the_first_strength_with_less_than_half():
    assert half_lost(points(_0=90, _1=60, _2=45, _3=44, _4=50, _5=10)) == [3]
    assert half_lost(points(_0=90, _1=60)) == []


def test_half_is_lost_on_both_sides_of_no_change():
    assert half_lost(points(_0_5=10, _0_7=20, _1=90, _1_5=30, _2=10), 1.0) == [0.7, 1.5]
    assert half_lost(points(_0_5=50, _1=90, _1_5=30, _2=10), 1.0) == [1.5]
    assert half_lost(points(_1=90, _0_5=10), 1.0) == [0.5]
