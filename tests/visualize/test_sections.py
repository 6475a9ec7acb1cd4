"""The sections of a report on tiny runs: each has its picture, or one sentence that says why not."""

import numpy as np
import pytest

from cnncli import runtime
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.report import Report, page
from cnncli.visualize.sections import SECTIONS, Looked, section
from tests.visualize.reading import checked
from tests.visualize.subjects import loaded, subject

HOSTILE = ("<b>ant", 'bee & "co"', "</td><script>cat")

CONVOLUTIONAL = Network("tiny", (8, 8, 1), (Conv(4, 3), Activation("relu"), Flatten(), Dense(3)))
TANH = Network("smooth", (8, 8, 1), (Conv(4, 3), Activation("tanh"), Flatten(), Dense(3)))
LINEAR = Network("flat", (8, 8, 1), (Flatten(), Dense(3)))

METRICS = [
    {"epoch": epoch, "train_loss": 2 / epoch, "train_accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.5}
    for epoch in (1, 2, 3)
]


def looked(network, metrics=(), right=False, spoilt=False):
    found = subject(network, classes=HOSTILE)
    if spoilt:
        weights = {name: {**arrays} for name, arrays in found.trained.params.items()}
        weights["dense1"]["kernel"] = weights["dense1"]["kernel"] * np.nan
        found = subject(network, weights, classes=HOSTILE)
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), np.uint8)
    labels = found.logits(images).argmax(axis=1) if right else np.arange(24) % 3
    data = loaded(images, labels, HOSTILE)
    result = found.trained.evaluate(data, 24, runtime.compiler_options())
    return Looked("runs/<i>1", "test", found, data, list(metrics), None, result, 0, {"Software": "cnncli"})


def test_every_section_has_its_picture_and_says_it_in_words():
    run = looked(CONVOLUTIONAL, METRICS)
    sections = [section(name, run) for name in SECTIONS]
    assert [one.name for one in sections] == list(SECTIONS)
    assert all(one.picture and one.command == f"cnncli visualize {one.name} 'runs/<i>1'" for one in sections)
    found = checked(page(Report("<i>1", "", sections, run.about)))
    assert "<script" not in page(Report("<i>1", "", sections, {}))
    assert [picture.text["Software"] for picture in found.pictures] == ["cnncli"] * len(SECTIONS)
    # Every class is in the table of classes, as it is called.
    assert all(name in found.text("th") for name in HOSTILE)


def test_without_metrics_there_is_a_sentence():
    found = section("curves", looked(LINEAR))
    assert (found.picture, found.sentences) == (None, ["This run has no metrics, and so no curves."])


def test_nothing_held_out_is_said():
    metrics = [{"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": None, "val_accuracy": None}]
    found = section("curves", looked(LINEAR, metrics))
    assert found.picture
    assert found.sentences[0].startswith("Nothing was held out: ")
    assert section("curves", looked(LINEAR, METRICS)).sentences == []


def test_no_mistake_is_said():
    found = section("mistakes", looked(LINEAR, right=True))
    assert (found.picture, found.sentences) == (None, ["There is no mistake among 24 images."])


def test_what_makes_no_sense_for_a_network_is_left_out_and_said():
    assert (
        "Guided backprop is left out: it is about ReLUs, and smooth has tanh."
        in section("saliency", looked(TANH)).sentences
    )
    flat = section("saliency", looked(LINEAR))
    assert "Grad-CAM is left out: it is about feature maps, and flat has none." in flat.sentences
    assert flat.table.heads == ["image", "gradient", "SmoothGrad", "occlusion"]
    assert "templates" in section("filters", looked(LINEAR)).picture.note


@pytest.mark.parametrize("name", ["mistakes", "filters", "patches", "saliency"])
def test_a_diverged_checkpoint_is_said_in_each_section(name):
    found = section(name, looked(LINEAR, spoilt=True))
    assert found.picture is None
    assert len(found.sentences) == 1 and "finite" in found.sentences[0]
