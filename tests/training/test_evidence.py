"""Curves as numbers, where the numbers are known."""

import pytest

from cnncli.training.evidence import Gap, gather
from tests.training.curves import changed, lines, table


def straight(first, last):
    """A loss that goes straight from one value to another; accuracy is what it lacks of 1."""
    return lambda at: (first + (last - first) * at, 1 - first - (last - first) * at)


def test_a_straight_line_changes_by_its_share_of_the_beginning():
    course = gather(lines(30, straight(1.0, 0.4))).train_loss
    assert (course.first, course.last) == (pytest.approx(0.96), pytest.approx(0.42))
    assert course.trend == pytest.approx(-0.6 * 9 / 30 / 0.96)
    assert course.drift == pytest.approx(-0.6 * 14 / 30 / 0.96)
    assert (course.lowest, course.lowest_epoch, course.highest) == (pytest.approx(0.4), 30, pytest.approx(0.98))


def test_a_curve_begins_where_it_does_and_not_where_a_few_epochs_are():
    course = gather(table([3.0, 4.6, 4.7, 5.4, 3.6, 3.2], [0.2] * 6)).train_loss
    assert (course.began, course.first) == (3.0, 4.6)


def test_an_accuracy_changes_in_points():
    assert gather(lines(30, straight(1.0, 0.4))).train_accuracy.trend == pytest.approx(0.6 * 9 / 30)


def test_epochs_that_disagree_have_no_trend():
    course = gather(lines(30, lambda at: (1.0 + 0.5 * (round(at * 30) % 2), 0.5))).train_loss
    assert (course.trend, course.drift) == (0, 0)


def test_gaps_are_positive_where_training_is_ahead():
    seen = gather(lines(10, straight(0.5, 0.1), straight(0.6, 0.3)), best=5)
    assert seen.gap_at_end == Gap(10, pytest.approx(0.19), pytest.approx(0.19))
    assert seen.gap_at_best == Gap(5, pytest.approx(0.15), pytest.approx(0.15))


def test_the_best_epoch_is_looked_for():
    metrics = lines(10, straight(0.5, 0.1), straight(0.6, 0.3))
    assert gather(metrics).gap_at_best.epoch == 10
    assert gather(changed(metrics, 4, val_accuracy=2.0)).gap_at_best.epoch == 4


def test_a_turn_is_measured_from_the_minimum():
    seen = gather(lines(30, straight(1.0, 0.1), lambda at: (0.5 + abs(at - 0.5), 0.7)))
    assert (seen.val_loss.lowest_epoch, seen.val_loss.lowest) == (14, pytest.approx(0.5, abs=0.04))
    assert seen.turned == pytest.approx((0.967 - 0.533) / 0.933, abs=0.04)


def test_validation_that_rises_with_training_has_not_turned():
    assert gather(lines(30, lambda at: (0.5 + at, 0.5), lambda at: (0.5 + abs(at - 0.5), 0.7))).turned == 0


def test_a_rise_of_training_is_measured_from_its_beginning():
    assert gather(lines(30, straight(1.0, 0.1))).risen < 0
    assert gather(lines(30, lambda at: (1 + 4 * at * (1 - at), 0.5))).risen == pytest.approx(
        (2.0 - 1.13) / 1.13, abs=0.01
    )
    # Three epochs have seen it thrown up already.
    thrown = [3.0, 4.6, 4.7, 5.4, 3.6, 3.2, 3.1, 3.8, 3.2, 2.8]
    assert gather(table(thrown, [0.3] * 10)).risen == pytest.approx((4.7 - 3.0) / 3.0)
    # Where it is thrown up at once, and comes down from there, it has not risen.
    assert gather(lines(30, lambda at: (9 - 8 * at, 0.5))).risen < 0
    one_bad = [changed(lines(12, straight(1.0, 0.1)), epoch, train_loss=9.0) for epoch in range(1, 13)]
    assert max(gather(metrics).risen for metrics in one_bad) < 0.1


def test_a_minimum_at_the_end_is_no_turn():
    metrics = lines(12, straight(1.0, 0.1), straight(1.0, 0.9))
    seen = gather(changed(metrics, 12, val_loss=0.1))
    assert (seen.turned, seen.regained) == (0, 0)


def test_what_validation_wins_back_counts_whatever_training_does():
    seen = gather(lines(30, lambda at: (0.5 + at, 0.5), lambda at: (0.5 + abs(at - 0.5), 0.7)))
    assert seen.turned == 0
    assert seen.regained == pytest.approx((0.967 - 0.533) / 0.933, abs=0.04)


def test_only_what_leaps_far_is_a_jump():
    losses = [2.0, 1.0, 0.5, 0.6, 0.4, 0.41, 0.001, 0.002, 0.3, 0.2]
    metrics = [{"epoch": at, "train_loss": loss} for at, loss in enumerate(losses, start=1)]
    seen = gather(metrics)
    assert (seen.jumps, seen.chances) == (1, 5)


def test_the_rate_at_the_end_is_a_share_of_the_highest():
    assert gather(lines(10, straight(1, 0), rate=lambda at: 0.1 if at < 0.8 else 0.01)).rate_left == pytest.approx(0.1)


def test_without_lines_there_is_nothing():
    seen = gather([])
    assert (seen.epochs, seen.finite, seen.train_loss, seen.gap_at_end, seen.rate_left) == (0, True, None, None, None)


@pytest.mark.parametrize("value", [None, float("nan")])
def test_epochs_without_a_finite_loss_are_left_out(value):
    metrics = lines(10, straight(1.0, 0.1), straight(1.0, 0.2))
    seen = gather([{**line, "train_loss": value} if line["epoch"] == 5 else line for line in metrics])
    assert (seen.epochs, seen.finite) == (9, True)
