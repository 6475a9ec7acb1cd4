"""`cnncli visualize embedding` on a trained run."""

import pytest
from PIL import Image

WORDS = ("visualize", "embedding", "--device", "cpu")


def test_both_ways_draw_a_picture(cli, trained, tmp_path):
    answer = cli(*WORDS, trained, "--by", "pca")
    assert (answer.code, answer.out) == (0, "mlp-embedding.png\n")
    assert answer.err.startswith("360 images of 10 classes by 128 features at relu1: two principal components with ")
    answer = cli(*WORDS, trained, "--images", 60, "--out", "tsne.png")
    assert (answer.code, answer.out) == (0, "tsne.png\n")
    assert "60 images of 10 classes by 128 features at relu1: t-SNE keeps neighbours together" in answer.err
    with Image.open(tmp_path / "tsne.png") as picture:
        assert (picture.text["Run"], picture.text["Seed"]) == (str(trained), "0")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--by umap", "--by is 'umap'; expected pca or tsne"),
        ("--layer relu9", "--layer: mlp has no layer 'relu9'; did you mean 'relu1'"),
        ("--images 3", "3 images by 128 values at relu1 have no shape to show; expected at least 5 images"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, said):
    answer = cli(*WORDS, trained, *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []
