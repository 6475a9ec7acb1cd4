import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncli.data import dataset, memory
from cnncli.data.framing import Framing
from cnncli.errors import DataError, UsageError

from .folders import parted, picture, write

SMALL = Framing((6, 8))


def load(root, split="train", framing=SMALL, **how):
    return dataset.load(str(root), split, framing=framing, **how)


def rows(split):
    """The images of a split as text, in any order."""
    return sorted(image.tobytes() for image in split.images)


def test_folders_of_splits_are_the_splits(tmp_path):
    parted(tmp_path, train={"b": 3, "a": 2}, test={"a": 1, "b": 2})
    train, test = load(tmp_path), load(tmp_path, "test")
    assert train.facts.classes == ("a", "b")
    assert train.split.labels.tolist() == [0, 0, 1, 1, 1] and test.split.labels.tolist() == [0, 1, 1]
    assert (train.facts.train, train.facts.test, train.facts.shape) == (5, 3, (6, 8, 3))
    assert np.array_equal(train.split.images[0], np.asarray(Image.open(tmp_path / "train" / "a" / "0.png")))
    assert (train.where, test.where) == (str(tmp_path / "train"), str(tmp_path / "test"))
    assert (train.held, train.notes, train.skipped) == (None, (), 0)
    assert not train.split.images.flags.writeable and not train.split.labels.flags.writeable


def test_what_is_there_to_validate_on_is_held_where_there_is_something_to_test_on(tmp_path):
    parted(tmp_path, train={"a": 3, "b": 3}, validation={"a": 1, "b": 1}, test={"a": 2, "b": 2})
    train = load(tmp_path)
    assert train.held.labels.tolist() == [0, 1]
    assert np.array_equal(train.held.images[0], np.asarray(Image.open(tmp_path / "validation" / "a" / "0.png")))
    assert not train.held.images.flags.writeable
    assert load(tmp_path, "test").held is None
    shutil.rmtree(tmp_path / "test")
    assert load(tmp_path).held is None
    test = load(tmp_path, "test")
    assert (test.where, test.split.labels.tolist()) == (str(tmp_path / "validation"), [0, 1])


def test_mean_and_deviation_are_those_of_the_training_images(tmp_path):
    parted(tmp_path, train={"a": 3, "b": 3}, test={"a": 2, "b": 2})
    train = load(tmp_path)
    assert train.facts.mean == pytest.approx(train.split.images.mean(axis=(0, 1, 2)) / 255)
    assert train.facts.deviation == pytest.approx(train.split.images.std(axis=(0, 1, 2)) / 255)


def test_a_folder_without_splits_is_split_by_content(tmp_path):
    root = write(tmp_path / "whole", {"a": 60, "b": 60})
    train, test = load(root), load(root, "test")
    digests = {path: int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16) / 2**32 for path in root.rglob("*.png")}
    tested = sorted(np.asarray(Image.open(path)).tobytes() for path, share in digests.items() if share < 0.2)
    assert rows(test.split) == tested and 12 < len(tested) < 36
    assert len(train.split.labels) + len(test.split.labels) == 120
    assert train.notes == (
        f"{root} has no folder for testing: {len(tested)} of its 120 images, by their content, are its test split",
    )


def test_the_split_by_content_stays_when_images_are_added_renamed_or_copied(tmp_path):
    root = write(tmp_path / "whole", {"a": 30, "b": 30})
    before = {split: rows(load(root, split).split) for split in ("train", "test")}
    for number in range(30):
        path = root / "a" / f"{number}.png"
        shutil.copy(path, root / "a" / f"copy of {number}.png")
        path.rename(root / "a" / f"renamed {number}.png")
    write(root, {"c": 20}, first=500)
    for split, images_ in before.items():
        after = rows(load(root, split).split)
        assert set(images_) <= set(after)
        assert not set(after) & set(before["test" if split == "train" else "train"])


def test_a_folder_with_nothing_but_train_is_split_by_content(tmp_path):
    root = parted(tmp_path, train={"a": 40, "b": 40})
    assert rows(load(root, "test").split) == rows(load(root / "train", "test").split)


