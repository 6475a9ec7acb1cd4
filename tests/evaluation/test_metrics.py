"""Counting: confusion, classes and accuracies from predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.evaluation.metrics import Predictions, evaluated


def predictions(labels, predicted, top5=None, loss=None):
    count = len(labels)
    return Predictions(
        np.array(labels, np.int32),
        np.array(predicted, np.int32),
        np.ones(count, bool) if top5 is None else np.array(top5),
        np.zeros(count, np.float32) if loss is None else np.array(loss, np.float32),
    )


CATS = evaluated(
    predictions([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 0], loss=[1, 2, 3, 4, 5, 6]), ("cat", "dog", "bird", "fish")
)


def test_confusion_has_labels_down_and_predictions_across():
    assert CATS.confusion == ((2, 1, 0, 0), (1, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0))


def test_counts_and_accuracy_follow_from_the_confusion():
    assert (CATS.count, CATS.correct, CATS.accuracy) == (6, 3, 0.5)


def test_loss_is_the_mean_over_examples():
    assert CATS.loss == 3.5


def test_each_class_has_its_recall_and_precision():
    cat, dog, *_ = CATS.per_class
    assert (cat.name, cat.count, cat.correct, cat.predicted) == ("cat", 3, 2, 4)
    assert (cat.recall, cat.precision) == (2 / 3, 2 / 4)
    assert (dog.recall, dog.precision) == (1 / 2, 1 / 2)


def test_a_class_without_examples_or_predictions_has_shares_of_zero():
    bird, fish = CATS.per_class[2:]
    assert (bird.count, bird.recall, bird.precision) == (1, 0, 0)
    assert (fish.count, fish.recall, fish.precision) == (0, 0, 0)


def with_classes(count):
    return evaluated(predictions([0, 1, 2], [0, 0, 0], [True, True, False]), tuple(map(str, range(count))))


def test_top_five_says_nothing_of_five_classes():
    assert with_classes(5).top5 is None


def test_top_five_of_six_classes_is_a_share():
    assert with_classes(6).top5_correct == 2
    assert with_classes(6).top5 == 2 / 3


def test_counts_are_plain_whole_numbers():
    assert {type(count) for row in CATS.confusion for count in row} == {int}
    assert type(with_classes(6).top5_correct) is int
    assert type(CATS.loss) is float


def test_the_mean_of_many_losses_is_taken_in_double_precision():
    count = 1_000_000
    many = predictions(np.zeros(count), np.zeros(count), loss=np.full(count, 0.1))
    assert evaluated(many, ("one",)).loss == pytest.approx(np.float32(0.1), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=50))
def test_every_example_is_counted_once(pairs):
    labels, predicted = zip(*pairs, strict=True)
    evaluation = evaluated(predictions(labels, predicted), tuple("abcdefg"))
    assert evaluation.count == sum(one.count for one in evaluation.per_class) == len(pairs)
    assert evaluation.count == sum(one.predicted for one in evaluation.per_class)
    assert evaluation.correct == sum(one.correct for one in evaluation.per_class)
    assert evaluation.correct == sum(label == guess for label, guess in pairs)
