"""`cnncli visualize saliency`: a sheet of attributions, their values, the test of them, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from cnncli.commands.visualize.saliency import _methods
from cnncli.errors import UsageError
from cnncli.networks.catalogue import find


def test_every_method_that_makes_sense_is_a_column(cli, trained, tmp_path):
    words = ("visualize", "saliency", trained, "--count", 2, "--save", "values.npz", "--seed", 3)
    answer = cli(*words)
    assert (answer.code, answer.out) == (0, "mlp-saliency.png\n")
    left_out, complete, values = answer.err.splitlines()
    assert left_out == "left out: grad-cam (about feature maps, and mlp has none)"
    assert complete.startswith("integrated gradients: their sums miss the score's change")
    assert values == "the maps' values are in values.npz"
    with Image.open(tmp_path / "mlp-saliency.png") as picture:
        assert picture.text["Seed"] == "3"
        assert "SHA-256" in picture.text["Checkpoint"]
    with np.load("values.npz") as found:
        methods = {"gradient", "guided", "deconv", "smoothgrad", "integrated", "occlusion"}
        assert methods < set(found)
        assert all(found[method].shape[:3] == (2, 8, 8) for method in methods)
        # Rectified on the way back, nothing but what was active: a part of what the DeconvNet lets through.
        assert not np.array_equal(found["guided"], found["deconv"])


def test_images_of_the_split_and_a_class_can_be_asked_for(cli, trained):
    words = ("--index", "5,7,5", "--class", 3, "--by", "occlusion, gradient", "--save", "a.npz", "--window", 8)
    answer = cli("visualize", "saliency", trained, *words, "--signed", "--norm", "shared", "--out", "a.png")
    assert (answer.code, answer.out) == (0, "a.png\n")
    with np.load("a.npz") as found:
        assert found["explained"].tolist() == [3, 3, 3]
        assert [name.split()[0] for name in found["paths"]] == ["#5", "#7", "#5"]
        np.testing.assert_array_equal(found["gradient"][0], found["gradient"][2])
        # A patch over the whole image leaves one value everywhere.
        assert (found["occlusion"] == found["occlusion"][:, :1, :1]).all()


def test_a_picture_of_ones_own_is_explained(cli, trained, tmp_path):
    Image.fromarray(np.full((30, 20, 3), 128, np.uint8)).save("mine.png")
    answer = cli("visualize", "saliency", trained, "--image", "mine.png", "--by", "gradient", "--save", "a.npz")
    assert (answer.code, answer.err) == (0, "the maps' values are in a.npz\n")
    with np.load("a.npz") as found:
        assert found["paths"].tolist() == ["mine.png"]
        assert found["labels"].tolist() == [-1]


def test_sanity_draws_what_is_left_and_says_it(cli, trained, tmp_path):
    words = ("--sanity", "--count", 2, "--by", "gradient,guided", "--save", "a.npz")
    answer = cli("visualize", "saliency", trained, *words)
    assert (answer.code, answer.out) == (0, "mlp-sanity.png\n")
    assert answer.err.startswith("rank correlation with the original maps")
    assert "guided backprop" in answer.err
    with np.load("a.npz") as found:
        assert found["sanity/guided"].shape == (2, 2)
        assert found["sanity/layers"].tolist() == ["output", "hidden"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--by guide", "--by: no method 'guide'; did you mean 'guided'"),
        ("--by gradient,", "--by: no method ''"),
        ("--by grad-cam", "--by: grad-cam is about feature maps, and mlp has none; expected gradient, guided, deconv"),
        ("--norm column", "--norm is 'column'; expected image, shared or none"),
        ("--baseline red", "--baseline is 'red'; expected black, grey or white"),
        ("--noise inf", "--noise is inf; expected a share of the pixels' range"),
        ("--window 9", "--window is 9; expected at most 8"),
        ("--window 2 --stride 3", "--stride is 3; expected at most the patch's 2"),
        ("--layer hiden", "no layer 'hiden'; did you mean 'hidden'"),
        ("--layer hidden", "--layer hidden gives 128 values, and Grad-CAM weighs maps"),
        ("--save a.txt", "--save a.txt: expected a name ending in .npz"),
        ("--save no/a.npz", "--save no/a.npz: there is no folder"),
        ("--class eleven", "--class: no 'eleven'"),
        ("--index 1000", "--index 1000: the split has 360 images"),
        ("--out a.jpg", "--out a.jpg: expected a name ending in .png"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, said):
    answer = cli("visualize", "saliency", trained, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_files_that_exist_are_kept_unless_forced(cli, trained, tmp_path):
    (tmp_path / "a.npz").write_text("mine")
    words = ("visualize", "saliency", trained, "--by", "gradient", "--count", 1, "--save", "a.npz")
    answer = cli(*words)
    assert answer.err.startswith("error: a.npz exists already; choose another name with --save, or --force")
    assert (tmp_path / "a.npz").read_text() == "mine"
    assert cli(*words, "--force").code == 0
    assert (tmp_path / "a.npz").read_bytes().startswith(b"PK")


def test_rules_about_relus_are_left_out_or_refused_elsewhere():
    methods, said = _methods(None, find("lenet5"))
    assert methods == ["gradient", "smoothgrad", "integrated", "grad-cam", "occlusion"]
    assert said == ["left out: guided and deconv (about ReLUs, and lenet5 has tanh)"]
    with pytest.raises(UsageError, match=r"guided is about ReLUs, and lenet5 has tanh; .* such as lenet5-modern"):
        _methods("guided", find("lenet5"))
    _, said = _methods(None, find("linear"))
    assert said[0].endswith("; grad-cam (about feature maps, and linear has none)")
    assert _methods("occlusion,gradient,occlusion", find("linear")) == (["occlusion", "gradient"], [])
