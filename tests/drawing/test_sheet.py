"""Sheets: every panel pixel by pixel where it belongs, with its frame, its words and the picture's provenance."""

import warnings

import numpy as np
import pytest
from PIL import Image

from cnncli.drawing import sheet
from cnncli.drawing.sheet import CELL, FRAME, GAP, MARGIN, Line, Panel, Sheet
from cnncli.errors import DataError, UsageError

GREEN = (0, 158, 115)


def pixels(value, height=8, width=8):
    """An image of one colour that no letter has."""
    return np.full((height, width, 3), (value, 40, 90), np.uint8)


def drawn(what, path, about=None):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sheet.draw(what, path, about)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def box(picture, value):
    """Left, top, right and bottom of all pixels of an image."""
    rows, columns = np.nonzero((picture == (value, 40, 90)).all(axis=-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def inked(picture, left, top, right, bottom):
    """How many pixels of a part of the picture are as dark as text."""
    return int((picture[top:bottom, left:right].max(axis=-1) < 100).sum())


def one(*panels, name=""):
    return [Line(name, (panels,))]


@pytest.mark.parametrize(("side", "size"), [(1, 96), (5, 95), (28, 84), (96, 96), (100, 96), (500, 96)])
def test_small_images_are_enlarged_by_a_whole_number_and_large_ones_reduced(side, size, tmp_path):
    left, top, right, bottom = box(drawn(Sheet(one(Panel(pixels(60, side, side)))), tmp_path / "one.png"), 60)
    assert (right - left, bottom - top) == (size, size)


def test_a_reduced_image_keeps_its_proportions(tmp_path):
    assert sheet.shown((400, 100, 3), 96) == (96, 24)
    assert sheet.shown((1, 4000), 96) == (1, 96)


def test_an_image_without_channels_is_grey(tmp_path):
    grey = np.full((8, 8), 60, np.uint8)
    flat = drawn(Sheet(one(Panel(grey))), tmp_path / "flat.png")
    deep = drawn(Sheet(one(Panel(np.stack([grey] * 3, axis=-1)))), tmp_path / "deep.png")
    np.testing.assert_array_equal(flat, deep)
    assert (flat == 60).all(axis=-1).sum() == CELL**2


def test_groups_stand_apart_and_heads_above_their_columns(tmp_path):
    panels = [Panel(pixels(value)) for value in (50, 120, 190)]
    lines = [Line("", (tuple(panels[:1]), tuple(panels[1:])))]
    picture = drawn(Sheet(lines, heads=("query", "near")), tmp_path / "sheet.png")
    first, second, third = (box(picture, value) for value in (50, 120, 190))
    assert second[0] - first[2] == GAP + sheet.APART
    assert third[0] - second[2] == GAP
    above = first[1] - sheet.SMALL_LINE - 2 * GAP, first[1]
    assert inked(picture, first[0], above[0], first[2], above[1]) > 30
    assert inked(picture, second[0], above[0], second[2], above[1]) > 30
    assert inked(picture, third[0], above[0], third[2], above[1]) == 0


def test_a_frame_surrounds_its_panel_and_touches_no_other(tmp_path):
    lines = one(Panel(pixels(50), "cat\nsame", "#009E73"), Panel(pixels(120), "dog\nother"))
    picture = drawn(Sheet([*lines, *lines]), tmp_path / "framed.png")
    left, top, right, _ = box(picture, 50)
    green = (picture == GREEN).all(axis=-1)
    assert green[top, left - FRAME : left].all()
    assert green[top, right : right + FRAME].all()
    assert not green[top, right + FRAME :].any()
    # Two frames of CELL + 2 * FRAME pixels each side, below each other, none under a caption or an image.
    assert green.sum() == 2 * ((CELL + 2 * FRAME) ** 2 - CELL**2)
    assert box(picture, 120)[0] - right == GAP + 2 * FRAME
    caption = inked(picture, left, top + CELL + FRAME, right, top + CELL + FRAME + 2 * sheet.SMALL_LINE + 2)
    assert caption > 60


def test_captions_widen_a_column(tmp_path):
    narrow = drawn(Sheet(one(Panel(pixels(50), "cat"), Panel(pixels(120)))), tmp_path / "narrow.png")
    wide = drawn(Sheet(one(Panel(pixels(50), "a cat of many words"), Panel(pixels(120)))), tmp_path / "wide.png")
    assert wide.shape[1] - narrow.shape[1] == sheet.SMALL_LETTER * 19 - CELL


def test_a_note_stands_below_and_is_wrapped(tmp_path):
    bare = drawn(Sheet(one(Panel(pixels(200)))), tmp_path / "bare.png")
    noted = drawn(Sheet(one(Panel(pixels(200))), note="some words " * 6), tmp_path / "noted.png")
    lines = (noted.shape[0] - bare.shape[0] - GAP) / sheet.SMALL_LINE
    assert lines == int(lines) >= 3
    assert noted.shape[1] == bare.shape[1]
    assert inked(noted, 0, bare.shape[0] - MARGIN, noted.shape[1], noted.shape[0]) > 200
    assert inked(noted, noted.shape[1] - MARGIN // 2, 0, noted.shape[1], noted.shape[0]) == 0


def test_lines_of_different_lengths_and_sizes_go_together(tmp_path):
    lines = [Line("a", ((Panel(pixels(50)), Panel(pixels(120))),)), Line("b", ((Panel(pixels(190, 40, 20)),),))]
    picture = drawn(Sheet(lines), tmp_path / "mixed.png")
    first, below = box(picture, 50), box(picture, 190)
    assert below[1] - first[3] == GAP
    assert (below[2] - below[0], below[3] - below[1]) == (40, 80)
    # A narrower one is in the middle of its column.
    assert abs((below[0] + below[2]) - (first[0] + first[2])) <= 1


def test_a_sheet_of_nothing_is_its_title(tmp_path):
    assert drawn(Sheet([], "nothing to show"), tmp_path / "empty.png").shape[0] < 100


def test_the_file_says_what_it_is_about(tmp_path):
    drawn(Sheet(one(Panel(pixels(50)))), tmp_path / "one.png", {"Command": "cnncli", "Run": "猫"})
    with Image.open(tmp_path / "one.png") as picture:
        assert (picture.text["Command"], picture.text["Run"]) == ("cnncli", "猫")


def test_what_is_too_large_is_refused_and_nothing_written(tmp_path):
    large = Panel(np.zeros((4000, 4000, 1), np.uint8))
    with pytest.raises(UsageError, match=r"the picture would have 12,\d+ x 4,\d+ pixels; expected fewer images"):
        sheet.draw(Sheet(one(large, large, large), cell=4000), tmp_path / "large.png")
    with pytest.raises(DataError, match="cannot be written"):
        sheet.draw(Sheet(one(Panel(pixels(1)))), tmp_path / "no" / "sheet.png")
    assert list(tmp_path.iterdir()) == []
