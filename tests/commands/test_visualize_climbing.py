"""`cnncli visualize maximize`, `dream` and `invert`: files, what they say, and what is refused."""

import numpy as np
import pytest
from PIL import Image

COMMON = ("Software", "Command", "Run", "Checkpoint", "Seed", "Versions")
# A few steps are enough to see a file.
QUICK = {
    "maximize": ("--steps", 3),
    "invert": ("--steps", 3, "--count", 2),
    "dream": ("--steps", 2, "--size", 16),
}
SAID = {
    "maximize": "In 3 steps scores of ",
    "invert": "Features came as near to the wanted ones, relative to their norm, as: relu1 ",
    "dream": "The network sees 8x8 pixels; larger pictures are looked at in tiles of that size.\nThe mean square of ",
}


@pytest.mark.parametrize("method", QUICK)
def test_a_picture_of_any_run(cli, trained, tmp_path, method):
    answer = cli("visualize", method, trained, *QUICK[method])
    assert (answer.code, answer.out) == (0, f"mlp-{method}.png\n"), answer.err
    assert answer.err.startswith(SAID[method])
    with Image.open(tmp_path / f"mlp-{method}.png") as picture:
        assert set(COMMON) <= set(picture.text)
    assert [file.name for file in tmp_path.iterdir()] == [f"mlp-{method}.png"]


@pytest.mark.parametrize("method", QUICK)
def test_a_gif_moves(cli, trained, tmp_path, method):
    answer = cli("visualize", method, trained, *QUICK[method], "--out", "a.gif")
    assert (answer.code, answer.out) == (0, "a.gif\n"), answer.err
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames > 1
        assert b"Checkpoint: " in picture.info["comment"]


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_same_seed_draws_the_same(cli, trained, tmp_path):
    for name, seed in (("a.png", 5), ("b.png", 5), ("c.png", 6)):
        assert cli("visualize", "maximize", trained, *QUICK["maximize"], "--seed", seed, "--out", name).code == 0
    assert np.array_equal(pixels("a.png"), pixels("b.png"))
    assert not np.array_equal(pixels("a.png"), pixels("c.png"))


WAYS = [
    "maximize --class 3 --class 5 --start mean --l2 0.1 --blur 0.5 --every 1 --decay 0.01 --centre 0.3",
    "maximize --class 3 --facets 2 --tv 0",
    "maximize --layer hidden --unit 0,127 --start zero --jitter 0",
    "maximize --layer relu1 --unit 3 --start mean",
    "invert --layer hidden,relu1 --layer output --index 3,5 --alpha 0 --tv 0",
    "invert --image flower",
    "dream --layer hidden,output --index 3 --octaves 1",
    "dream --image flower --size 12 --jitter 3 --octaves 2",
]


@pytest.mark.parametrize("words", WAYS)
def test_ways(cli, trained, words):
    method, *rest = words.split()
    answer = cli("visualize", method, trained, *rest, "--steps", 2)
    assert (answer.code, answer.out) == (0, f"mlp-{method}.png\n"), answer.err


REFUSED = [
    ("maximize --start middle", "--start is 'middle'; expected one of noise, zero, mean, facet"),
    ("maximize --facets 3 --start mean", "--facets starts from facets of a class, --start is mean"),
    ("maximize --layer hidden --facets 2", "facets are those of a class"),
    ("maximize --layer hidden --class 3", "--class is for classes, --layer for units of a layer"),
    ("maximize --unit 3", "--unit and --middle are for units of a layer; expected --layer besides"),
    ("maximize --layer hidde", "mlp has no layer 'hidde'; did you mean 'hidden'"),
    ("maximize --layer hidden --unit 128", "--unit 128: hidden has 128 units, 0 to 127"),
    ("maximize --layer hidden --unit a", "--unit is 'a'; expected numbers from 0, such as 3 or 3,5,8"),
    ("maximize --layer hidden --middle", "--middle: hidden gives a vector"),
    ("maximize --class eleven", "--class: no 'eleven'"),
    ("maximize --out a.pdf", "--out a.pdf: expected a name ending in .png or .gif"),
    ("maximize --steps 0", "--steps is '0'"),
    ("maximize --tv -1", "--tv is '-1'; expected"),
    ("invert --layer hidden,c1", "mlp has no layer 'c1'"),
    ("invert --image a.png --index 3", "--image brings its own image"),
    ("dream --layer ,", "mlp has no layer ''"),
    ("dream --index 3 --size 20", "--size is for pictures of files"),
    ("dream --index 9999", "--index 9999: the split has 360 images, 0 to 359"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, said):
    method, *rest = words.split()
    answer = cli("visualize", method, trained, *rest)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ") and said in answer.err and answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
