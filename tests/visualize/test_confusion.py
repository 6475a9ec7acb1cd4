"""Confusion matrices as pictures: their size, their cells, their names."""

import warnings

import numpy as np
import pytest
from PIL import Image

from cnncli.drawing.names import shortened
from cnncli.errors import DataError
from cnncli.visualize import confusion

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def mostly_right(count, right=90, wrong=10):
    """Counts of which most are on the diagonal, the others beside it."""
    return (right * np.eye(count, dtype=int) + wrong * np.roll(np.eye(count, dtype=int), 1, axis=1)).tolist()


def drawn(matrix, names, path, title=""):
    confusion.draw(matrix, names, path, title)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.size == confusion.size([shortened(name) for name in names], title)
        return np.asarray(picture.convert("RGB")).astype(int)


NAMES = {
    "one": ["only"],
    "two": ["cat", "dog"],
    "digits": list("0123456789"),
    "cifar": CIFAR,
    "twenty of long names": [f"{'long ' * 30}{at}" for at in range(20)],
    "a hundred": [f"class {at}" for at in range(100)],
    "a thousand": [str(at) for at in range(1000)],
    "dollars and other letters": ["$", r"$\foo$", "_hidden", "猫"],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_a_picture_is_written_without_a_warning(names, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(mostly_right(len(names)), names, tmp_path / "confusion.png", "lenet5-mnist-1: 90.00%")
    assert [file.name for file in tmp_path.iterdir()] == ["confusion.png"]


def test_pictures_grow_with_the_classes_until_their_counts_are_left_out():
    two, ten, twenty, hundred, thousand = (confusion.size(["a"] * count)[1] for count in (2, 10, 20, 100, 1000))
    assert 250 < two < ten < twenty
    assert ten < hundred == thousand < 1000


def test_longer_names_have_more_room_on_both_axes():
    short, long = confusion.size(["a"] * 10), confusion.size(["an automobile"] * 10)
    assert long[0] > short[0]
    assert long[1] > short[1]


def test_a_long_title_has_room():
    assert confusion.size(["cat", "dog"], "t" * 80)[0] >= 800


def near(pixels, colour):
    return int((np.abs(pixels - colour).sum(axis=-1) < 12).sum())


DARKEST = (8, 48, 107)


def test_cells_are_coloured_by_their_share_of_the_row(tmp_path):
    rare = drawn([[1, 0], [0, 1000]], ["a", "b"], tmp_path / "rare.png")
    half = drawn([[500, 500], [500, 500]], ["a", "b"], tmp_path / "half.png")
    # Two of four cells are all of their rows, however few; none is where rows are halved (but for the scale's end).
    assert near(rare, DARKEST) > 2 * 80 * 80
    assert near(half, DARKEST) < 1000


INK = (34, 34, 34)


def test_counts_are_written_on_pale_cells_in_dark(tmp_path):
    blank = drawn([[0, 0], [0, 0]], ["a", "b"], tmp_path / "blank.png")
    written = drawn([[222, 666], [666, 222]], ["a", "b"], tmp_path / "written.png")
    assert near(written, INK) > near(blank, INK) + 40


def inside_first_cell(pixels):
    """Pixels of the matrix's first cell, which is the only dark thing in the left third of the picture."""
    left = pixels[:, : pixels.shape[1] // 3]
    rows, columns = np.nonzero(np.abs(left - DARKEST).sum(axis=-1) < 12)
    return left[rows.min() + 2 : rows.max() - 1, columns.min() + 2 : columns.max() - 1]


def test_counts_are_written_on_dark_cells_in_white(tmp_path):
    cell = inside_first_cell(drawn([[888, 0], [0, 888]], ["a", "b"], tmp_path / "dark.png"))
    assert near(cell, (255, 255, 255)) > 20


def test_counts_of_many_classes_are_not_written(tmp_path):
    blank = np.zeros((21, 21), int)
    pale = np.ones((21, 21), int)
    one, other = (drawn(m, ["a"] * 21, tmp_path / f"{m.sum()}.png") for m in (blank, pale))
    assert abs(near(one, INK) - near(other, INK)) < 20


def test_the_most_frequent_mistakes_come_first():
    assert confusion.mixed_up([[9, 1, 0], [4, 9, 2], [0, 4, 0]]) == [(4, 1, 0), (4, 2, 1), (2, 1, 2)]
    assert confusion.mixed_up([[9, 1, 0], [4, 9, 2], [0, 4, 0]], most=1) == [(4, 1, 0)]
    assert confusion.mixed_up([[9, 0], [0, 9]]) == []


def test_the_file_says_what_it_is_about(tmp_path):
    confusion.draw(mostly_right(2), ["a", "b"], tmp_path / "confusion.png", about={"Command": "cnncli"})
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.text["Command"] == "cnncli"


def test_a_folder_that_is_not_there_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        confusion.draw(mostly_right(2), ["a", "b"], tmp_path / "missing" / "confusion.png")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_when_the_picture_cannot_take_its_place(tmp_path):
    taken = tmp_path / "confusion.png"
    taken.mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        confusion.draw(mostly_right(2), ["a", "b"], taken)
    assert list(tmp_path.iterdir()) == [taken]
