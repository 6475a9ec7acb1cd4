"""What the methods of `cnncli visualize` share: runs opened, images chosen, files checked before anything is drawn."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, numbers, target
from cnncli.errors import DataError, UsageError


def place(**given):
    return Place(source=Source(None, "cpu", False), **given)


@pytest.fixture(scope="module")
def view(trained):
    return look(trained, "method", place(), seed=3)


def test_a_run_is_opened_with_its_data(view, trained):
    assert (view.name, view.dataset, view.facts.name) == ("mlp", "digits", "digits")
    assert view.data.split.images.shape == (360, 8, 8, 1)
    assert view.subject.network.name == "mlp"
    accuracy = (view.subject.logits(view.data.split.images).argmax(axis=1) == view.data.split.labels).mean()
    assert accuracy > 0.8


def test_the_data_is_read_when_it_is_asked_for(trained, monkeypatch):
    def fails(*_, **__):
        raise AssertionError("read")

    monkeypatch.setattr(looking, "split_of", fails)
    view = look(trained, "method", place())
    assert (view.facts.classes[3], view.subject.network.input) == ("3", (8, 8, 1))
    with pytest.raises(AssertionError, match="read"):
        _ = view.data


def test_a_name_is_the_folders_whatever_it_is_called_by(trained, monkeypatch):
    monkeypatch.chdir(trained)
    assert look(Path(), "method", place()).name == "mlp"


def test_a_picture_says_where_it_comes_from(view, trained, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cnncli", "visualize", "method", "a run"])
    about = view.about
    assert about["Command"] == "cnncli visualize method 'a run'"
    assert (about["Run"], about["Seed"]) == (str(trained), "3")
    slot, step, digest = about["Checkpoint"].split(", ")
    assert (slot, step.startswith("step "), len(digest.removeprefix("SHA-256 "))) == ("best", True, 64)
    assert about["Versions"].startswith("cnncli ")


def test_images_are_picked_by_chance_by_place_by_class_or_from_files(view, tmp_path):
    assert view.picked(10).labels == tuple(range(10))
    assert view.picked(4, index="7, 5").places == (7, 5)
    assert view.picked(4, label="6").labels == (6, 6, 6, 6)
    Image.fromarray(np.full((30, 30), 99, np.uint8)).save(tmp_path / "own.png")
    assert view.picked(4, files=[str(tmp_path / "own.png")]).images.tolist() == np.full((1, 8, 8, 1), 99).tolist()


def test_a_seed_decides_which_images(trained, view):
    assert look(trained, "method", place(), seed=3).picked(10).places == view.picked(10).places
    assert look(trained, "method", place(), seed=4).picked(10).places != view.picked(10).places


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"files": ["china"], "index": "3"}, "--image brings its own image; leave --index and --class out"),
        ({"files": ["china"], "label": "3"}, "--image brings its own image"),
        ({"index": "360"}, "--index 360: the split has 360 images, 0 to 359"),
        ({"index": "3;4"}, "--index is '3;4'; expected numbers from 0, such as 3 or 3,5,8"),
        ({"label": "ten"}, "--class: no 'ten'"),
    ],
)
def test_images_that_there_are_not_are_said(view, given, said):
    with pytest.raises(UsageError, match=said):
        view.picked(1, **given)


@pytest.mark.parametrize("text", ["", "-1", "3,", "1.5", "٣"])
def test_numbers_are_whole(text):
    assert numbers("3, 5,08") == [3, 5, 8]
    with pytest.raises(UsageError, match="--index is"):
        numbers(text)


def test_a_run_without_what_is_wanted_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match="--checkpoint is 'first'; expected best or last"):
        look(trained, "method", place(checkpoint="first"))
    with pytest.raises(UsageError, match="no split named 'dev'"):
        _ = look(trained, "method", place(split="dev")).data
    with pytest.raises(UsageError, match="no dataset named 'digit'"):
        _ = look(trained, "method", place(dataset="digit")).data
    with pytest.raises(DataError, match="no run folder"):
        look(tmp_path / "none", "method", place())
    bare = shutil.copytree(trained, tmp_path / "bare", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(DataError, match="has no checkpoint yet; train it with: cnncli train --resume"):
        look(Path(bare), "method", place())


def test_another_dataset_must_go_with_the_network(trained, real_data):
    with pytest.raises(UsageError, match="mlp takes 1 channels and tells 10 classes; cifar10 has 3 and 10"):
        _ = look(trained, "method", Place(dataset="cifar10", source=Source(real_data, "cpu", False))).subject


def test_a_picture_is_named_after_run_and_method(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert target(None, Path("runs/a"), "maps", False) == Path("a-maps.png")
    assert target(None, None, "pooling", False, ".gif") == Path("pooling.gif")
    assert target(Path("own.PNG"), Path("a"), "maps", False) == Path("own.PNG")


def test_a_file_that_cannot_be_is_refused_before_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"--out a\.jpg: expected a name ending in \.png"):
        target(Path("a.jpg"), None, "maps", False)
    with pytest.raises(UsageError, match=r"--out no/a\.png: there is no folder .*/no$"):
        target(Path("no/a.png"), None, "maps", False)
    Path("a-maps.png").write_text("mine")
    with pytest.raises(UsageError, match=r"a-maps\.png exists already; choose another name with --out, or --force"):
        target(None, Path("a"), "maps", False)
    assert target(None, Path("a"), "maps", True) == Path("a-maps.png")
    Path("folder.png").mkdir()
    with pytest.raises(UsageError, match=r"--out folder\.png: it is a folder; choose another name"):
        target(Path("folder.png"), None, "maps", True)
    # Root may write anywhere, so that the mode of a folder alone would not do.
    monkeypatch.setattr(looking.os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"--out b\.png: it is in a folder that cannot be written"):
        target(Path("b.png"), None, "maps", True)


def test_the_path_is_the_result_and_sentences_are_remarks(capsys):
    looking.shown(Path("a-maps.png"), "one", "two")
    assert tuple(capsys.readouterr()) == ("a-maps.png\n", "one\ntwo\n")
