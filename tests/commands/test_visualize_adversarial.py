"""`cnncli visualize adversarial`: a sheet, a curve and their numbers from the command line."""

import shutil

import pytest
from PIL import Image

WORDS = ("--device", "cpu")


def adversarial(cli, run, *words):
    return cli("visualize", "adversarial", run, *words, *WORDS)


def test_a_run_alone_gives_a_sheet(cli, trained, tmp_path):
    answer = adversarial(cli, trained)
    assert (answer.code, answer.out) == (0, "mlp-adversarial.png\n"), answer.err
    assert answer.err.startswith("PGD in the L-infinity ball of 0.25 fools ")
    with Image.open(tmp_path / "mlp-adversarial.png") as picture:
        assert picture.height > 8 * 96
        assert picture.text["Run"] == str(trained)
        assert picture.text["Seed"] == "0"
        assert picture.text["Command"].startswith("cnncli")


def test_json_has_every_image_and_attack(cli, trained):
    words = ("--by", "fgsm,pgd,ascent", "--target", "3", "--ball", "l2", "--epsilon", "1/2", "--count", "4", "--json")
    answer = adversarial(cli, trained, *words)
    assert answer.code == 0, answer.err
    found = answer.json
    assert (found["schema"], found["picture"]) == ("cnncli.adversarial/1", "mlp-adversarial.png")
    assert [(one["by"], one["ball"], one["epsilon"], one["steps"], one["target"]) for one in found["attacks"]] == [
        ("fgsm", "l2", 0.5, 1, "3"),
        ("pgd", "l2", 0.5, 10, "3"),
        ("ascent", None, None, 200, "3"),
    ]
    assert [one["label"] for one in found["images"]] == ["0", "1", "2", "4"]
    for image in found["images"]:
        ascended = image["attacks"][2]
        assert ascended["predicted"] == "3"
        assert ascended["fooled"] == (image["predicted"] != "3")
        assert 0.1 < image["confidence"] <= 1


def test_the_same_seed_gives_the_same_bytes(cli, trained, tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        answer = adversarial(cli, trained, "--count", 2, "--seed", seed, "--out", tmp_path / f"{name}.png")
        assert answer.code == 0, answer.err
    one, two, other = (Image.open(tmp_path / f"{name}.png").tobytes() for name in ("one", "two", "other"))
    assert one == two != other


def test_a_curve_starts_at_what_eval_says(cli, trained, copy, tmp_path):
    answer = adversarial(cli, trained, "--epsilons", "0,0.05,0.2", "--count", 10_000, "--json")
    assert answer.code == 0, answer.err
    found, evaluated = answer.json, cli("eval", copy, "--json", *WORDS).json
    assert (found["count"], found["picture"]) == (evaluated["count"], "mlp-adversarial-curve.png")
    assert (tmp_path / "mlp-adversarial-curve.png").exists()
    assert [curve["by"] for curve in found["curves"]] == ["fgsm", "pgd"]
    for curve in found["curves"]:
        epsilons, accuracies = zip(*((one["epsilon"], one["accuracy"]) for one in curve["points"]), strict=True)
        assert epsilons == (0, 0.05, 0.2)
        assert accuracies[0] == evaluated["accuracy"]
        assert accuracies[0] > accuracies[1] > accuracies[2]
    assert "images without an attack" in answer.err


def test_a_curve_without_radii_ends_at_epsilon(cli, trained):
    found = adversarial(cli, trained, "--curve", "--by", "fgsm", "--epsilon", "8/255", "--count", 50, "--json").json
    assert [one["epsilon"] * 255 for one in found["curves"][0]["points"]] == pytest.approx([0, 1, 2, 3, 4, 6, 8])
    assert found["count"] == 50


def test_a_picture_of_a_file_is_attacked(cli, trained):
    answer = adversarial(cli, trained, "--image", "china", "--by", "ascent", "--json")
    assert answer.code == 0, answer.err
    (image,) = answer.json["images"]
    assert (image["image"], image["label"]) == ("china", None)
    assert image["attacks"][0]["predicted"] != image["predicted"]


REFUSED = {
    "--by fgms": "--by is 'fgms'; expected some of fgsm, pgd, ascent",
    "--by ascent --curve": "--by ascent has no ball, so there is no epsilon to draw against",
    "--by ascent --epsilon 0.1": "--epsilon is about the balls of fgsm and pgd",
    "--by fgsm --steps 3": "--steps is for pgd and ascent; fgsm makes a single one",
    "--ball l1": "--ball is 'l1'; expected linf or l2",
    "--epsilon 8": "--epsilon: '8' is no radius; expected a number up to 1, such as 0.03 or 8/255",
    "--epsilon nan": "--epsilon: 'nan' is no radius",
    "--epsilon 1/0": "--epsilon: '1/0' is no radius",
    "--epsilons 0,": "--epsilons: '' is no radius",
    "--epsilons 0": "--epsilons: 0 is no attack; expected a larger radius besides",
    "--epsilons 0.1 --epsilon 0.1": "--epsilon is the largest of the radii in --epsilons",
    "--curve --index 3": "a curve is about a whole split; leave --image, --index and --class out",
    "--target 10": "--target: no '10'",
    "--target 3 --class 3": "--target: all of the images are of this class already",
    "--out sheet.gif": "--out sheet.gif: expected a name ending in .png",
}


@pytest.mark.parametrize("words", REFUSED)
def test_mistakes_are_one_line(cli, trained, words, tmp_path):
    answer = adversarial(cli, trained, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert REFUSED[words] in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unless_forced(cli, trained, tmp_path):
    (tmp_path / "mlp-adversarial.png").write_text("mine")
    assert adversarial(cli, trained, "--count", 1).code == 2
    assert (tmp_path / "mlp-adversarial.png").read_text() == "mine"
    assert adversarial(cli, trained, "--count", 1, "--force").code == 0
    assert (tmp_path / "mlp-adversarial.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_a_checkpoint_is_refused(cli, copy):
    shutil.rmtree(copy / "checkpoints")
    answer = adversarial(cli, copy)
    assert answer.code == 3
    assert "has no checkpoint yet" in answer.err
