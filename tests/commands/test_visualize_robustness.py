"""`cnncli visualize robustness`: panels and their numbers from the command line."""

import pytest
from PIL import Image

WORDS = ("--device", "cpu")


def robustness(cli, run, *words):
    return cli("visualize", "robustness", run, *words, *WORDS)


def test_a_run_alone_gives_a_panel_for_each_change(cli, trained, tmp_path):
    answer = robustness(cli, trained, "--count", 40)
    assert (answer.code, answer.out) == (0, "mlp-robustness.png\n"), answer.err
    assert answer.err.startswith("Accuracy is ")
    assert "on 40 images as they are\nit " in answer.err
    with Image.open(tmp_path / "mlp-robustness.png") as picture:
        assert picture.size == (1260, 790)
        assert picture.text["Run"] == str(trained)


def test_without_a_change_accuracy_is_what_eval_says(cli, trained, copy):
    answer = robustness(cli, trained, "--by", "noise, shift,noise", "--count", 10_000, "--json")
    assert answer.code == 0, answer.err
    found, evaluated = answer.json, cli("eval", copy, "--json", *WORDS).json
    assert (found["schema"], found["picture"]) == ("cnncli.robustness/1", "mlp-robustness.png")
    assert (found["count"], found["accuracy"]) == (evaluated["count"], evaluated["accuracy"])
    assert (found["dataset"], found["split"], found["seed"]) == ("digits", "test", 0)
    noise, shift = found["changes"]
    assert (noise["change"], [one["strength"] for one in noise["points"]]) == ("noise", [0, 0.05, 0.1, 0.2, 0.3, 0.4])
    assert (shift["change"], [one["strength"] for one in shift["points"]]) == ("shift", [0, 1, 2])
    for change in found["changes"]:
        first, *_, last = change["points"]
        assert first["accuracy"] == evaluated["accuracy"]
        assert last["accuracy"] < first["low"] < first["accuracy"] < first["high"]


def test_the_same_seed_gives_the_same_bytes(cli, trained, tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        words = ("--by", "noise", "--count", 20, "--seed", seed, "--out", tmp_path / f"{name}.png")
        assert robustness(cli, trained, *words).code == 0
    one, two, other = (Image.open(tmp_path / f"{name}.png").tobytes() for name in ("one", "two", "other"))
    assert one == two != other


REFUSED = {
    "--by blurr": "--by: no change 'blurr'; expected some of shift, rotation, scale, blur, noise",
    "--split val": "no split named 'val': expected 'train' or 'test'",
    "--count 0": "--count",
    "--out a.svg": "--out a.svg: expected a name ending in .png",
    "--out no/a.png": "--out no/a.png: there is no folder",
}


@pytest.mark.parametrize("words", REFUSED)
def test_mistakes_are_one_line(cli, trained, words, tmp_path):
    answer = robustness(cli, trained, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert REFUSED[words] in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
