"""Marks on a page: texts have their true width, rows are even, and what is drawn is what was said."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnncli.diagrams.sketch import Disc, Face, Line, Panel, Sketch, Words, draw, evenly, moved, shares, wide, wrapped
from cnncli.errors import DataError

EVERYTHING = Sketch(
    200,
    100,
    (
        Panel(10, 10, 80, 40, "#FF0000"),
        Words(50, 30, "conv 3x3 & <more> $x$"),
        Face(((110, 10), (190, 10), (190, 50)), "#00FF00"),
        Line(((10, 80), (100, 80)), arrow=True),
        Disc(150, 80, 10, "#0000FF"),
    ),
)


def test_a_png_has_two_pixels_for_each(tmp_path):
    draw(EVERYTHING, tmp_path / "all.png", "png")
    with Image.open(tmp_path / "all.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (200, 400, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[30, 30].tolist() == [255, 0, 0]
    assert pixels[40, 360].tolist() == [0, 255, 0]
    assert pixels[160, 300].tolist() == [0, 0, 255]


def test_later_marks_are_over_earlier_ones(tmp_path):
    under = Line(((0, 50), (100, 50)), thick=9)
    draw(Sketch(100, 100, (under, Panel(20, 20, 60, 60, "#FF0000"))), tmp_path / "over.png", "png")
    with Image.open(tmp_path / "over.png") as picture:
        assert picture.convert("RGB").getpixel((100, 100)) == (255, 0, 0)


def test_an_svg_has_its_text_as_text(tmp_path):
    draw(EVERYTHING, tmp_path / "all.svg", "svg")
    root = ElementTree.parse(tmp_path / "all.svg").getroot()
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ["conv 3x3 & <more> $x$"]
    assert root.get("width") == "144pt"


def test_two_svgs_are_the_same_bytes_and_say_no_date(tmp_path):
    for name in ("one.svg", "two.svg"):
        draw(EVERYTHING, tmp_path / name, "svg")
    first, second = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert first == second
    assert b"dc:date" not in first


def test_a_huge_page_is_drawn_all_the_same(tmp_path):
    draw(Sketch(100_000, 10, (Words(10, 5, "far", align="left"),)), tmp_path / "huge.png", "png")
    with Image.open(tmp_path / "huge.png") as picture:
        assert picture.size == (30_000, 3)


def test_a_folder_that_is_not_there_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"all\.svg cannot be written: No such file or directory"):
        draw(EVERYTHING, tmp_path / "missing" / "all.svg", "svg")


def test_words_are_as_wide_as_they_are_drawn(tmp_path):
    words = Words(10, 20, "conv 11x11/4, 96", size=12, bold=True, align="left")
    draw(Sketch(300, 40, (words,)), tmp_path / "words.png", "png")
    with Image.open(tmp_path / "words.png") as picture:
        columns = np.nonzero((np.asarray(picture.convert("L")) < 128).any(axis=0))[0]
        rows = np.nonzero((np.asarray(picture.convert("L")) < 128).any(axis=1))[0]
    left, top, right, bottom = words.frame
    assert (columns.max() - columns.min()) / 2 == pytest.approx(right - left, abs=4)
    assert left == 10
    assert top < rows.min() / 2 < rows.max() / 2 < bottom


def test_alignment_moves_the_frame():
    frames = [Words(100, 10, "text", align=align).frame for align in ("left", "center", "right")]
    assert [
        round(frame[0] - 100 + share * wide("text"), 6) for frame, share in zip(frames, (0, 0.5, 1), strict=True)
    ] == [
        0,
        0,
        0,
    ]


def test_marks_are_moved_together():
    for before, after in zip(EVERYTHING.marks, moved(EVERYTHING.marks, 5, -3), strict=True):
        assert moved([after], -5, 3) == (before,)


@given(st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=9), st.integers(1, 300))
def test_lines_are_broken_between_words_alone(words, limit):
    lines = wrapped(", ".join(words), limit, between=", ")
    assert " ".join(lines) == ", ".join(words)
    assert all(wide(line.rstrip(",")) <= limit or ", " not in line for line in lines)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=20), st.integers(1, 6))
def test_rows_are_few_and_even(lengths, rows):
    counts = evenly(lengths, rows)
    assert sum(counts) == len(lengths)
    assert len(counts) <= rows
    ends = np.cumsum([0, *counts])
    longest = max(sum(lengths[start:end]) for start, end in pairwise(ends))
    # Rows that are all shorter, but for less than a pixel, would be more.
    assert longest <= max(lengths) + 1.01 or len(shares(lengths, longest - 1.01)) > rows


def test_shares_keep_the_order():
    assert shares([5, 5, 5, 9, 1], 10) == [2, 1, 2]
    assert shares([20], 10) == [1]


def test_no_text_is_smaller_than_a_projector_shows(tmp_path):
    draw(EVERYTHING, tmp_path / "all.svg", "svg")
    sizes = re.findall(r"font-size: ([\d.]+)px", (tmp_path / "all.svg").read_text())
    assert sizes and min(map(float, sizes)) >= 9
