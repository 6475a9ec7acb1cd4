"""`cnncli visualize patches` on trained runs."""

import pytest
from PIL import Image

from tests.commands.conftest import process

WORDS = ("visualize", "patches", "--device", "cpu")


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    """LeNet5, of tanh, after an epoch of digits."""
    out = tmp_path_factory.mktemp("runs") / "lenet"
    answer = process("train", "lenet5", "--dataset", "digits", "--epochs", 1, "--out", out, "--device", "cpu")
    assert answer.code == 0, answer.err
    return out


def test_a_picture_is_written_with_the_maps_and_the_images_that_were_looked_at(cli, trained, tmp_path):
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.out) == (0, "mlp-patches.png\n")
    with Image.open(tmp_path / "mlp-patches.png") as picture:
        assert picture.text["Run"] == str(trained)
        assert {"Command", "Checkpoint", "Seed", "Versions"} <= set(picture.text)
    for name, words in {"two.png": "--maps 3,7", "few.png": "--maps 3,7,3 --images 4"}.items():
        assert cli(*WORDS, trained, "--layer", "hidden", *words.split(), "--out", name).code == 0
    with Image.open("mlp-patches.png") as all, Image.open("two.png") as two, Image.open("few.png") as few:
        assert all.height > two.height
        assert two.width > few.width


def test_without_relus_the_gradient_goes_back_and_that_is_said(cli, lenet):
    answer = cli(*WORDS, lenet, "--images", 50)
    assert (answer.code, answer.out) == (0, "lenet-patches.png\n")
    assert answer.err == ("what goes back is the gradient: guided backpropagation is about ReLUs and lenet5 has tanh\n")
    assert cli(*WORDS, lenet, "--images", 50, "--rule", "gradient", "--out", "said.png").err == ""
    refused = cli(*WORDS, lenet, "--rule", "deconv", "--out", "no.png")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "the rule 'deconv' is about ReLUs and lenet5 has tanh; expected --rule gradient" in refused.err


@pytest.mark.parametrize("path", ["c1", "tanh2", "s4", "flatten1", "output"])
def test_any_layer_can_be_shown(cli, lenet, path):
    answer = cli(*WORDS, lenet, "--layer", path, "--maps", 0, "--images", 3, "--split", "train", "--out", "a.png")
    assert (answer.code, answer.out) == (0, "a.png\n"), answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--layer relu9", "--layer: mlp has no layer 'relu9'; did you mean 'relu1'"),
        ("--maps 128", "--maps 128: relu1 has 128 units, 0 to 127"),
        ("--maps some", "--maps is 'some'; expected all, or numbers from 0, such as 3 or 3,5,8"),
        ("--rule guide", "--rule: no 'guide'; did you mean 'guided'?"),
        ("--rule x", "--rule: no 'x'; known: deconv, gradient, guided"),
        ("--out a.svg", "--out a.svg: expected a name ending in .png"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, said):
    answer = cli(*WORDS, trained, *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []
