import shutil

import pytest

from cnncli.data.inventory import Issue, inventory
from cnncli.errors import DataError

from .folders import parted, picture, write


def kinds(found):
    return [issue.kind for issue in found.issues]


def test_a_sound_folder_is_counted_and_measured(tmp_path):
    parted(tmp_path, train={"a": 4, "b": 3}, valid={"a": 1, "b": 1}, test={"a": 2, "b": 2})
    picture(9, (30, 5, 3)).save(tmp_path / "train" / "a" / "tall.jpg")
    (tmp_path / "train" / "a" / "notes.txt").write_text("")
    (tmp_path / "labels").mkdir()
    found = inventory(tmp_path)
    assert found.counts == {"train": {"a": 5, "b": 3}, "val": {"a": 1, "b": 1}, "test": {"a": 2, "b": 2}}
    assert (found.images, found.heights, found.widths) == (14, (6, 30), (5, 8))
    assert (found.ignored, found.aside, found.issues, found.harmful) == (1, ("labels",), (), ())


def test_pictures_of_the_same_bytes_are_found(tmp_path):
    train, test = tmp_path / "train", tmp_path / "test"
    parted(tmp_path, train={"a": 4, "b": 4}, test={"a": 2, "b": 2})
    shutil.copy(train / "a" / "0.png", train / "a" / "again.png")
    shutil.copy(train / "a" / "1.png", test / "a" / "leak.png")
    shutil.copy(train / "a" / "2.png", train / "b" / "other.png")
    shutil.copy(train / "a" / "3.png", test / "b" / "both.png")
    found = inventory(tmp_path)
    assert {issue.paths: (issue.kind, issue.harmful) for issue in found.issues} == {
        ("train/a/0.png", "train/a/again.png"): ("duplicate", False),
        ("train/a/1.png", "test/a/leak.png"): ("duplicate across splits", True),
        ("train/a/2.png", "train/b/other.png"): ("duplicate in different classes", True),
        ("train/a/3.png", "test/b/both.png"): ("duplicate across splits", True),
    }
    assert found.issues[-1].words == (
        "the same picture across splits and in different classes: train/a/3.png, test/b/both.png"
    )


def test_what_cannot_be_read_is_named_with_its_reason_and_is_no_copy(tmp_path):
    write(tmp_path, {"a": 2, "b": 2})
    for name in ("one.png", "two.png"):
        (tmp_path / "a" / name).write_bytes(b"")
    (tmp_path / "b" / "gone.jpg").symlink_to("absent")
    picture(0).save(tmp_path / "b" / "program.eps")
    found = inventory(tmp_path)
    assert kinds(found) == ["unreadable"] * 4
    assert [issue.words for issue in found.issues[1:]] == [
        "a/two.png: it is no picture that can be read, or it is damaged",
        "b/gone.jpg: it is a link to nothing",
        "b/program.eps: is a PostScript program, which is not run; expected pixels, such as a PNG or JPEG",
    ]
    assert found.images == 8


def test_empty_and_lacking_classes_do_harm(tmp_path):
    parted(tmp_path, train={"a": 2, "b": 2, "c": 0}, test={"a": 1, "d": 1})
    assert [issue.words for issue in inventory(tmp_path).harmful] == [
        "class 'c' has no images in train",
        "class 'd' has no images in train",
        "class 'b' has no images in test",
        "class 'c' has no images in test",
    ]


def test_imbalance_is_worth_a_word_above_ten(tmp_path):
    write(tmp_path / "even", {"a": 2, "b": 20})
    assert inventory(tmp_path / "even").issues == ()
    write(tmp_path / "uneven", {"a": 2, "b": 21})
    assert inventory(tmp_path / "uneven").issues == (
        Issue(
            "imbalance",
            "class 'b' has 10 times the images of 'a', 21 and 2; --set class_weights=balanced makes up for it",
            harmful=False,
        ),
    )


def test_one_class_alone_tells_nothing_apart(tmp_path):
    write(tmp_path, {"cat": 2})
    assert kinds(inventory(tmp_path)) == ["one class"]


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "list.csv").write_text("")
    with pytest.raises(DataError, match="holds no images in class folders; files of other kinds: 1"):
        inventory(tmp_path)


def test_progress_is_reported(tmp_path):
    seen = []
    inventory(write(tmp_path, {"a": 1, "b": 2}), lambda *it: seen.append(it))
    assert seen == [(f"check {tmp_path.name}", done, 3) for done in (1, 2, 3)]