def test_a_folder_of_nothing_to_train_on_can_be_tested(tmp_path):
    parted(tmp_path, test={"a": 2, "b": 2})
    assert load(tmp_path, "test").split.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(DataError, match="has no images for 'train'; it has some for test"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"a": 1}, r"test lacks the class 'b', which .*train has; expected the same classes"),
        ({"a": 1, "b": 1, "c": 1, "d": 1}, r"test has the classes 'c', 'd', which .*train lacks"),
        ({"a": 1, "b": 0}, r"test has no images of the class 'b'; add some, or remove what is no class's folder"),
        ({"a": 0, "b": 0}, r"test holds no images"),
    ],
)
def test_splits_have_the_same_classes(tmp_path, test, message):
    parted(tmp_path, train={"a": 2, "b": 2}, test=test)
    for split in ("train", "test"):
        with pytest.raises(DataError, match=message):
            load(tmp_path, split)


def test_folders_that_cannot_be_trained_on_are_refused(tmp_path):
    write(tmp_path / "one", {"cat": 3})
    with pytest.raises(DataError, match="has one class only, 'cat'; expected at least two"):
        load(tmp_path / "one")
    write(tmp_path / "none", {"a": 0, "b": 0})
    (tmp_path / "none" / "a" / "list.txt").write_text("")
    with pytest.raises(DataError, match=r"none holds no images, only files of other kinds \(1\)"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="nowhere: no such folder"):
        load(tmp_path / "nowhere")
    picture(0).save(tmp_path / "file.png")
    with pytest.raises(DataError, match=r"file\.png is a file, not a folder"):
        load(tmp_path / "file.png")
    with pytest.raises(UsageError, match="no split named 'val'"):
        load(tmp_path / "one", "val")


def test_a_class_whose_images_are_all_tested_is_said(tmp_path):
    seeds = [seed for seed in range(60) if _share(seed, tmp_path) < 0.2][:2]
    write(tmp_path / "whole", {"a": 12})
    write(tmp_path / "whole", {"rare": 1}, first=seeds[0])
    with pytest.raises(DataError, match="leaves no image to train on of the class 'rare'; add some"):
        load(tmp_path / "whole")


def _share(seed: int, folder: Path) -> float:
    path = folder / "share.png"
    picture(seed).save(path)
    return int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16) / 2**32


def test_pictures_of_any_size_become_images_of_one(tmp_path):
    parted(tmp_path, train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    picture(7, (50, 30, 3)).save(tmp_path / "train" / "a" / "9.png")
    framing = Framing((12, 10), interpolation="bicubic")
    found = load(tmp_path, framing=framing)
    assert found.facts.shape == (12, 10, 3)
    assert np.array_equal(found.split.images[2], framing(np.asarray(picture(7, (50, 30, 3)))))
    # Where nobody asks for a size, pictures of one size keep it.
    assert load(tmp_path, "test", framing=None).facts.shape == (128, 128, 3)
    (tmp_path / "train" / "a" / "9.png").unlink()
    assert load(tmp_path, "test", framing=None).facts.shape == (6, 8, 3)


def test_channels_are_those_of_all_pictures_or_what_is_asked(tmp_path):
    write(tmp_path / "train", {"a": 2, "b": 2}, (6, 8))
    write(tmp_path / "test", {"a": 2, "b": 2}, (6, 8), first=50)
    assert load(tmp_path).facts.shape == (6, 8, 1)
    three = load(tmp_path, framing=Framing((6, 8), channels=3))
    assert np.array_equal(three.split.images, np.repeat(load(tmp_path).split.images, 3, axis=-1))
    picture(9).save(tmp_path / "test" / "b" / "coloured.png")
    assert load(tmp_path).facts.shape == (6, 8, 3)
    assert load(tmp_path, framing=Framing((6, 8), channels=1)).facts.shape == (6, 8, 1)


def half_grey(path):
    Image.new("RGB", (16, 16), (10, 200, 30)).save(path, quality=95)


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :8] = 255
    Image.fromarray(pixels).save(path, exif=exif, quality=95)


# What is written, and the colours of the left upper and the right lower corner.
KINDS = {
    "colour.jpg": (half_grey, (10, 200, 30), (10, 200, 30)),
    "grey.png": (lambda path: Image.new("L", (16, 16), 77).save(path), (77, 77, 77), (77, 77, 77)),
    "palette.gif": (lambda path: Image.new("RGB", (16, 16), "red").quantize(4).save(path), (255, 0, 0), (255, 0, 0)),
    # Photoshop's and Pillow's inks are inverted in JPEG: 255 is none.
    "inks.jpg": (lambda path: Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path), (255, 0, 0), (255, 0, 0)),
    "deep.png": (lambda path: Image.new("I;16", (16, 16), 256 * 99).save(path), (99, 99, 99), (99, 99, 99)),
    "clear.png": (lambda path: Image.new("RGBA", (16, 16), (9, 9, 9, 0)).save(path), (255,) * 3, (255,) * 3),
    "turned.jpg": (turned, (255,) * 3, (0,) * 3),
    "moves.webp": (
        lambda path: Image.new("RGB", (16, 16), (0, 0, 255)).save(path, lossless=True),
        (0, 0, 255),
        (0, 0, 255),
    ),
    "two.tiff": (lambda path: Image.new("1", (16, 16), 1).save(path), (255,) * 3, (255,) * 3),
}


@pytest.mark.parametrize(("name", "made", "first", "last"), [(name, *kind) for name, kind in KINDS.items()], ids=KINDS)
def test_every_kind_of_picture_is_read(tmp_path, name, made, first, last):
    parted(tmp_path, train={"a": 1, "b": 1}, test={"a": 1, "b": 1})
    made(tmp_path / "train" / "a" / f"0-{name}")
    (tmp_path / "train" / "a" / "0.png").unlink()
    found = load(tmp_path, framing=Framing((16, 16), channels=3)).split.images[0]
    assert np.abs(found[1, 1].astype(int) - first).max() <= 8
    assert np.abs(found[-2, -2].astype(int) - last).max() <= 8


def damaged(root):
    """A folder of whose training images three cannot be read."""
    parted(root, train={"a": 4, "b": 4}, test={"a": 2, "b": 2})
    photograph = root / "train" / "a" / "5.jpg"
    picture(1, (60, 60, 3)).save(photograph)
    photograph.write_bytes(photograph.read_bytes()[:900])
    (root / "train" / "a" / "drawing.svg").write_text("<svg/>")
    picture(2).save(root / "train" / "b" / "program.eps")
    return root


def test_what_cannot_be_read_is_refused_with_count_and_paths(tmp_path):
    root = damaged(tmp_path)
    with pytest.raises(DataError) as refused:
        load(root)
    assert str(refused.value) == (
        f"3 of 11 images of {root} cannot be read: train/a/5.jpg, train/a/drawing.svg, train/b/program.eps; mend or "
        "remove them, or leave them out with --skip-bad"
    )
    assert len(load(root, "test").split.labels) == 4


def test_what_cannot_be_read_is_left_out_and_counted_where_that_is_asked(tmp_path):
    found = load(damaged(tmp_path / "hurt"), skip_bad=True)
    whole = load(parted(tmp_path / "whole", train={"a": 4, "b": 4}, test={"a": 2, "b": 2}))
    assert np.array_equal(found.split.images, whole.split.images)
    assert found.split.labels.tolist() == [0] * 4 + [1] * 4
    assert (found.skipped, found.facts.train, found.facts.mean) == (3, 8, whole.facts.mean)
    assert found.notes == (
        f"3 of 11 images of {tmp_path / 'hurt'} cannot be read: train/a/5.jpg, train/a/drawing.svg, "
        "train/b/program.eps: skipped",
    )


def test_what_has_too_many_pixels_or_no_file_is_bad(tmp_path, monkeypatch):
    parted(tmp_path, train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    (tmp_path / "train" / "b" / "gone.png").symlink_to("absent")
    (tmp_path / "train" / "b" / "empty.png").write_bytes(b"")
    picture(3, (20, 20, 3)).save(tmp_path / "train" / "b" / "huge.png")
    monkeypatch.setattr("cnncli.data.pictures.MOST_PIXELS", 100)
    found = load(tmp_path, skip_bad=True)
    assert (found.skipped, len(found.split.labels)) == (3, 4)


def test_a_class_that_loses_all_its_images_is_refused(tmp_path):
    parted(tmp_path, train={"a": 2, "b": 1}, test={"a": 1, "b": 1})
    (tmp_path / "train" / "b" / "0.png").write_text("no picture")
    with pytest.raises(DataError, match=r"train: no image can be read of the class 'b'; the first: .*0\.png: it is no"):
        load(tmp_path, skip_bad=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_without_permission_is_bad(tmp_path):
    parted(tmp_path, train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    (tmp_path / "train" / "b" / "0.png").chmod(0)
    assert load(tmp_path, skip_bad=True).skipped == 1


def test_more_than_fits_is_refused(tmp_path, monkeypatch):
    parted(tmp_path, train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    monkeypatch.setattr(memory, "LIMIT", 4 * 6 * 8 * 3 - 1)
    with pytest.raises(DataError, match=r"train: 4 images of 6x8x3 take"):
        load(tmp_path)


def test_progress_is_reported(tmp_path):
    parted(tmp_path, train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    seen = []
    load(tmp_path, report=lambda *it: seen.append(it))
    assert seen == [(f"read {tmp_path / 'train'}", done, 4) for done in range(1, 5)]


def test_the_digest_tells_a_folder_that_has_changed_and_no_other(tmp_path):
    root = write(tmp_path / "whole", {"a": 20, "b": 20})
    before = load(root).sha256
    assert len(before) == 64
    (root / "a" / "0.png").rename(root / "a" / "0 again.png")
    (root / "notes.txt").write_text("")
    shutil.copytree(root, tmp_path / "elsewhere")
    assert load(root).sha256 == load(tmp_path / "elsewhere").sha256 == before
    shutil.move(root / "a" / "1.png", root / "b" / "from a.png")
    shutil.move(root / "a" / "2.png", root / "b" / "another.png")
    assert load(root).sha256 != before


def test_names_that_are_paths_or_folders_mean_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "flowers", {"a": 3, "b": 3})
    write(tmp_path / "digits", {"a": 3, "b": 3})
    assert dataset.folder("flowers") == Path("flowers") and dataset.folder("./digits") == Path("digits")
    assert dataset.folder("digits") is None and dataset.folder("tfds:a/b") is None and dataset.folder("absent") is None
    assert dataset.full("flowers") == dataset.full("flowers/../flowers/") == str(tmp_path / "flowers")
    assert (dataset.full("mnist"), dataset.full("tfds:a/b")) == ("mnist", "tfds:a/b")
    assert (dataset.short("./flowers"), dataset.short("mnist"), dataset.short("tfds:a/b")) == (
        "flowers",
        "mnist",
        "tfds:a/b",
    )
    assert len(dataset.load("digits", "test").split.labels) == 360
    with pytest.raises(UsageError, match=r"'/.*caf\\udce9': expected a path in UTF-8; rename the folder"):
        dataset.full("./caf\udce9")


def test_what_is_for_other_datasets_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"--data-dir is for datasets known by name; .* is a folder of images itself"):
        load(tmp_path, data_dir=tmp_path)
    with pytest.raises(UsageError, match="--skip-bad is for folders of images; digits is taken whole"):
        dataset.load("digits", "train", skip_bad=True)
    with pytest.raises(UsageError, match="is a folder of images; there is nothing to fetch"):
        dataset.fetch(str(tmp_path))


def test_a_class_has_any_name_and_a_file_among_classes_is_none(tmp_path):
    parted(tmp_path, train={"a b": 1, "猫": 1, "[red]": 1}, test={"a b": 1, "猫": 1, "[red]": 1})
    (tmp_path / "train" / "file").write_text("")
    assert load(tmp_path).facts.classes == ("[red]", "a b", "猫")
