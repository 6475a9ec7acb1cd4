"""Sheets of attributions: colours and scales by value, what captions and notes say, and the file of values."""

import json
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cnncli.drawing import sheet as sheets
from cnncli.errors import DataError
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.attribution import Completeness, Explainer, How
from cnncli.visualize.picked import Picked
from cnncli.visualize.saliency import (
    NORMS,
    Explained,
    Look,
    coloured,
    explain,
    flat,
    note,
    overlaid,
    save,
    scales,
    sheet,
    words,
)
from tests.visualize.subjects import subject

CLASSES = ("ant", "bee", "cat")
PIXELS = np.array([[[[0], [255]], [[100], [50]]], [[[9], [9]], [[9], [9]]]], np.uint8)
MAPS = np.array([[[[1.0], [-4.0]], [[0.5], [0.0]]], [[[0.0], [0.0]], [[0.0], [0.0]]]], np.float32)
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6]], np.float32)


def explained(maps=None, label=None, labels=(0, None)):
    picked = Picked(PIXELS, ("#4 ant", "mine.png"), labels)
    chosen = np.array([0, 2]) if label is None else np.full(2, label)
    return Explained(picked, CLASSES, PIXELS, PROBABILITIES, chosen, maps or {"gradient": MAPS}, None)


def test_channels_are_added_up_with_their_signs_or_the_largest_magnitude_counts():
    maps = np.array([1.0, -3.0, 0.5], np.float32).reshape(1, 1, 1, 3)
    assert flat(maps, True).tolist() == [[[-1.5]]]
    assert flat(maps, False).tolist() == [[[3.0]]]


def test_scales_are_of_a_map_a_column_or_all():
    flats = {"one": np.array([[[1.0]], [[-3.0]]]), "other": np.array([[[8.0]], [[0.0]]])}
    as_lists = {norm: {name: each.tolist() for name, each in scales(flats, norm).items()} for norm in NORMS}
    assert as_lists["image"] == {"one": [1, 3], "other": [8, 0]}
    assert as_lists["shared"] == {"one": [3, 3], "other": [8, 8]}
    assert as_lists["none"] == {"one": [8, 8], "other": [8, 8]}


def test_nothing_is_white_and_signs_are_orange_and_blue():
    values = np.array([[-2.0, 0.0, 2.0]], np.float32)
    below, zero, above = coloured(values, 2.0, True)[0].astype(int)
    assert zero.tolist() == [255, 255, 255]
    assert below[2] > below[0] + 50
    assert above[0] > above[2] + 50
    none, half, full = coloured(np.array([[0.0, 1.0, 2.0]], np.float32), 2.0, False)[0].astype(int).sum(axis=1)
    assert none == 765
    assert full < half < none
    assert (coloured(np.zeros((2, 2), np.float32), 0.0, True) == 255).all()


def test_an_overlay_of_nothing_is_the_image_in_grey():
    image = np.array([[[30, 60, 90], [1, 2, 3]]], np.uint8)
    assert overlaid(np.zeros((1, 2), np.float32), 0.0, image).tolist() == [[[60] * 3, [2] * 3]]
    red, _, blue = overlaid(np.ones((1, 2), np.float32), 1.0, image)[0, 0]
    assert red > 150 > 60 > blue


def test_a_line_says_what_an_image_is_and_what_it_is_taken_for():
    drawn = sheet(explained(labels=(1, None)), Look(), "title", "note")
    (image, of_image), (other, of_other) = (line.groups for line in drawn.lines[:2])
    assert [line.name for line in drawn.lines] == ["#4 ant", "mine.png", ""]
    assert (image[0].caption, bool(image[0].frame)) == ("true bee\npredicted ant, 70%", True)
    assert (other[0].caption, bool(other[0].frame)) == ("predicted cat, 60%", False)
    assert [panel.caption for panel in (*of_image, *of_other)] == ["to 4", "all zero"]
    assert drawn.heads == ("", "gradient")


def test_another_class_than_the_predicted_one_is_said():
    of = explained(label=2)
    captions = [line.groups[0][0].caption for line in sheet(of, Look(), "", "").lines[:2]]
    assert captions == ["true ant\npredicted ant, 70%\nexplained cat, 10%", "predicted cat, 60%"]
    assert (of.whose, explained().whose) == ("'cat'", "the predicted class")


