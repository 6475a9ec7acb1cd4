"""A run's curves: a picture of a known size whatever the epochs hold, and what it shows."""

import subprocess
import sys

import pytest
from PIL import Image

from cnncli.errors import DataError
from cnncli.visualize import curves


def epochs(count, validated=True):
    """Lines of metrics.jsonl whose losses fall and whose accuracies rise."""
    keys = ("epoch", "step", "seconds", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    lines = [(at, 100 * at, 1.0, 2 / at, 1 - 0.5 / at, 2.1 / at, 1 - 0.6 / at) for at in range(1, count + 1)]
    metrics = [dict(zip(keys, line, strict=True)) for line in lines]
    return metrics if validated else [line | {"val_loss": None, "val_accuracy": None} for line in metrics]


CASES = {
    "twenty epochs": epochs(20),
    "one epoch": epochs(1),
    "no validation": epochs(20, validated=False),
    "one epoch without validation": epochs(1, validated=False),
    "validated now and then": [*epochs(3, validated=False), *epochs(6)[3:]],
    "a loss that is no number": [*epochs(2), epochs(3)[2] | {"train_loss": float("nan"), "val_loss": None}],
    "perfect": [line | {"train_loss": 0.0, "train_accuracy": 1.0} for line in epochs(3)],
    "nothing finite": [line | {"train_loss": None, "train_accuracy": None} for line in epochs(2, validated=False)],
    "five hundred epochs": epochs(500),
}


@pytest.mark.parametrize("metrics", CASES.values(), ids=CASES)
def test_a_picture_of_1000_by_400_pixels_is_written(metrics, tmp_path):
    path = tmp_path / "curves.png"
    curves.draw(metrics, path, "lenet5 on mnist")
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (1000, 400))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
    assert path.stat().st_size < 100_000
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]


def colours(path):
    with Image.open(path) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}


BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def test_training_is_blue_and_validation_orange(tmp_path):
    curves.draw(epochs(20), tmp_path / "both.png")
    assert {BLUE, ORANGE} <= colours(tmp_path / "both.png")


def test_what_was_not_validated_has_no_second_line(tmp_path):
    curves.draw(epochs(20, validated=False), tmp_path / "one.png")
    assert BLUE in colours(tmp_path / "one.png")
    assert ORANGE not in colours(tmp_path / "one.png")


def test_an_older_picture_is_replaced(tmp_path):
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")
    curves.draw(epochs(2), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_same_metrics_give_the_same_picture(tmp_path):
    for name in ("one.png", "two.png"):
        curves.draw(epochs(5), tmp_path / name, "the same")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_the_best_epoch_has_the_highest_accuracy_in_validation():
    metrics = [{"epoch": at, "val_accuracy": value} for at, value in ((1, 0.5), (2, 0.9), (3, None), (4, 0.8))]
    assert curves.best_epoch(metrics) == 2


def test_of_equal_accuracies_the_lower_loss_is_best_then_the_earlier_epoch():
    metrics = [{"epoch": at, "val_accuracy": 0.9, "val_loss": loss} for at, loss in ((1, 0.5), (2, 0.3), (3, 0.3))]
    assert curves.best_epoch(metrics) == 2


def test_without_validation_there_is_no_best_epoch():
    assert curves.best_epoch(epochs(3, validated=False)) is None


def test_no_epochs_are_an_error(tmp_path):
    with pytest.raises(DataError, match="no epochs"):
        curves.draw([], tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_data_error(tmp_path):
    path = tmp_path / "missing" / "curves.png"
    with pytest.raises(DataError, match=r"curves\.png cannot be written: No such file or directory"):
        curves.draw(epochs(2), path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_when_the_picture_cannot_take_its_place(tmp_path):
    taken = tmp_path / "curves.png"
    taken.mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        curves.draw(epochs(2), taken)
    assert list(tmp_path.iterdir()) == [taken]


def test_a_dollar_in_a_title_is_a_dollar(tmp_path):
    curves.draw(epochs(2), tmp_path / "curves.png", r"100 $ for $\nothing$")
    assert (tmp_path / "curves.png").exists()


WITHOUT_PYPLOT = """
import sys
from pathlib import Path
from cnncli.visualize import confusion, curves
curves.draw([{"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5}], Path("curves.png"))
confusion.draw([[1, 2], [3, 4]], ["cat", "dog"], Path("confusion.png"))
assert "matplotlib.pyplot" not in sys.modules
assert "jax" not in sys.modules
"""


def test_pictures_need_neither_pyplot_nor_jax(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT_PYPLOT], check=True, timeout=60, cwd=tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["confusion.png", "curves.png"]
