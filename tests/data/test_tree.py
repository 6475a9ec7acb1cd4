import os

import pytest

from cnncli.data.tree import natural, tree
from cnncli.errors import DataError

from .folders import parted, picture, write


def names(classes):
    return {one.name: [path.name for path in one.pictures] for one in classes}


def test_classes_are_the_folders_and_numbers_in_names_count(tmp_path):
    found = tree(write(tmp_path, {"class10": 1, "class9": 1, "b": 11, "B": 1, "été 猫": 1}))
    assert [one.name for one in found.whole] == ["B", "b", "class9", "class10", "été 猫"]
    assert names(found.whole)["b"] == [f"{number}.png" for number in range(11)]
    assert (found.splits, found.ignored, found.aside) == ({}, 0, ())


def test_names_are_in_one_order_whatever_they_are():
    given = ["a10", "a9", "10", "9", "09", "x", "", "٣", "a"]
    assert sorted(given, key=natural) == ["", "٣", "09", "9", "10", "a", "a9", "a10", "x"]


@pytest.mark.parametrize(
    ("given", "split"),
    [("valid", "val"), ("validation", "val"), ("Train", "train"), ("TESTING", "test"), ("val", "val")],
)
def test_folders_of_splits_have_several_names(tmp_path, given, split):
    found = tree(parted(tmp_path, **{given: {"a": 1, "b": 2}}))
    assert names(found.splits[split]) == {"a": ["0.png"], "b": ["0.png", "1.png"]}
    assert found.folders == {split: tmp_path / given}


def test_one_split_has_one_folder(tmp_path):
    parted(tmp_path, train={"a": 1}, val={"a": 1}, valid={"a": 1})
    with pytest.raises(DataError, match=r"val and .*valid are both named for 'val'"):
        tree(tmp_path)


def test_a_train_beside_a_car_is_a_class(tmp_path):
    assert [one.name for one in tree(write(tmp_path, {"train": 2, "car": 2})).whole] == ["car", "train"]


def test_a_split_of_pictures_without_classes_is_refused(tmp_path):
    write(tmp_path, {"train": 2, "test": 2})
    with pytest.raises(
        DataError, match=r"train holds no class folders; expected .*train/CLASS/\*\.jpg.*cnncli predict"
    ):
        tree(tmp_path)


def test_what_is_no_picture_is_counted_and_what_is_hidden_is_not(tmp_path):
    parted(tmp_path, train={"a": 2})
    inside = tmp_path / "train" / "a"
    for path in (inside / "a.txt", inside / "b.CSV", tmp_path / "train" / "loose.png", tmp_path / "README"):
        path.write_text("")
    (inside / ".DS_Store").write_text("")
    (inside / ".cache").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "labels").mkdir()
    os.mkfifo(inside / "pipe.png")
    found = tree(tmp_path)
    assert names(found.splits["train"]) == {"a": ["0.png", "1.png"]}
    assert (found.ignored, found.aside) == (5, ("labels",))


def test_folders_inside_a_class_belong_to_it_and_links_end(tmp_path):
    write(tmp_path, {"a": 1})
    deep = tmp_path / "a" / "more" / "and more"
    deep.mkdir(parents=True)
    picture(5).save(deep / "z.JPG")
    (deep / "up").symlink_to(tmp_path / "a")
    (deep / "nowhere.png").symlink_to("absent")
    (deep / "self").symlink_to("self")
    (one,) = tree(tmp_path).whole
    assert [str(path.relative_to(tmp_path / "a")) for path in one.pictures] == [
        "0.png",
        "more/and more/nowhere.png",
        "more/and more/z.JPG",
    ]
    assert one.others == 1


def test_a_name_written_in_two_ways_is_refused(tmp_path):
    write(tmp_path, {"caf\u00e9": 1, "cafe\u0301": 1})
    with pytest.raises(DataError, match="two folders named 'caf\u00e9', written differently"):
        tree(tmp_path)


def test_a_folder_without_folders_is_none_of_images(tmp_path):
    picture(0).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"holds no class folders; expected .*/CLASS/\*\.jpg or .*/train/CLASS/\*\.jpg"):
        tree(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_said(tmp_path):
    write(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "b").chmod(0)
    with pytest.raises(DataError, match=r"b: cannot be read: Permission denied"):
        tree(tmp_path)


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    write(tmp_path, {"a": 1, "b": 1})
    listed = type(tmp_path).iterdir

    def forbidden(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", forbidden)
    with pytest.raises(DataError, match=r"b: cannot be read: Permission denied"):
        tree(tmp_path)
