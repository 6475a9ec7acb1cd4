"""A sheet of predictions: eight images beside each other, each with what is said of it."""

import numpy as np

from cnncli.data.decoding import Image
from cnncli.drawing.sheet import drawn
from cnncli.evaluation.predictor import Ranked
from cnncli.visualize.predictions import ACROSS, sheet


def test_every_image_has_its_name_class_and_probability():
    images = [Image(f"folder/{at}.png", np.full((4, 4, 3), at, np.uint8)) for at in range(ACROSS + 1)]
    ranked = [Ranked(image.name, (1, 0), (0.99996, 0.00004)) for image in images]
    found = sheet(images, ranked, ("cat", "dog"), "title", "note")
    assert [len(line.panels) for line in found.lines] == [ACROSS, 1]
    (last,) = found.lines[1].panels
    assert (last.caption, last.pixels.max()) == ("8.png\ndog\n99.996%", 8)
    assert {text.get_text() for text in drawn(found).texts} >= {"title", "note", "0.png\ndog\n99.996%"}
