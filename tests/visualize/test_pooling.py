"""Pooling side by side: the pixels by hand."""

import numpy as np

from cnncli.drawing.sheet import PAGE
from cnncli.visualize.pooling import pooled, sheet, subsampled

IMAGE = np.array([[0, 0, 30, 0], [0, 100, 0, 40], [255, 255, 0, 0], [255, 255, 0, 0]], np.uint8)[..., None]


def test_kinds_of_pooling_by_hand():
    maximum, average, norm = pooled(IMAGE, 2)
    assert maximum.pixels[..., 0].tolist() == [[100, 40], [255, 0]]
    # The means of 100/4 = 25, 70/4 = 17.5; halves of norms: 100/2, sqrt(900 + 1600)/2.
    assert average.pixels[..., 0].tolist() == [[25, 18], [255, 0]]
    assert norm.pixels[..., 0].tolist() == [[50, 25], [255, 0]]
    assert maximum.caption == "maximum, 2x2, stride 2\n2x2"


def test_overlapping_windows_share_pixels():
    maximum, average, norm = pooled(np.pad(IMAGE, ((0, 1), (0, 1), (0, 0))), 3)
    assert maximum.pixels[..., 0].tolist() == [[255, 40], [255, 0]]
    assert int(average.pixels[0, 1, 0]) == round(70 / 9)
    assert int(norm.pixels[0, 1, 0]) == round(50 / 3)


def test_subsampling_blurs_or_is_an_or_or_an_and():
    image = np.array([[255, 0, 255, 255, 0, 0], [0, 0, 255, 255, 0, 0]], np.uint8)[..., None]
    blurred, either, both = (panel.pixels[0, :, 0].tolist() for panel in subsampled(np.repeat(image, 3, axis=2)))
    # The sigmoid of -1, 2 and -2.
    assert blurred == [69, 225, 30]
    assert either == [128, 255, 0]
    assert both == [0, 255, 0]


def test_the_sheet_has_the_image_once_and_its_kinds_below_each_other():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    drawn = sheet(image, "flower")
    assert [len(line.panels) for line in drawn.lines] == [4, 4, 4]
    assert drawn.lines[0].panels[0].pixels is image
    assert all((line.panels[0].pixels == PAGE).all() for line in drawn.lines[1:])
    assert drawn.lines[0].panels[0].caption == "flower\n4x4"
