"""Folders of images, through every command that takes a dataset."""

import json
import shutil
import tomllib

import pytest
from PIL import Image

from cnncli.data.dataset import load
from tests.commands.conftest import at_terminal
from tests.data.folders import parted, picture, write


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The digits of scikit-learn as PNG files, in their own splits."""
    root = tmp_path_factory.mktemp("folders") / "my digits"
    for split in ("train", "test"):
        data = load("digits", split).split
        for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            folder = root / split / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
    return root


SMALL = ("--epochs", 2, "--set", "batch_size=8", "--device", "cpu")


def facts_of(run):
    return json.loads((run / "run.json").read_text())


def test_a_folder_is_trained_and_evaluated_as_the_dataset_it_was_made_of(cli, digits, tmp_path):
    answer = cli("train", "mlp", "--dataset", digits, "--input", 8, "--epochs", 10, "--augment", "none")
    assert (answer.code, answer.out) == (0, "runs/mlp-my-digits-1\n"), answer.err
    run = tmp_path / "runs" / "mlp-my-digits-1"
    recipe, data = tomllib.loads((run / "recipe.toml").read_text()), facts_of(run)["data"]
    assert recipe["dataset"] == facts_of(run)["dataset"] == str(digits)
    assert (data["read_from"], data["shape"], data["classes"]) == (str(digits / "train"), [8, 8, 1], list("0123456789"))
    assert (data["skip_bad"], data["skipped"], data["mean"]) == (False, 0, pytest.approx([0.305434], abs=1e-6))
    own, same = cli("eval", run, "--json").json, cli("eval", run, "--dataset", "digits", "--json").json
    assert own["dataset"] == str(digits) and same["dataset"] == "digits"
    assert (own["count"], own["confusion"]) == (360, same["confusion"])
    assert own["accuracy"] == same["accuracy"] > 0.93


def test_a_run_on_a_dataset_is_evaluated_on_a_folder_of_its_images(cli, trained, digits):
    own = cli("eval", trained, "--json").json
    assert cli("eval", trained, "--dataset", digits, "--json").json["confusion"] == own["confusion"]


def test_a_run_goes_on_only_with_the_images_it_began_with(cli, tmp_path):
    root = parted(tmp_path / "few", train={"a": 20, "b": 20}, test={"a": 4, "b": 4})
    stopped = cli("train", "mlp", "--dataset", "few", *SMALL, "--until", 0.01, "--out", "run")
    assert (stopped.code, stopped.out) == (0, "run\n"), stopped.err
    shutil.copytree("run", "again")
    write(root / "test", {"a": 1}, first=5000)
    assert cli("train", "--resume", "run").out == "run\n"
    write(root / "train", {"a": 1}, first=6000)
    changed = cli("train", "--resume", "again")
    assert (changed.code, changed.out) == (3, "")
    assert changed.err == f"error: the images in {root} are no longer those that this run began with; train anew\n"


def test_bad_images_are_refused_or_skipped_and_remembered(cli, tmp_path):
    root = parted(tmp_path / "few", train={"a": 10, "b": 10}, test={"a": 4, "b": 4})
    for split in ("train", "test"):
        (root / split / "a" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    refused = cli("train", "mlp", "--dataset", root, *SMALL)
    assert (refused.code, refused.out) == (3, "")
    assert f"1 of 21 images of {root} cannot be read: train/a/bad.jpg; mend or remove them" in refused.err
    assert refused.err.count("\n") == 1 and not (tmp_path / "runs").exists()
    done = cli("train", "mlp", "--dataset", root, *SMALL, "--skip-bad", "--until", 0.01)
    assert (done.code, done.out) == (0, "runs/mlp-few-1\n"), done.err
    assert f"note: 1 of 21 images of {root} cannot be read: train/a/bad.jpg: skipped\n" in done.err
    run = tmp_path / "runs" / "mlp-few-1"
    assert (facts_of(run)["data"]["skip_bad"], facts_of(run)["data"]["skipped"]) == (True, 1)
    resumed, evaluated = cli("train", "--resume", run), cli("eval", run, "--json")
    assert resumed.code == 0 and "1 of 21 images" in resumed.err
    assert evaluated.json["count"] == 8 and "note: 1 of 9 images" in evaluated.err
    shown = cli("visualize", "mistakes", run)
    assert shown.code in (0, 1) and "note: 1 of 9 images" in shown.err
    other = cli("eval", run, "--dataset", shutil.copytree(root, tmp_path / "other"))
    assert other.code == 3 and "--skip-bad" in other.err
    assert cli("eval", run, "--dataset", tmp_path / "other", "--skip-bad", "--json").json["count"] == 8


def test_a_folder_without_splits_says_how_it_was_split(cli, tmp_path):
    root = write(tmp_path / "whole", {"a": 30, "b": 30})
    answer = cli("train", "mlp", "--dataset", root, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["recipe"]["dataset"] == str(root)
    assert [step["name"] for step in answer.json["recipe"]["augment"]] == ["mirror"]
    assert "whole has no folder for testing" in answer.err


def test_labels_follow_the_names_of_classes(cli, tmp_path):
    parted(tmp_path / "three", train={"a": 10, "b": 10, "c": 10}, test={"a": 2, "b": 3, "c": 4})
    assert cli("train", "mlp", "--dataset", "three", *SMALL, "--out", "run").code == 0
    write(tmp_path / "two" / "test", {"c": 4, "b": 3})
    found = {one["class"]: one["count"] for one in cli("eval", "run", "--dataset", "two", "--json").json["per_class"]}
    assert found == {"a": 0, "b": 3, "c": 4}
    shutil.move("three", "moved")
    gone = cli("eval", "run")
    assert (gone.code, gone.err.count("\n")) == (3, 1) and "where it has moved, add --dataset DIR" in gone.err
    assert cli("eval", "run", "--dataset", "moved", "--json").json["count"] == 9


def test_the_images_of_a_folder_are_shown(cli, tmp_path):
    write(tmp_path / "my few", {"a": 30, "b": 30})
    answer = cli("data", "show", "./my few", "--count", 3)
    assert (answer.code, answer.out) == (0, "my-few.png\n"), answer.err
    with Image.open(tmp_path / "my-few.png") as shown:
        assert shown.width > 3 * 96


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("train", "mlp", "--dataset", "./absent"), 3, "absent: no such folder"),
        (("train", "mlp", "--dataset", "few/train/a"), 3, "holds no class folders; expected"),
        (("train", "mlp", "--dataset", "few", "--data-dir", "."), 2, "--data-dir is for datasets known by name"),
        (("train", "mlp", "--dataset", "digits", "--skip-bad"), 2, "--skip-bad is for folders of images"),
        (("train", "mlp", "--dataset", "few", "--only", "a,x"), 2, "has no class 'x'"),
        (("train", "mlp", "--dataset", "few", "--input", "8x8x2"), 2, "the network takes 2 channels"),
        (("data", "fetch", "./few"), 2, "./few is a folder of images; there is nothing to fetch"),
        (("data", "show", "few", "--split", "val"), 2, "no split named 'val'"),
    ],
)
def test_a_mistake_costs_one_line(cli, tmp_path, words, code, said):
    parted(tmp_path / "few", train={"a": 10, "b": 10}, test={"a": 2, "b": 2})
    answer = cli(*words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err and answer.err.count("\n") == 1, answer.err


def test_check_says_what_is_wrong_with_a_folder(cli, tmp_path):
    root = parted(tmp_path / "few", train={"a": 12, "b": 1}, test={"a": 2, "b": 2})
    sound = cli("data", "check", root)
    assert (sound.code, sound.err) == (0, "")
    lines = [line.split() for line in sound.out.splitlines()]
    assert lines[:4] == [["class", "train", "test"], ["a", "12", "2"], ["b", "1", "2"], ["total", "13", "4"]]
    assert "heights 6, widths 8 pixels" in sound.out and "class 'a' has 12 times the images of 'b'" in sound.out
    shutil.copy(root / "train" / "a" / "0.png", root / "test" / "a" / "leak.png")
    for number in range(12):
        (root / "test" / "b" / f"bad {number}.png").write_text("")
    wrong = cli("data", "check", root, "--json")
    assert wrong.code == 3
    assert wrong.err == (
        f"error: {root} has 13 problems, first test/b/bad 0.png: it is no picture that can be read, or it is damaged\n"
    )
    document = wrong.json
    assert (document["schema"], document["ok"], document["images"]) == ("cnncli.images/1", False, 30)
    assert [issue["kind"] for issue in document["issues"]] == [
        *["unreadable"] * 12,
        "duplicate across splits",
        "imbalance",
    ]
    assert document["issues"][12]["paths"] == ["train/a/0.png", "test/a/leak.png"]
    out = cli("data", "check", root).out
    assert out.count("it is no picture") == 10 and "unreadable: 12, of which 10 are shown; --json has all" in out


def test_check_cuts_nothing_at_a_narrow_terminal(tmp_path):
    write(tmp_path / "few", {"a class with quite a long name": 2, "b": 2})
    picture(0).save(tmp_path / "few" / "b" / "program.eps")
    shown = at_terminal(40, "data", "check", tmp_path / "few", NO_COLOR="1")
    assert shown.code == 3
    assert "…" not in shown.out and "PostScript" in shown.out


def test_an_empty_dataset_is_neither_this_folder_nor_the_runs_own(cli, trained):
    for words in (("eval", trained), ("train", "mlp")):
        answer = cli(*words, "--dataset", "")
        assert (answer.code, answer.out) == (2, "")
        assert "no dataset named ''" in answer.err
