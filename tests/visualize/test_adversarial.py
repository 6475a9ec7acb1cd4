"""Sheets of adversarial images: who is fooled, what is said and shown, on a classifier whose answers are known."""

import numpy as np
import pytest

from cnncli.drawing.palette import ORANGE
from cnncli.errors import UsageError
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.adversarial import Plan, attempt, epsilon, originals, sentences, sheet, without
from cnncli.visualize.attacks import Ball
from cnncli.visualize.judge import Judge
from cnncli.visualize.picked import Picked
from tests.visualize.subjects import subject

# Each of three pixels speaks for a class: the brightest wins.
BRIGHTEST = Network("brightest", (1, 3, 1), (Flatten(), Dense(3, name="weights")))
CLASSES = ("ant", "bee", "cat")


@pytest.fixture(scope="module")
def judge():
    weights = {"kernel": 20 * np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    return Judge(subject(BRIGHTEST, {"weights": weights}))


def picked(*pixels, labels):
    images = np.array(pixels, np.uint8).reshape(-1, 1, 3, 1)
    return Picked(images, tuple(f"#{at}" for at in range(len(images))), tuple(labels), tuple(range(len(images))))


# By a little an ant, by much a bee, and a cat that is taken for an ant, with the bee second.
THREE = picked((130, 100, 90), (50, 250, 60), (200, 180, 100), labels=(0, 1, 2))


def plan(by="fgsm", radius=20 / 255, target=None, norm="linf"):
    return Plan(by, Ball(norm, radius), target, {"fgsm": 1, "pgd": 10, "ascent": 400}[by])


def tried(judge, images, *plans):
    before = originals(judge, images)
    return before, [attempt(judge, before, images.labels, one, 0) for one in plans]


def test_only_what_was_right_can_be_fooled(judge):
    before, (near, far) = tried(judge, THREE, plan(), plan(radius=0.5))
    assert before.predicted.tolist() == [0, 1, 0]
    assert near.able.tolist() == far.able.tolist() == [True, True, False]
    assert near.fooled.tolist() == [True, False, False]
    assert far.fooled.tolist() == [True, True, False]
    assert near.after.predicted.tolist() == [1, 1, 0]
    assert (near.after.probabilities.argmax(axis=1) == near.after.predicted).all()


def test_with_a_target_what_is_of_it_or_taken_for_it_cannot_be_fooled(judge):
    _, (found,) = tried(judge, THREE, plan("pgd", 0.9, target=2))
    assert found.able.tolist() == [True, True, False]
    assert found.fooled.tolist() == [True, True, False]
    _, (found,) = tried(judge, THREE, plan("pgd", 0.9, target=0))
    assert found.fooled.tolist() == [False, True, False]


def test_ascent_goes_for_the_likeliest_class_that_an_image_neither_is_nor_is_taken_for(judge):
    _, (found,) = tried(judge, THREE, plan("ascent"))
    assert found.after.predicted.tolist() == [1, 2, 1]
    assert found.fooled.all()


def test_an_image_of_unknown_class_is_what_it_is_taken_for(judge):
    _, (found,) = tried(judge, picked((130, 100, 90), labels=[None]), plan())
    assert found.fooled.tolist() == [True]


def test_what_does_not_fool_as_whole_pixels_is_told(judge):
    images = picked((110, 100, 90), labels=[0])
    _, (found,) = tried(judge, images, plan(radius=5.3 / 255))
    assert (found.fooled.tolist(), found.whole.tolist()) == ([True], [False])
    before, attempts = tried(judge, images, plan(radius=5.3 / 255), plan(radius=6 / 255))
    assert [one.whole.tolist() for one in attempts] == [[False], [True]]
    assert sentences(images.labels, before, attempts, CLASSES) == [
        "FGSM in the L-infinity ball of 0.0208 fools 1 of 1 images; none of them with pixels rounded to whole values, "
        "as a file has them",
        "FGSM in the L-infinity ball of 6/255 fools 1 of 1 images",
    ]


def test_sentences_say_who_was_fooled_and_who_was_wrong_already(judge):
    before, attempts = tried(judge, THREE, plan(), plan(radius=0.01), plan("pgd", 0.9, target=2))
    assert sentences(THREE.labels, before, attempts, CLASSES) == [
        "FGSM in the L-infinity ball of 20/255 fools 1 of 2 images",
        "FGSM in the L-infinity ball of 0.01 fools none of 2 images; a larger --epsilon might",
        "PGD in the L-infinity ball of 0.9 fools 2 of 2 images into 'cat'",
        "1 of 3 images is misclassified without any attack",
    ]
    wrong = picked((200, 180, 100), labels=[2])
    before, attempts = tried(judge, wrong, plan())
    assert sentences(wrong.labels, before, attempts, CLASSES) == [
        "FGSM in the L-infinity ball of 20/255 has nothing to fool: no image is taken for its own class",
        "1 of 1 images is misclassified without any attack",
    ]


def test_a_sheet_has_the_original_the_difference_and_the_result(judge):
    before, attempts = tried(judge, THREE, plan(), plan(radius=0.5))
    found = sheet(THREE.names, THREE.labels, before, attempts, CLASSES, "title")
    assert (found.title, list(found.heads)) == (
        "title",
        ["original", "difference x 6.3", "FGSM", "difference x 0.9", "FGSM"],
    )
    original, difference, result = found.lines[0].panels[:3]
    np.testing.assert_array_equal(np.ravel(original.pixels), [130, 100, 90])
    np.testing.assert_array_equal(np.ravel(result.pixels), [110, 120, 110])
    # Grey, and 6.3 times 20 down and up.
    np.testing.assert_array_equal(np.ravel(difference.pixels), [2, 254, 254])
    assert difference.caption == "up to 20/255\nL2 0.136"
    assert original.caption.startswith("ant\n8")
    assert result.caption.startswith("bee\n5")
    assert [line.panels[2].frame for line in found.lines] == [ORANGE, "", ""]
    assert [line.panels[4].frame for line in found.lines] == [ORANGE, ORANGE, ""]
    assert ["wrong already" in line.panels[0].caption for line in found.lines] == [False, False, True]


def test_without_any_difference_the_panel_is_grey(judge):
    before, attempts = tried(judge, THREE, plan(radius=0.0))
    found = sheet(THREE.names, THREE.labels, before, attempts, CLASSES, "")
    assert found.heads[1] == "difference x 1"
    assert (found.lines[0].panels[1].pixels == 128).all()


def test_the_same_seed_gives_the_same_bytes(judge):
    before, one_step = originals(judge, THREE), Plan("pgd", Ball("l2", 0.1), None, 1)
    one, again, other = (attempt(judge, before, THREE.labels, one_step, seed) for seed in (0, 0, 1))
    assert one.after.pixels.tobytes() == again.after.pixels.tobytes()
    assert not np.array_equal(other.after.pixels, one.after.pixels)


def test_images_are_attacked_a_few_at_a_time_as_all_at_once(judge, monkeypatch):
    before, (whole,) = tried(judge, THREE, plan("pgd", norm="l2"))
    monkeypatch.setattr("cnncli.visualize.judge.BATCH", 2)
    parts = attempt(judge, before, THREE.labels, plan("pgd", norm="l2"), 0)
    np.testing.assert_allclose(parts.after.pixels, whole.after.pixels, atol=1e-3)
    assert parts.fooled.tolist() == whole.fooled.tolist()


def test_images_of_the_target_are_left_out():
    found = without(THREE, 0, 1)
    assert (found.names, found.labels, found.places) == (("#1",), (1,), (1,))
    np.testing.assert_array_equal(found.images, THREE.images[1:2])
    assert without(THREE, 1, 5).labels == (0, 2)
    with pytest.raises(UsageError, match="--target: all of the images are of this class already"):
        without(picked((1, 2, 3), labels=[1]), 1, 5)


def test_radii_are_written_as_people_write_them():
    assert [epsilon(radius) for radius in (8 / 255, 1 / 255, 0.0, 0.25, 0.03, 1.75, 51 / 255)] == [
        "8/255", "1/255", "0", "0.25", "0.03", "1.75", "0.2",
    ]  # fmt: skip
