"""Accuracy against the radius of a ball, where every margin is known."""

import numpy as np
import pytest
from PIL import Image

from cnncli.errors import UsageError
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.adversarial import Plan
from cnncli.visualize.attacks import Ball
from cnncli.visualize.epsilons import chosen, draw, measured, sentences
from cnncli.visualize.judge import Judge
from tests.visualize.subjects import loaded, subject

# The difference of its classes' weights is 1 for two pixels and -1 for the others: 4 in all, of length 2.
NETWORK = Network("line", (2, 2, 1), (Flatten(), Dense(2, name="weights")))
KERNEL = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
# Ants ahead by so many grey values: an L-infinity ball reaches them at 4, 2, 1 and 8 / 255, an L2 ball at twice that;
# the last is a bee that is taken for an ant.
AHEAD = (16, 8, 4, 32, 20)
LABELS = (0, 0, 0, 0, 1)


@pytest.fixture(scope="module")
def judge():
    params = {"weights": {"kernel": KERNEL, "bias": np.zeros(2, np.float32)}}
    return Judge(subject(NETWORK, params, None, ("ant", "bee")))


@pytest.fixture(scope="module")
def data():
    images = np.full((5, 2, 2, 1), 128)
    images[:, 0, 0, 0] += AHEAD
    return loaded(images, LABELS, ("ant", "bee"))


def plan(by, norm, target=None):
    return Plan(by, Ball(norm, 1.0), target, 20)


def counts(curve):
    return [(round(point.strength * 255, 3), point.correct, point.count) for point in curve.points]


@pytest.mark.parametrize("by", ["fgsm", "pgd"])
@pytest.mark.parametrize(("norm", "scale"), [("linf", 1), ("l2", 2)])
def test_images_are_lost_when_the_ball_reaches_the_other_side(judge, data, by, norm, scale):
    radii = [scale * radius / 255 for radius in (0.9, 1.2, 2.2, 4.4, 8.8)]
    found = measured(judge, data.split, plan(by, norm), radii, 0)
    assert counts(found) == [
        (0.0, 4, 5),
        *((round(scale * radius, 3), left, 5) for radius, left in ((0.9, 4), (1.2, 3), (2.2, 2), (4.4, 1), (8.8, 0))),
    ]
    assert found.plan.ball == Ball(norm, radii[-1])


def test_batches_count_each_image_once(judge, data, monkeypatch):
    whole = measured(judge, data.split, plan("pgd", "linf"), [2.2 / 255], 0)
    monkeypatch.setattr("cnncli.visualize.judge.BATCH", 2)
    assert counts(measured(judge, data.split, plan("pgd", "linf"), [2.2 / 255], 0)) == counts(whole)


def test_no_attack_is_evaluation_exactly():
    network = Network("any", (3, 3, 2), (Flatten(), Dense(3)))
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (300, 3, 3, 2)), rng.integers(0, 3, 300)
    one, data = subject(network), loaded(images, labels)
    found = measured(Judge(one), data.split, plan("fgsm", "linf"), [], 0).points[0]
    assert (found.correct, found.count) == (one.trained.evaluate(data, 50, one.options).correct, 300)


def test_a_sample_is_drawn_by_the_seed_without_the_targets_images(data):
    assert len(chosen(data, 99, None, 0).labels) == 5
    assert chosen(data, 99, 1, 0).labels.tolist() == [0, 0, 0, 0]
    first = chosen(data, 3, None, 0)
    np.testing.assert_array_equal(first.images, chosen(data, 3, None, 0).images)
    assert any(not np.array_equal(first.images, chosen(data, 3, None, seed).images) for seed in range(1, 5))
    with pytest.raises(UsageError, match="--target: all of the images are of this class already"):
        chosen(loaded(np.zeros((2, 2, 2, 1)), [1, 1], ("ant", "bee")), 2, 1, 0)


def test_sentences_say_where_half_is_lost(judge, data):
    some, most = (measured(judge, data.split, plan("fgsm", "linf"), [1.2 / 255, last], 0) for last in (0.01, 5 / 255))
    assert sentences([some, most]) == [
        "Accuracy is 80.00% on 5 images without an attack",
        "under FGSM in the L-infinity ball it stays above half of that; at 0.01 it is 40.00%",
        "under FGSM in the L-infinity ball it falls below half of that at epsilon 5/255; at 5/255 it is 20.00%",
    ]


def test_a_picture_has_a_line_for_each_attack(judge, data, tmp_path):
    one = measured(judge, data.split, plan("fgsm", "linf"), [1.2 / 255, 5 / 255], 0)
    other = measured(judge, data.split, plan("pgd", "linf"), [1.2 / 255, 9 / 255], 0)
    draw([one, other], tmp_path / "curve.png", "a title", {"Seed": "0"})
    with Image.open(tmp_path / "curve.png") as picture:
        assert (picture.size, picture.text["Seed"]) == ((800, 500), "0")
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    for colour in ((0, 114, 178), (213, 94, 0)):
        assert (np.abs(pixels - colour).sum(axis=-1) < 12).sum() > 100
