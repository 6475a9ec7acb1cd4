"""Grids of images: every pixel where it belongs, and room for names, captions and titles."""

import warnings

import numpy as np
import pytest
from PIL import Image

from cnncli.drawing import grid, sheet
from cnncli.drawing.grid import Row
from cnncli.errors import DataError, UsageError


def pixels(count, height=8, width=8, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), np.uint8)


def drawn(rows, path, title=""):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grid.draw(rows, path, title)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def places(picture, image, zoom):
    """Where the enlarged image is found: left and top, in pixels."""
    colours = image[..., :3] if image.shape[-1] >= 3 else image[..., :1].repeat(3, axis=-1)
    large = colours.repeat(zoom, axis=0).repeat(zoom, axis=1)
    height, width, _ = large.shape
    windows = np.lib.stride_tricks.sliding_window_view(picture, (height, width, 3))[:, :, 0]
    corners = np.argwhere((windows[:, :, 0, 0] == large[0, 0]).all(axis=-1))
    return [(int(x), int(y)) for y, x in corners if np.array_equal(picture[y : y + height, x : x + width], large)]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width", "zoom"), [(8, 8, 12), (28, 20, 3), (120, 50, 1)])
def test_each_image_is_drawn_pixel_by_pixel(tmp_path, channels, height, width, zoom):
    images = pixels(3, height, width, channels)
    picture = drawn([Row("cat", images[:1], images[1:])], tmp_path / "grid.png", "a title")
    found = [places(picture, image, zoom) for image in images]
    assert [len(one) for one in found] == [1, 1, 1]
    (first, second, third) = (one[0] for one in found)
    assert first[1] == second[1] == third[1]
    assert second[0] - first[0] == width * zoom + sheet.GAP + sheet.APART
    assert third[0] - second[0] == width * zoom + sheet.GAP


def test_rows_are_below_each_other_and_may_be_of_different_lengths(tmp_path):
    one, two = pixels(3), pixels(1, seed=1)
    picture = drawn([Row("a", one, one[:0]), Row("b", two, two[:0])], tmp_path / "grid.png")
    (x, y), (below_x, below_y) = places(picture, one[0], 12)[0], places(picture, two[0], 12)[0]
    assert (below_x - x, below_y - y) == (0, 96 + sheet.GAP)
    assert places(picture, one[2], 12)[0][0] - x == 2 * (96 + sheet.GAP)


def inked(picture, left, top, right, bottom):
    """How many pixels of a part of the picture are dark."""
    return int((picture[top:bottom, left:right].max(axis=-1) < 100).sum())


def test_names_stand_before_images_and_captions_below(tmp_path):
    white = np.full((2, 8, 8, 1), 255, np.uint8)
    plain = drawn([Row("", white[:1], white[1:])], tmp_path / "plain.png")
    assert inked(plain, 0, 0, plain.shape[1], plain.shape[0]) == 0
    named = drawn([Row("automobile", white[:1], white[1:])], tmp_path / "named.png")
    x = named.shape[1] - sheet.MARGIN - 2 * 96 - sheet.APART - sheet.GAP
    assert inked(named, 0, 0, x, named.shape[0]) > 100
    assert inked(named, x, 0, named.shape[1], named.shape[0]) == 0
    said = drawn([Row("", white[:1], white[1:], ("70% automobile\n30% dog",))], tmp_path / "said.png")
    assert said.shape[0] == plain.shape[0] + 2 * sheet.SMALL_LINE
    assert inked(said, 0, plain.shape[0] - sheet.MARGIN, said.shape[1], said.shape[0]) > 100


def test_a_long_title_is_wrapped_and_widens_a_narrow_picture_no_further_than_a_line(tmp_path):
    image = pixels(1)
    short = drawn([Row("a", image, image[:0])], tmp_path / "short.png", "t")
    long = drawn([Row("a", image, image[:0])], tmp_path / "long.png", "many words " * 20)
    assert long.shape[0] > short.shape[0] + 3 * sheet.LINE
    assert short.shape[1] < long.shape[1] < 450
    assert places(long, image[0], 12)


@pytest.mark.parametrize("name", ["$", r"$\foo$", "_hidden", "猫", "long " * 30])
def test_any_name_is_drawn_as_it_is(tmp_path, name):
    image = pixels(2)
    picture = drawn([Row(name, image[:1], image[1:])], tmp_path / "grid.png", name)
    assert picture.shape[1] < 700


def test_a_picture_that_is_too_large_is_refused():
    grid.check(20, 9, (224, 224))
    for rows, columns, shape in ((20, 9, (800, 800)), (1, 700, (28, 28)), (10, 10**9, (8, 8))):
        with pytest.raises(UsageError, match=r"the picture would have .* pixels; expected fewer images, or smaller"):
            grid.check(rows, columns, shape)


def test_a_folder_that_is_not_there_is_a_data_error(tmp_path):
    image = pixels(1)
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        grid.draw([Row("a", image, image[:0])], tmp_path / "missing" / "grid.png")
