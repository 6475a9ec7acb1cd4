"""`cnncli visualize maps`: what a run makes of an image."""

import numpy as np
import pytest
from PIL import Image


def test_maps_along_the_network_of_an_image_drawn_by_its_seed(cli, trained, tmp_path):
    answer = cli("visualize", "maps", trained)
    assert (answer.code, answer.out) == (0, "mlp-maps.png\n"), answer.err
    assert answer.err == "Scaled from black, the least value, to white, the greatest, each map by itself.\n"
    with Image.open(tmp_path / "mlp-maps.png") as picture:
        assert picture.text["Command"].startswith("cnncli")
        assert picture.text["Seed"] == "0"
        first = np.asarray(picture)
    cli("visualize", "maps", trained, "--out", "again.png")
    cli("visualize", "maps", trained, "--out", "other.png", "--seed", 1)
    again, other = (np.asarray(Image.open(tmp_path / name)) for name in ("again.png", "other.png"))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_one_layer_for_one_picture(cli, trained, tmp_path):
    Image.fromarray(np.full((40, 30, 3), 90, np.uint8)).save(tmp_path / "grey.jpg")
    answer = cli("visualize", "maps", trained, "--layer", "hidden", "--image", "grey.jpg", "--norm", "shared")
    assert (answer.code, answer.out) == (0, "mlp-maps.png\n"), answer.err
    assert "all maps of a layer alike" in answer.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--layer", "c1"), 2, "--layer: mlp has no layer 'c1'"),
        (("--index", "3,4"), 2, "maps shows one image, 2 are given; expected one --image or --index"),
        (("--index", "99999"), 2, "--index 99999: the split has 360 images, 0 to 359"),
        (("--image", "none.png"), 3, "there is no picture none.png"),
        (("--class", "eleven"), 2, "--class: no 'eleven'"),
        (("--norm", "map"), 2, "--norm is 'map'; expected image or shared"),
    ],
)
def test_mistakes_cost_a_line_and_leave_nothing(cli, trained, tmp_path, words, code, said):
    answer = cli("visualize", "maps", trained, *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {said}"), answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
