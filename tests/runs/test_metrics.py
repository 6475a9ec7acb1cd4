"""Lines of metrics.jsonl as curves."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.runs import metrics

CURVES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80)


def test_points_are_the_finite_values():
    lines = [{"epoch": at, "val_loss": value} for at, value in enumerate((0.5, None, float("nan"), float("inf"), 2))]
    assert metrics.points([*lines, {"epoch": 5}], "val_loss") == [(0, 0.5), (4, 2.0)]


def test_the_best_epoch_has_the_highest_accuracy_in_validation():
    lines = [{"epoch": at, "val_accuracy": value} for at, value in ((1, 0.5), (2, 0.9), (3, None), (4, 0.8))]
    assert metrics.best_epoch(lines) == 2


def test_of_equal_accuracies_the_lower_loss_is_best_then_the_earlier_epoch():
    lines = [{"epoch": at, "val_accuracy": 0.9, "val_loss": loss} for at, loss in ((1, 0.5), (2, 0.3), (3, 0.3))]
    assert metrics.best_epoch(lines) == 2


def test_without_validation_there_is_no_best_epoch():
    assert metrics.best_epoch([{"epoch": 1, "train_loss": 1.0, "val_accuracy": None}]) is None


@pytest.mark.parametrize(("count", "width"), [(1, 3), (12, 3), (39, 3), (40, 5), (100, 11), (200, 21)])
def test_smoothing_is_over_a_tenth_and_at_least_three_epochs(count, width):
    assert metrics.width(count) == width


def test_a_bad_epoch_leaves_no_trace():
    assert metrics.smoothed([5, 4, 3, 99, 3, 2, 1]) == [5, 4, 4, 3, 3, 2, 1]


def test_each_value_becomes_the_median_around_it():
    values = [float(value * 7919 % 100) for value in range(50)]
    assert metrics.smoothed(values)[10] == median(values[8:13])
    assert metrics.smoothed(values)[48] == median(values[47:50])


@given(CURVES)
def test_what_only_rises_stays_as_it_is(values):
    assert metrics.smoothed(sorted(values)) == sorted(values)


@given(CURVES)
def test_smoothing_adds_nothing_and_keeps_the_ends(values):
    smooth = metrics.smoothed(values)
    assert len(smooth) == len(values)
    assert (smooth[0], smooth[-1]) == (values[0], values[-1])
    assert min(values) <= min(smooth) <= max(smooth) <= max(values)
