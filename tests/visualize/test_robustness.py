"""Accuracy on changed images, on a classifier that looks at one pixel."""

import numpy as np
import pytest
from PIL import Image

from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.changes import CHANGES
from cnncli.visualize.judge import Judge, sampled
from cnncli.visualize.robustness import draw, measured, sentences
from tests.visualize.subjects import loaded, subject

# A bee where the pixel at (3, 3) is bright, else an ant.
NETWORK = Network("corner", (8, 8, 1), (Flatten(), Dense(2, name="weights")))
CLASSES = ("ant", "bee")


@pytest.fixture(scope="module")
def judge():
    kernel = np.zeros((64, 2), np.float32)
    kernel[3 * 8 + 3, 1] = 1
    return Judge(
        subject(NETWORK, {"weights": {"kernel": kernel, "bias": np.array([0.4, 0], np.float32)}}, None, CLASSES)
    )


def dot(row, column, label):
    image = np.zeros((8, 8, 1), np.uint8)
    image[row, column] = 255
    return image, label


def data(*images):
    pixels, labels = zip(*images, strict=True)
    return loaded(np.stack(pixels), labels, CLASSES)


def found(judge, some, name):
    (sweep,) = measured(judge, some.split, [name], 0)
    return {point.strength: (point.correct, point.count) for point in sweep.points}


def test_a_shift_counts_the_mean_of_four_directions(judge):
    # A bee one pixel away is seen after one of four shifts by one pixel, a bee in place after none, an ant one pixel
    # away is taken for a bee after one of them.
    some = data(dot(3, 4, 1), dot(3, 3, 1), dot(3, 2, 0), dot(7, 7, 0))
    assert found(judge, some, "shift") == {0.0: (3, 4), 1.0: (0.25 + 0 + 0.75 + 1, 4), 2.0: (2, 4)}


def test_a_scale_is_counted_on_both_sides_of_none(judge):
    strengths = found(judge, data(dot(3, 3, 1), dot(0, 0, 1)), "scale")
    assert list(strengths) == [0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5]
    assert strengths[1.0] == (1, 2)


@pytest.mark.parametrize("batch", [3, 125])
def test_without_a_change_it_is_evaluation_exactly(batch, monkeypatch):
    monkeypatch.setattr("cnncli.visualize.judge.BATCH", batch)
    network = Network("any", (6, 6, 2), (Flatten(), Dense(3)))
    rng, one = np.random.default_rng(0), subject(network)
    some = loaded(rng.integers(0, 256, (20, 6, 6, 2)), rng.integers(0, 3, 20))
    sweeps = measured(Judge(one), some.split, list(CHANGES), 0)
    correct = one.trained.evaluate(some, 7, one.options).correct
    assert [(sweep.change, sweep.clean.correct, sweep.clean.count) for sweep in sweeps] == [
        (name, correct, 20) for name in CHANGES
    ]


def test_the_seed_decides_noise_and_nothing_else(judge):
    some = data(*(dot(3, 3, at % 2) for at in range(30)))
    first, again, other = (measured(judge, some.split, ["noise", "rotation"], seed) for seed in (0, 0, 1))
    assert first[0].points == again[0].points != other[0].points
    assert first[0].examples.tobytes() == again[0].examples.tobytes() != other[0].examples.tobytes()
    assert first[1].points == other[1].points


def test_examples_are_the_first_image_at_each_strength(judge):
    (sweep,) = measured(judge, data(dot(3, 3, 1)).split, ["shift"], 0)
    assert [np.argwhere(image[..., 0]).tolist() for image in sweep.examples] == [[[3, 3]], [[3, 2]], [[3, 1]]]


def test_sentences_say_where_half_is_lost(judge):
    some = data(dot(3, 3, 1), dot(3, 3, 1))
    assert sentences(measured(judge, some.split, ["shift"], 0)) == [
        "Accuracy is 100.00% on 2 images as they are",
        "it falls below half of that at a shift of 1 px",
    ]
    still = data(dot(7, 7, 0), dot(0, 7, 0))
    assert sentences(measured(judge, still.split, ["rotation", "scale"], 0)) == [
        "Accuracy is 100.00% on 2 images as they are",
        "it stays above half of that up to a rotation of 90 degrees (100.00%), a scale of 0.5 (100.00%), "
        "a scale of 1.5 (100.00%)",
    ]


@pytest.mark.parametrize("names", [["shift"], list(CHANGES)], ids=["one", "all"])
def test_a_picture_has_a_panel_for_each_change(judge, names, tmp_path):
    draw(measured(judge, data(dot(3, 3, 1)).split, names, 0), tmp_path / "all.png", "a title", {"Seed": "0"})
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.text["Seed"] == "0"
        assert picture.size == ((700, 430) if len(names) == 1 else (1260, 790))


def test_a_sample_is_in_the_order_of_the_split_and_all_of_a_small_one():
    some = data(*(dot(at, at, at % 2) for at in range(8)))
    assert np.argwhere(sampled(some, 99, 3).images)[:, 1].tolist() == list(range(8))
    few = np.argwhere(sampled(some, 4, 3).images)[:, 1].tolist()
    assert len(few) == 4
    assert few == sorted(set(few))
    assert sampled(some, 99, 3, without=1).labels.tolist() == [0] * 4
