"""`cnncli visualize filters`: a picture of a run's weights, without its data."""

import json

import pytest
from PIL import Image


def test_a_run_has_its_filters_drawn_without_its_data(cli, copy, tmp_path):
    facts = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**facts, "data": {"dir": "/nowhere", "read_from": "/nowhere"}}))
    answer = cli("visualize", "filters", copy)
    assert (answer.code, answer.out) == (0, "copy-filters.png\n"), answer.err
    assert answer.err.startswith("hidden: 128 templates of 8x8x1.\nMid-grey is 0, brighter positive and darker")
    with Image.open(tmp_path / "copy-filters.png") as picture:
        assert picture.size[0] > 1000
        assert picture.text["Run"] == str(copy)
        assert {"Command", "Checkpoint", "Seed", "Versions", "Software"} <= set(picture.text)


def test_fewer_filters_on_one_scale(cli, trained, tmp_path):
    answer = cli("visualize", "filters", trained, "--count", 3, "--norm", "shared", "--out", "a.png")
    assert (answer.code, answer.out) == (0, "a.png\n")
    assert answer.err == (
        "hidden: the first 3 of 128 templates of 8x8x1.\n"
        "Mid-grey is 0, brighter positive and darker negative, all on one scale.\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--layer", "output"), 2, "--layer output: a dense layer that sees 128 values, not the image, so that"),
        (("--layer", "relu1"), 2, "--layer relu1: a layer 'activation', which has no filters; expected hidden"),
        (("--layer", "hiden"), 2, "--layer: mlp has no layer 'hiden'; did you mean 'hidden'?"),
        (("--norm", "none"), 2, "--norm is 'none'; expected image or shared"),
        (("--out", "a.jpg"), 2, "--out a.jpg: expected a name ending in .png"),
        (("--out", "none/a.png"), 2, "--out none/a.png: there is no folder"),
        (("--checkpoint", "first"), 2, "--checkpoint is 'first'"),
    ],
)
def test_mistakes_cost_a_line_and_leave_nothing(cli, trained, tmp_path, words, code, said):
    answer = cli("visualize", "filters", trained, *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {said}"), answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
