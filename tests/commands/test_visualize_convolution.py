"""`cnncli visualize convolution`: an animation or one of its frames, without a run."""

import pytest
from PIL import Image


def test_an_animation_without_any_flag(cli, tmp_path):
    answer = cli("visualize", "convolution")
    assert (answer.code, answer.out) == (0, "convolution.gif\n"), answer.err
    assert answer.err.startswith("emboss over a digit 5 of 0 to 16; the window has 6x6 places.\nWhat networks call a")
    with Image.open(tmp_path / "convolution.gif") as picture:
        assert (picture.format, picture.n_frames, picture.info["loop"]) == ("GIF", 8 + 36, 0)
        assert picture.info["comment"].startswith(b"Software: cnncli")
    again = cli("visualize", "convolution")
    assert again.code == 2
    assert again.err.startswith("error: convolution.gif exists already")
    assert cli("visualize", "convolution", "--force", "--stride", 3, "--kernel", "edge").code == 0


def test_a_frame_of_numbers_over_a_photograph(cli, tmp_path):
    words = ("--kernel", "-1,0,1", "--image", "flower", "--size", 9, "--pad", "1x0", "--stride", "2x1")
    answer = cli("visualize", "convolution", *words, "--frame", "first")
    assert (answer.code, answer.out) == (0, "convolution.png\n"), answer.err
    assert "kernel over flower of 9x9 pixels, 0 to 255; the window has 6x7 places." in answer.err
    last, seventh = (tmp_path / name for name in ("last.png", "seven.png"))
    assert cli("visualize", "convolution", *words, "--out", last).out == f"{last}\n"
    assert cli("visualize", "convolution", *words, "--out", seventh, "--frame", 42).code == 0
    first, seventh, last = (Image.open(name) for name in (tmp_path / "convolution.png", seventh, last))
    assert first.text.keys() == {"Software", "Command", "Versions"}
    assert first.tobytes() != last.tobytes() == seventh.tobytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--kernel", "embos"), 2, "--kernel: no 'embos'; did you mean 'emboss'?"),
        (("--kernel", "1,nan"), 2, "--kernel is '1,nan'; expected rows of numbers such as '1,0,-1;2,0,-2'"),
        (("--kernel", "1,2;3"), 2, "the kernel has 2 rows of 1 and 2 numbers; expected 1 to 7 rows"),
        (("--stride", "0"), 2, "stride is 0; expected a whole number of at least 1"),
        (("--image", "flower", "--size", "40"), 2, "the window has 38 x 38 places; expected at most 256"),
        (("--image", "flower", "--size", "2"), 2, "height: impossible: a window of 3 on an input of 2"),
        (("--image", "flower", "--index", "1"), 2, "--image brings its own image; leave --index out"),
        (("--index", "360"), 2, "--index 360: there are 360 digits, 0 to 359"),
        (("--size", "9"), 2, "--size belongs to --image: the digits have 8x8 pixels"),
        (("--image", "none.png"), 3, "there is no picture none.png"),
        (("--frame", "37"), 2, "--frame is '37'; expected first, last, or a number from 1 to 36"),
        (("--frame", "0"), 2, "--frame is '0'; expected first, last, or a number from 1 to 36"),
        (("--frame", "1", "--out", "a.gif"), 2, "--out a.gif: expected a name ending in .png"),
        (("--out", "a.jpg"), 2, "--out a.jpg: expected a name ending in .gif or .png"),
    ],
)
def test_mistakes_cost_a_line_and_leave_nothing(cli, tmp_path, words, code, said):
    answer = cli("visualize", "convolution", *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {said}"), answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