def test_the_last_line_says_what_colours_stand_for():
    maps = {"gradient": MAPS, "grad-cam": np.abs(MAPS) / 8}

    def bars(look):
        return [panel.caption for panel in sheet(explained(maps), look, "", "").lines[-1].groups[1]]

    assert bars(Look()) == ["0 to maximum", "0 to maximum"]
    assert bars(Look(norm="shared")) == ["0 to 4", "0 to 0.5"]
    assert bars(Look(signed=True, norm="none")) == ["- to + 4", "0 to 4"]


def test_maps_of_one_scale_have_colours_that_compare():
    maps = {"gradient": np.stack([MAPS[0], MAPS[0] / 2])}
    look = Look(norm="shared")
    one, other = (line.groups[1][0].pixels.astype(int) for line in sheet(explained(maps), look, "", "").lines[:2])
    assert other[0, 1].sum() > one[0, 1].sum()
    own = [line.groups[1][0].pixels for line in sheet(explained(maps), Look(), "", "").lines[:2]]
    np.testing.assert_array_equal(own[0], own[1])


def test_the_note_says_how_it_was_made():
    of = replace(
        explained({"integrated": MAPS, "occlusion": MAPS}),
        complete=Completeness(np.array([1.0, 2.0]), np.array([1.0, 2.2])),
    )
    said = note(of, How(window=3), Look(signed=True))
    assert "sum of its channels, orange for the class and blue against it" in said
    assert "each map goes to its own maximum" in said
    assert "64 steps; their sums miss the score's change from the baseline by 0.2 at most, where it is 1.6 on" in said
    assert "more --steps come closer" in said
    assert "grey patch of 3 pixels" in said
    assert "SmoothGrad" not in said
    assert "predicted wrongly" not in said
    assert words(of)[0].startswith("integrated gradients: their sums miss")
    assert words(explained()) == []
    assert "orange frame: predicted wrongly" in note(explained(labels=(1, None)), How(), Look())


def test_a_sheet_is_drawn_with_its_origin(tmp_path):
    path = tmp_path / "a.png"
    sheets.draw(sheet(explained(), Look(), "title", "note"), path, {"Seed": "3"})
    with Image.open(path) as picture:
        assert picture.text["Seed"] == "3"


NETWORK = Network("linear", (2, 2, 1), (Flatten(), Dense(3)))


def test_the_predicted_class_is_explained_unless_another_is_asked_for():
    of = subject(NETWORK, seed=2)
    explainer = Explainer(of, How(steps=2))
    picked = Picked(PIXELS, ("a", "b"), (0, 1))
    found, other = explain(explainer, picked, ["gradient", "integrated"]), explain(explainer, picked, ["gradient"], 1)
    assert found.labels.tolist() == of.logits(PIXELS).argmax(axis=1).tolist() == found.predicted.tolist()
    assert other.labels.tolist() == [1, 1]
    kernel = np.asarray(of.weights[0]["dense1"]["kernel"]).reshape(2, 2, 1, 3)
    np.testing.assert_allclose(other.maps["gradient"][0], kernel[..., 1], rtol=1e-6)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert found.complete.error < 1e-5
    assert other.complete is None
    np.testing.assert_array_equal(found.pixels, PIXELS)


def test_scores_that_are_not_finite_are_refused():
    kernel = jnp.full((4, 3), jnp.nan)
    of = subject(NETWORK, {"dense1": {"kernel": kernel, "bias": jnp.zeros(3)}})
    with pytest.raises(DataError, match="not finite"):
        explain(Explainer(of, How()), Picked(PIXELS, ("a", "b"), (0, 1)), ["gradient"])


def test_values_are_saved_as_they_are(tmp_path):
    path = tmp_path / "values.npz"
    save(explained({"gradient": MAPS, "grad-cam": 2 * MAPS}), path, {"Run": "r"}, {"sanity/gradient": np.ones((2, 2))})
    with np.load(path, allow_pickle=False) as found:
        known = {"images", "paths", "labels", "predicted", "explained", "probabilities", "classes", "about"}
        assert set(found) == known | {"gradient", "grad-cam", "sanity/gradient"}
        np.testing.assert_array_equal(found["gradient"], MAPS)
        np.testing.assert_array_equal(found["grad-cam"], 2 * MAPS)
        np.testing.assert_array_equal(found["images"], PIXELS)
        assert found["labels"].tolist() == [0, -1]
        assert found["explained"].tolist() == found["predicted"].tolist() == [0, 2]
        assert found["paths"].tolist() == ["#4 ant", "mine.png"]
        assert found["classes"].tolist() == list(CLASSES)
        assert json.loads(str(found["about"])) == {"Run": "r"}
    with pytest.raises(DataError, match=r"the file .* cannot be written"):
        save(explained(), tmp_path / "no" / "values.npz", {}, {})
