"""A kernel over an image: both operations by hand, the sums as they are written, and the frames."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from cnncli.errors import DataError, UsageError
from cnncli.visualize.convolution import Term, number, slide, written
from cnncli.visualize.frames import EMPTY, Frames, Moment, animate, still
from cnncli.visualize.kernels import KERNELS, Kernel

IMAGE = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
CORNERS = Kernel("corners", ((1, 0), (0, -2)))


def test_cross_correlation_and_convolution_by_hand():
    moving = slide(IMAGE, CORNERS, 1, 0)
    # 1·1 - 2·5, and turned: -2·1 + 1·5.
    assert moving.correlation.tolist() == [[-9, -10], [-12, -13]]
    assert moving.convolution.tolist() == [[3, 2], [0, -1]]
    assert moving.places == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert moving.answer.rows.formula == "(3 - 2 + 2*0)/1 + 1 = 2"


def test_padding_and_stride_are_the_layers_own():
    moving = slide(IMAGE, KERNELS["identity"], 2, 1)
    assert moving.correlation.tolist() == [[1, 3], [7, 9]]
    assert moving.corner((1, 0)) == (2, 0)
    assert moving.padded.shape == (5, 5)
    uneven = slide(IMAGE, Kernel("one", ((1,),)), (1, 2), (1, 0, 0, 1))
    assert uneven.correlation.tolist() == [[0, 0], [1, 3], [4, 6], [7, 9]]


@settings(max_examples=10)
@given(st.sampled_from(list(KERNELS.values())), st.integers(1, 3), st.integers(0, 2))
def test_what_is_written_adds_up_to_what_the_layer_gives(kernel, stride, pad):
    moving = slide(IMAGE, kernel, stride, pad)
    for output, used in ((moving.correlation, kernel), (moving.convolution, kernel.turned)):
        sums = [sum(term.weight * term.pixel for term in moving.terms(place, used)) for place in moving.places]
        np.testing.assert_allclose(np.array(sums) / kernel.divisor, output.ravel(), rtol=1e-6)


def test_a_shift_goes_one_way_as_correlation_and_the_other_as_convolution():
    moving = slide(IMAGE, KERNELS["shift"], 1, 1)
    assert moving.correlation.tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]
    assert moving.convolution.tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]


def test_a_blur_of_a_constant_image_is_the_image():
    for name in ("blur", "gaussian"):
        assert (slide(np.full((4, 4), 7, np.float32), KERNELS[name], 1, 0).correlation == 7).all()
    for name in ("edge", "laplacian", "sobel-x", "sobel-y"):
        assert (slide(np.full((4, 4), 7, np.float32), KERNELS[name], 1, 0).correlation == 0).all()


def test_sums_are_written_out():
    terms = [Term(1.0, 0.0), Term(-2.0, 5.0)]
    assert written(terms, 1, -10) == "0·1 + 5·(-2) = -10"
    assert written(terms, 9, -10 / 9) == "(0·1 + 5·(-2)) / 9 = -1.11"
    assert written(terms, 9, None) == "0·1 + 5·(-2) ... so far -10"
    assert [number(value) for value in (-0.001, 2.0, 0.5, 4.666)] == ["0", "2", "0.5", "4.67"]


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="a window of 3 on an input of 2"):
        slide(IMAGE[:2], KERNELS["edge"], 1, 0)
    with pytest.raises(UsageError, match="the window has 20 x 20 places; expected at most 256: a greater --stride"):
        slide(np.zeros((20, 20), np.float32), KERNELS["identity"], 1, 1)
    with pytest.raises(UsageError, match="the kernel has 2 rows of 1 and 2 numbers; expected 1 to 7 rows"):
        Kernel("odd", ((1,), (1, 2)))
    with pytest.raises(UsageError, match="the kernel has 8 rows"):
        Kernel("tall", ((1,),) * 8)


def pixel(frame, grid, row, column):
    x, y, *_ = grid.box(row, column)
    return frame.getpixel((x + 6, y + 6))


def test_a_frame_shows_the_outputs_that_are_done():
    frames = Frames(slide(IMAGE, CORNERS, 1, 0))
    _, outputs = frames.grids[0]
    begun, half, done = (frames.at(Moment(place, frames.products)) for place in (0, 1, 3))
    assert begun.size == half.size == done.size == frames.size
    assert pixel(begun, outputs, 0, 1) == pixel(half, outputs, 1, 1) == ImageColor.getrgb(EMPTY)
    # On one scale of -13 to 13: -10 of 13 is 128 - 98.
    assert pixel(half, outputs, 0, 1) == pixel(done, outputs, 0, 1) == (30, 30, 30)
    assert pixel(done, outputs, 1, 1) == (1, 1, 1)


def test_the_window_is_framed_where_it_is_on_the_image():
    frames = Frames(slide(IMAGE, CORNERS, 1, 1))
    frame, corner = frames.at(Moment(5, frames.products)), frames.image.box(1, 1)
    assert frame.getpixel((corner[0] + 1, corner[1] + 20)) == (0xD5, 0x5E, 0x00)
    product, cell = frames.at(Moment(5, 2)), frames.image.box(1, 2)
    assert product.getpixel((cell[0] + 1, cell[1] + 20)) == (0x00, 0x72, 0xB2)


def test_the_heading_has_the_arithmetic():
    assert Frames(slide(IMAGE, CORNERS, 2, 0)).heading == [
        "corners 2x2 over an image of 3x3",
        "height and width: (3 - 2 + 2*0)/2 + 1 = 1.5, rounded down to 1: 1 pixel dropped",
    ]
    tall = Frames(slide(IMAGE, Kernel("k", ((1,), (2,))), 1, 0)).heading
    assert tall[1:] == ["height: (3 - 2 + 2*0)/1 + 1 = 2", "width: (3 - 1 + 2*0)/1 + 1 = 3"]
    assert Frames(slide(IMAGE, KERNELS["blur"], 1, 0)).heading[-1].startswith("Turned by 180° this kernel is itself")


def test_the_animation_has_a_frame_a_product_of_the_first_sum_and_one_a_place(tmp_path):
    frames = Frames(slide(IMAGE, CORNERS, 1, 0))
    animate(frames, tmp_path / "a.gif", {"Command": "cnncli visualize convolution", "Versions": "v" * 400})
    with Image.open(tmp_path / "a.gif") as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (3 + 4, frames.size, 0)
        assert picture.info["comment"].startswith(b"Command: cnncli visualize convolution\nVersions: vvv")
        lengths = []
        for at in range(picture.n_frames):
            picture.seek(at)
            lengths.append(picture.info["duration"])
        assert lengths == [450, 450, 450, 1500, 300, 300, 3000]
        last = np.asarray(picture.convert("RGB")).astype(int)
    assert last[0, 0].tolist() == [255, 255, 255]
    assert np.abs(last - np.asarray(frames.at(Moment(3, 4)))).max() <= 16


def test_a_kernel_of_one_number_has_no_frames_of_products():
    assert [moment for moment, _ in Frames(slide(IMAGE[:1, :2], Kernel("one", ((2,),)), 1, 0)).moments] == [
        Moment(0, 1),
        Moment(1, 1),
    ]


def test_a_still_is_a_png_with_texts(tmp_path):
    frames = Frames(slide(IMAGE, CORNERS, 1, 0))
    still(frames, 2, tmp_path / "a.png", {"Command": "c"})
    with Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as picture:
        assert picture.text == {"Command": "c"}
        assert np.array_equal(np.asarray(picture), np.asarray(frames.at(Moment(2, 4))))
    with pytest.raises(DataError, match="cannot be written"):
        still(frames, 0, tmp_path / "none" / "a.png", {})


@pytest.mark.parametrize("kernel", [Kernel("row", ((1.5, -2.25, 3),)), Kernel("large", ((1,) * 7,) * 7)])
def test_nothing_is_drawn_outside_the_frame(kernel):
    frames = Frames(slide(np.full((9, 12), 200, np.float32), kernel, 1, 0))
    width, height = frames.size
    assert all(grid.box(*grid.values.shape)[1] < frames.foot for pair in frames.grids for grid in pair)
    assert all(grid.right < width for pair in frames.grids for grid in pair)
    edge = np.asarray(frames.at(Moment(0, frames.products)))[:, -4:]
    assert (edge == 255).all()
    assert height > frames.foot
