"""`cnncli visualize neighbours` on a trained run."""

import re

import pytest
from PIL import Image

WORDS = ("visualize", "neighbours", "--device", "cpu")


def test_a_picture_is_written_and_said(cli, trained, tmp_path):
    answer = cli(*WORDS, trained, "--images", 200)
    assert (answer.code, answer.out) == (0, "mlp-neighbours.png\n")
    shown, counted = answer.err.splitlines()
    share = r"by pixels [\d,]+ of {0} \(\d+\.\d%\), by features [\d,]+ of {0} \(\d+\.\d%\)"
    assert re.fullmatch("neighbours of the same class, of the 10 queries shown: " + share.format(50), shown)
    assert re.fullmatch("neighbours of the same class, of 200 drawn by chance: " + share.format("1,000"), counted)
    with Image.open(tmp_path / "mlp-neighbours.png") as picture:
        assert picture.text["Run"] == str(trained)
        assert {"Command", "Checkpoint", "Seed", "Versions"} <= set(picture.text)


def test_queries_layer_and_number_are_heeded(cli, trained, tmp_path):
    cli(*WORDS, trained, "--index", 3, "--neighbours", 2, "--layer", "hidden", "--out", "one.png")
    cli(*WORDS, trained, "--index", "3,4,5", "--neighbours", 4, "--layer", "hidden", "--out", "three.png")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "three.png") as three:
        assert (one.width < three.width, one.height < three.height) == (True, True)
    words = ("--neighbours", 2, "--images", 20, "--count", 1, "--seed", 5)
    for name in ("a.png", "b.png"):
        cli(*WORDS, trained, *words, "--out", name)
    with Image.open(tmp_path / "a.png") as one, Image.open(tmp_path / "b.png") as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--layer relu9", "--layer: mlp has no layer 'relu9'; did you mean 'relu1'"),
        ("--index 999", "--index 999: the split has 360 images"),
        ("--images 1", "--images is '1'; expected greater than or equal to 2"),
        ("--out a.svg", "--out a.svg: expected a name ending in .png"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, said):
    answer = cli(*WORDS, trained, *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []
