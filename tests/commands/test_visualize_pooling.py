"""`cnncli visualize pooling` and `activation`: pictures that need no run."""

import pytest
from PIL import Image


def test_pooling_of_a_photograph(cli, tmp_path):
    answer = cli("visualize", "pooling", "--size", 16)
    assert (answer.code, answer.out) == (0, "pooling.png\n"), answer.err
    assert answer.err.startswith("Each channel is pooled by itself.")
    with Image.open(tmp_path / "pooling.png") as picture:
        assert picture.text.keys() == {"Software", "Command", "Versions"}
        assert picture.size[0] > 4 * 256


def test_all_activations_or_some(cli, tmp_path):
    answer = cli("visualize", "activation")
    assert (answer.code, answer.out) == (0, "activation.png\n"), answer.err
    assert answer.err.startswith("sigmoid: derivative at most 0.25; tanh: derivative at most 1; scaled-tanh: deriva")
    assert cli("visualize", "activation", "relu", "tanh", "relu", "--out", "two.png").err == (
        "relu: derivative at most 1; tanh: derivative at most 1\n"
    )
    all_of_them, two = (Image.open(tmp_path / name).size for name in ("activation.png", "two.png"))
    assert all_of_them == (2 * two[0], 660)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pooling", "--image", "none.png"), 3, "there is no picture none.png"),
        (("pooling", "--size", "2"), 2, "--size is '2'; expected"),
        (("pooling", "--out", "a.gif"), 2, "--out a.gif: expected a name ending in .png"),
        (("activation", "relo"), 2, "no activation 'relo'; did you mean 'relu'"),
        (("activation", "--out", "none/a.png"), 2, "--out none/a.png: there is no folder"),
    ],
)
def test_mistakes_cost_a_line_and_leave_nothing(cli, tmp_path, words, code, said):
    answer = cli("visualize", *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {said}"), answer.err
    assert list(tmp_path.iterdir()) == []
