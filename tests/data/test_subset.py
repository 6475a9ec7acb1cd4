from dataclasses import replace

import numpy as np
import pytest

from cnncli.data.dataset import Loaded, Split, load
from cnncli.data.facts import Facts
from cnncli.data.subset import aligned, listed, only, per_class
from cnncli.errors import DataError, UsageError


def made(classes: tuple[str, ...], labels: list[int]) -> Loaded:
    """Images of one pixel, each of its place in the split."""
    facts = Facts("made", "Made up", (1, 1, 1), classes, len(labels), 0, (0.5,), (0.5,), "pad", "nowhere")
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Loaded(facts, Split(images, np.array(labels, np.int32)), "memory")


def places(data: Loaded) -> list[int]:
    return data.split.images.ravel().tolist()


def test_chosen_classes_are_numbered_as_they_are_given() -> None:
    data = only(made(("a", "b", "c"), [0, 1, 2, 1, 0]), ["c", "a"])
    assert data.facts.classes == ("c", "a")
    assert places(data) == [0, 2, 4]
    assert data.split.labels.tolist() == [1, 0, 1]


def test_a_class_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no class 'catt'.*cat"):
        only(made(("cat", "dog"), [0, 1]), ["catt"])
    with pytest.raises(UsageError, match="'dog' is given twice"):
        only(made(("cat", "dog"), [0, 1]), ["dog", "dog"])


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(UsageError, match="--only is 'dog'; expected at least two classes"):
        only(made(("cat", "dog"), [0, 1]), ["dog"])


def test_a_list_names_classes_whatever_is_in_their_names() -> None:
    known = ("tench, Tinca tinca", "tench", "gr\u00fcn", " blue")
    assert listed("tench, gr\u00fcn", known) == ["tench", "gr\u00fcn"]
    assert listed("gru\u0308n,tench, Tinca tinca,blue", known) == ["gr\u00fcn", "tench, Tinca tinca", " blue"]
    assert listed("tench,Tinca", known) == ["tench", "Tinca"]
    assert listed("tench, ", known) == ["tench", ""]


def test_images_of_each_class_are_drawn_by_the_seed() -> None:
    digits = load("digits", "train")
    few = per_class(digits, 7, seed=1)
    assert np.bincount(few.split.labels).tolist() == [7] * 10
    assert np.array_equal(few.split.images, per_class(digits, 7, seed=1).split.images)
    assert not np.array_equal(few.split.images, per_class(digits, 7, seed=2).split.images)
    with pytest.raises(UsageError, match=r"--per-class 3: class 'b' of made has 2 images"):
        per_class(made(("a", "b"), [0, 0, 0, 1, 1]), 3, seed=0)


def test_labels_follow_the_classes_that_a_network_tells() -> None:
    data = made(("a", "b", "c"), [0, 1, 2, 1])
    assert aligned(data, ("a", "b", "c")) is data
    assert aligned(data, ("x", "y", "z")) is data
    some = aligned(data, ("c", "b"))
    assert (some.facts.classes, some.split.labels.tolist(), places(some)) == (("c", "b"), [1, 0, 1], [1, 2, 3])
    fewer = aligned(made(("c", "a"), [0, 1]), ("a", "b", "c"))
    assert (fewer.facts.classes, fewer.split.labels.tolist()) == (("a", "b", "c"), [2, 0])
    with pytest.raises(DataError, match=r"network tells 2 classes \(a, q\); made has 3 classes \(a, b, c\)"):
        aligned(data, ("a", "q"))


def test_what_a_dataset_holds_out_follows_its_classes() -> None:
    data = made(("a", "b", "c"), [0, 1, 2, 1])
    held = Split(np.full((3, 1, 1, 1), 7, np.uint8), np.array([2, 0, 1], np.int32))
    chosen = only(replace(data, held=held), ["c", "b"]).held
    assert chosen is not None and chosen.labels.tolist() == [0, 1]
    assert per_class(replace(data, held=held), 1, seed=0).held is held
