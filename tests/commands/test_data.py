import numpy as np
import pytest
from PIL import Image

from cnncli.data.augment import WORDS

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def truncated(tmp_path):
    """A folder of MNIST's files, all cut short."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.gz").write_bytes(b"\x1f\x8b\x08\x00")
    return folder


def test_whole_files_are_ok_and_said_without_noise(cli, real_data):
    answer = cli("data", "check", real_data / "mnist", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["schema"] == "cnncli.check/1"
    assert [one["ok"] for one in answer.json["files"]] == [True] * 4


def test_truncated_files_are_named(cli, truncated):
    answer = cli("data", "check", truncated)
    assert answer.code == 3
    assert "truncated: expected 9,912,422 bytes, found 4" in answer.out
    assert answer.err.startswith("error: 4 of 4 files are not as published, first train-images-idx3-ubyte.gz")


def test_a_name_in_brackets_is_shown_as_it_is(cli, truncated):
    folder = truncated.rename(truncated.parent / "[red]")
    assert cli("data", "check", folder).code == 3
    assert "[red]/train-images" in cli("train", "lenet5", "--dataset", "mnist", "--data-dir", folder).err


def test_training_on_truncated_files_makes_no_run(cli, truncated, tmp_path):
    answer = cli("train", "lenet5", "--dataset", "mnist", "--data-dir", truncated.parent)
    assert (answer.code, answer.out) == (3, "")
    assert "train-images-idx3-ubyte.gz" in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [("check", "absent"), ("check", "."), ("fetch", "mnist", "--offline")])
def test_missing_data_is_exit_3(cli, words, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path / "none"))
    answer = cli("data", *words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.count("\n") == 1


def test_an_unknown_dataset_is_a_mistake_with_the_nearest(cli):
    answer = cli("data", "fetch", "minst")
    assert answer.code == 2
    assert "did you mean 'mnist'" in answer.err


def picture(path):
    with Image.open(path) as found:
        assert found.format == "PNG"
        return np.asarray(found.convert("RGB"))


def test_show_draws_images_of_each_class_and_says_where(cli, tmp_path):
    answer = cli("data", "show", "digits", "--count", 2)
    assert (answer.code, answer.out, answer.err) == (0, "digits.png\n", "")
    two = picture(tmp_path / "digits.png")
    cli("data", "show", "digits", "--count", 4, "--out", "four.png")
    # Two more images of 96 pixels and the blanks between.
    assert picture("four.png").shape[1] == two.shape[1] + 2 * (96 + 6)
    assert picture("four.png").shape[0] == two.shape[0]


def test_show_draws_what_augmentation_makes_of_images(cli, tmp_path):
    words = ("data", "show", "digits", "--count", 4, "--augment")
    for text, name in (("none", "none.png"), ("mirror(probability=1.0)", "mirror.png"), ("mixup", "mixup.png")):
        answer = cli(*words, text, "--out", name)
        assert (answer.code, answer.out, answer.err) == (0, f"{name}\n", "")
    none, mirror, mixup = (picture(tmp_path / f"{name}.png") for name in ("none", "mirror", "mixup"))
    assert none.shape == mirror.shape
    # The originals are the same, the versions are not; what mixup would have learned stands below each.
    assert np.array_equal(none[60:, :140], mirror[60:, :140])
    assert not np.array_equal(none[60:, 160:], mirror[60:, 160:])
    assert mixup.shape[0] > none.shape[0] + 100


def test_show_brings_images_to_another_size(cli):
    assert cli("data", "show", "digits", "--count", 1, "--input", "12x16", "--split", "test").code == 0
    # Ten rows of 12 pixels six times enlarged, the blanks between, a title and a margin.
    assert picture("digits.png").shape[0] == 10 * (12 * 6 + 6) - 6 + 22 + 2 * 16


def test_show_never_overwrites_a_picture_unless_told_to(cli, tmp_path):
    (tmp_path / "digits.png").write_text("mine")
    answer = cli("data", "show", "digits")
    assert (answer.code, answer.out) == (2, "")
    assert "digits.png exists already; choose another with --out, or --force to overwrite it" in answer.err
    assert (tmp_path / "digits.png").read_text() == "mine"
    assert cli("data", "show", "digits", "--count", 1, "--force").code == 0
    assert picture("digits.png").size
    assert [file.name for file in tmp_path.iterdir()] == ["digits.png"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("digit",), 2, "no dataset named 'digit'; did you mean 'digits'?"),
        (("digits", "--split", "val"), 2, "no split named 'val': expected 'train' or 'test'"),
        (("digits", "--augment", "miror"), 2, "--augment: no augmentation 'miror'; did you mean 'mirror'?"),
        (("digits", "--augment", "crop(4)"), 2, "--augment is 'crop(4)'; expected values as in TOML"),
        (("digits", "--augment", ""), 2, "--augment is ''; expected names"),
        (("digits", "--count", "0"), 2, "--count"),
        (("digits", "--count", "many"), 2, "--count is 'many'; expected"),
        (("digits", "--count", "1000000"), 2, "the picture would have"),
        (("digits", "--input", "9999"), 2, "the picture would have"),
        (("digits", "--input", "0"), 2, "--input is '0'; expected at least one pixel"),
        (("digits", "--input", "8x8x1"), 2, "--input is '8x8x1'; expected one number, or two joined by x"),
        (("digits", "--seed", "-1"), 2, "--seed"),
        (("digits", "--out", "digits.jpg"), 2, "--out digits.jpg: expected a name ending in .png"),
        (("digits", "--out", "absent/digits.png"), 2, "--out absent/digits.png: there is no folder"),
        (("mnist", "--data-dir", "absent"), 3, "absent"),
    ],
)
def test_a_mistake_in_show_costs_one_line_and_leaves_no_picture(cli, tmp_path, words, code, message):
    answer = cli("data", "show", *words)
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_exit_3(cli, tmp_path):
    (tmp_path / "taken.png").mkdir()
    answer = cli("data", "show", "digits", "--count", 1, "--out", "taken.png", "--force")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "error: the picture taken.png cannot be written: Is a directory\n"


def test_the_help_of_show_names_every_augmentation(cli):
    words = cli("data", "show", "--help").out.replace("│", " ").replace(",", " ").replace(".", " ").split()
    assert set(WORDS) - {"none"} <= set(words)
