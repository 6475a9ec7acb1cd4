"""Pictures in words: what they say is what is there."""

import numpy as np
import pytest

from cnncli.evaluation.metrics import Evaluation
from cnncli.visualize import alternatives
from cnncli.visualize.alternatives import ROWS, smoothness, where

METRICS = [
    {"epoch": 1, "train_loss": 2.0, "train_accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.25},
    {"epoch": 2, "train_loss": 1.0, "train_accuracy": 0.75, "val_loss": None, "val_accuracy": 0.5},
]


def test_curves_are_told_from_beginning_to_end():
    assert alternatives.curves(METRICS) == (
        "Charts by epoch, 2 in all: training loss goes from 2 to 1; validation loss is 1.5; "
        "training accuracy goes from 50.00% to 75.00%; validation accuracy goes from 25.00% to 50.00%."
    )
    assert alternatives.curves([{"epoch": 1, "train_loss": 2.0}]) == "Charts by epoch, 1 in all: training loss is 2."


def test_epochs_are_rows_with_what_they_have():
    table = alternatives.epochs(METRICS)
    assert table.heads == ["epoch", "training loss", "validation loss", "training accuracy", "validation accuracy"]
    assert table.rows == [("1", "2", "1.5", "50.00%", "25.00%"), ("2", "1", "", "75.00%", "50.00%")]


def test_of_many_epochs_some_are_rows_the_first_and_last_among_them():
    table = alternatives.epochs([{"epoch": epoch, "train_loss": 1.0} for epoch in range(1, 183)])
    assert table.caption == f"The curves in numbers, {ROWS} of 182 epochs"
    assert (len(table.rows), table.rows[0][0], table.rows[-1][0]) == (ROWS, "1", "182")


def test_a_confusion_matrix_is_told_by_its_diagonal_and_what_is_beside_it():
    result = Evaluation(("ant", "bee", "cat"), ((4, 0, 0), (1, 2, 1), (0, 2, 0)), 1.0, None)
    said = alternatives.confusion(result)
    assert "60.00% of the images are on the diagonal, which is palest at cat, with 0.0% of its class." in said
    assert said.endswith("The largest counts beside it: cat as bee (2), bee as ant (1), bee as cat (1).")
    assert alternatives.classes(result).rows == [
        ("ant", "4", "100.0%", "80.0%", ""),
        ("bee", "4", "50.0%", "50.0%", "ant (1)"),
        ("cat", "2", "0.0%", "0.0%", "bee (2)"),
    ]


def test_of_many_classes_the_weakest_are_rows():
    count = ROWS + 10
    right = [[10 * (row == column) for column in range(count)] for row in range(count)]
    right[-1] = [10] + [0] * (count - 1)
    result = Evaluation(tuple(map(str, range(count))), tuple(map(tuple, right)), 1.0, None)
    table = alternatives.classes(result)
    assert len(table.rows) == ROWS
    assert table.rows[0] == (str(count - 1), "10", "0.0%", "0.0%", "0 (10)")
    assert "Counts are shown by colour alone." in alternatives.confusion(result)


@pytest.mark.parametrize(
    ("place", "said"),
    [((0, 0), "top left"), ((0, 5), "top"), ((9, 9), "bottom right"), ((5, 0), "left"), ((4, 5), "middle")],
)
def test_where_a_map_has_its_weight(place, said):
    values = np.zeros((10, 10), np.float32)
    values[place] = -2
    assert where(values) == f"{said}, half on 1%"


def test_an_even_map_has_its_middle_and_a_dead_one_nothing():
    assert where(np.ones((10, 10), np.float32)) == "middle, half on 50%"
    assert where(np.zeros((10, 10), np.float32)) == "all zero"


def test_even_filters_are_smooth_and_noise_is_not():
    ramp = np.linspace(-1, 1, 12, dtype=np.float32)
    even = np.broadcast_to(ramp[None, :, None, None], (2, 12, 12, 1))
    assert smoothness(even) > 0.9
    noise = np.random.default_rng(0).standard_normal((8, 12, 12, 3)).astype(np.float32)
    assert abs(smoothness(noise)) < 0.05
    assert smoothness(noise[:, :1, :1]) is None
    assert smoothness(np.ones((2, 3, 3, 1), np.float32)) is None
