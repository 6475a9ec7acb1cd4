"""Images chosen to be looked at: of their class, drawn by the seed, and as augmentation makes them."""

import numpy as np
import pytest

from cnncli.data.augment import read
from cnncli.data.dataset import Loaded, Split
from cnncli.data.facts import Facts
from cnncli.data.inputs import Fit
from cnncli.errors import UsageError
from cnncli.visualize import samples

SAME = Fit("pad", (4, 4))


def dataset(classes=3, each=5, unseen=()):
    """Images of 4x4 whose pixels are ten times their label, and in the first pixel their place."""
    labels = np.array([label for label in range(classes) for _ in range(each) if label not in unseen], np.int32)
    images = np.empty((len(labels), 4, 4, 1), np.uint8)
    images[:] = 10 * labels[:, None, None, None]
    images[:, 0, 0, 0] = np.arange(len(labels))
    names = tuple(f"class {label}" for label in range(classes))
    facts = Facts("made", "Made up", (4, 4, 1), names, len(labels), 0, (0.5,), (0.25,), "pad", "nowhere")
    return Loaded(facts, Split(images, labels), "nowhere")


def test_each_class_shows_different_images_of_its_own():
    rows = samples.of_classes(dataset(), SAME, 4, seed=1)
    assert [row.name for row in rows] == ["class 0", "class 1", "class 2"]
    for label, row in enumerate(rows):
        assert row.originals.shape == (4, 4, 4, 1)
        assert (row.originals[:, 1:] == 10 * label).all()
        assert len(set(row.originals[:, 0, 0, 0])) == 4
        assert len(row.changed) == 0


def test_a_class_shows_no_more_images_than_it_has_and_none_without_any():
    rows = samples.of_classes(dataset(unseen=(1,)), SAME, 99, seed=1)
    assert [(row.name, len(row.originals)) for row in rows] == [("class 0", 5), ("class 2", 5)]


def test_the_seed_chooses():
    def shown(seed):
        return [row.originals.tolist() for row in samples.of_classes(dataset(), SAME, 2, seed)]

    assert shown(1) == shown(1) != shown(2)


def test_of_many_classes_some_are_drawn():
    data = dataset(classes=25)
    one, other = ([row.name for row in samples.of_classes(data, SAME, 1, seed)] for seed in (1, 2))
    assert len(one) == len(other) == samples.CLASSES
    assert one != other
    assert one == sorted(one, key=lambda name: int(name.split()[1]))


def test_images_are_brought_to_the_size_asked_for():
    (row, *_) = samples.of_classes(dataset(), Fit("pad", (6, 8)), 2, seed=0)
    assert row.originals.shape == (2, 6, 8, 1)


def test_augmented_shows_an_image_of_each_class_and_what_becomes_of_it():
    rows = samples.augmented(dataset(), SAME, read("shift(pixels=1)", "here"), 6, seed=0)
    assert [row.name for row in rows] == ["class 0", "class 1", "class 2"]
    for row in rows[1:]:
        assert (len(row.originals), row.changed.shape, row.captions) == (1, (6, 4, 4, 1), ())
        (original,) = row.originals[..., 0]
        framed = np.pad(original, 1)
        moves = [framed[down : down + 4, along : along + 4].tolist() for down in range(3) for along in range(3)]
        assert all(one in moves for one in row.changed[..., 0].tolist())
        assert len({one.tobytes() for one in row.changed}) > 1


def test_each_version_is_what_the_seed_says():
    augment = read("shift", "here")
    one, same, other = (samples.augmented(dataset(), SAME, augment, 3, seed) for seed in (1, 1, 2))
    assert np.array_equal(one[1].changed, same[1].changed)
    assert not np.array_equal(one[1].changed, other[1].changed)


def test_mixed_images_say_what_is_to_be_learned_of_them():
    rows = samples.augmented(dataset(), SAME, read("mixup", "here"), 5, seed=3)
    for label, row in enumerate(rows):
        assert len(row.captions) == 5
        for image, caption in zip(row.changed, row.captions, strict=True):
            shares = {int(line.split()[-1]): int(line.split("%")[0]) for line in caption.split("\n")}
            assert sum(shares.values()) == pytest.approx(100, abs=1)
            mean = sum(share * 10 * other for other, share in shares.items()) / 100
            assert image[1:].mean() == pytest.approx(mean, abs=0.7)
            assert label in shares or max(shares.values()) > 98


def test_components_of_colour_are_those_of_the_split():
    data = dataset()
    (_, row, _) = samples.augmented(data, SAME, read("pca-noise(deviation=1.0)", "here"), 6, seed=0)
    added = row.changed[:, 1:, :, 0].astype(int) - 10
    assert len(set(added[:, 0, 0])) > 2
    assert np.ptp(added, axis=(1, 2)).max() == 0


@pytest.mark.parametrize("show", ["of_classes", "augmented"])
def test_too_much_is_refused_before_it_is_computed(show):
    words = (read("mirror", "here"),) if show == "augmented" else ()
    with pytest.raises(UsageError, match="expected fewer images, or smaller ones"):
        getattr(samples, show)(dataset(), Fit("pad", (4, 4)), *words, 10**9, 0)
