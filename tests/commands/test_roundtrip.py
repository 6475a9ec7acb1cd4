"""A run that is exported and imported again is the run it was."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from cnncli.runs.folder import RunFolder
from tests.commands.conftest import process

BRIEF = ("--epochs", 1, "--device", "cpu")


def exported(cli, run, file, *words):
    answer = cli("weights", "export", run, "--out", file, "--format", file.rpartition(".")[2], *words)
    assert (answer.code, answer.out) == (0, f"{file}\n"), answer.err
    return answer


def logits(cli, run, *pictures):
    answer = cli("predict", run, *pictures, "--features", cli.features, "--save", "f.npz", "--force")
    assert answer.code == 0, answer.err
    with np.load("f.npz") as saved:
        return saved["logits"]


def evaluated(cli, run, *words):
    found = cli("eval", run, "--json", *words).json
    return {key: found[key] for key in ("count", "correct", "accuracy", "loss") if key in found}


def same(cli, run, other, pictures, dataset):
    """Both say the same, to the last bit, of pictures and of a dataset."""
    assert np.array_equal(logits(cli, run, *pictures), logits(cli, other, *pictures))
    found = evaluated(cli, run, "--dataset", dataset)
    assert found["accuracy"] >= 0 and found == evaluated(cli, other, "--dataset", dataset)


@pytest.fixture
def folder(tmp_path):
    """A dataset of two classes, 28x28 and grey, as MNIST's images are."""
    noise = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        for place in range(12):
            pixels = noise.integers(0, 100, (28, 28), np.uint8) + np.uint8(150 * label)
            for split in ("train", "test"):
                (tmp_path / f"data/{split}/{name}").mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / f"data/{split}/{name}/{place}.png")
    return tmp_path / "data"


@pytest.fixture
def call(cli):
    cli.features = "f6"
    return cli


@pytest.fixture(scope="module")
def lenet5(tmp_path_factory, cache):
    """A run of lenet5 on digits, whose images of 8x8 are resized to 32x32."""
    out = tmp_path_factory.mktemp("lenet5") / "run"
    words = ("--dataset", "digits", "--out", out, *BRIEF)
    answer = process("train", "lenet5", *words, env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    assert answer.code == 0, answer.err
    return out


@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_images_that_are_resized(call, lenet5, tmp_path, format):
    exported(call, lenet5, f"a.{format}")
    answer = call("weights", "import", f"a.{format}", "--out", "again")
    assert (answer.code, answer.out) == (0, "again\n"), answer.err
    assert answer.err.splitlines()[-2:] == [
        "images: 8 pixels cut out (bilinear); mean 0.305434; standard deviation 0.375957",
        "then resized: from 8x8x1 to 32x32x1",
    ]
    same(call, lenet5, "again", ("china", "flower"), "digits")
    found, first = (RunFolder(run).read_facts()["data"] for run in (tmp_path / "again", lenet5))
    for key in ("shape", "classes", "mean", "deviation", "fit"):
        assert found[key] == first[key]
    exported(call, "again", f"b.{format}")
    assert call("weights", "import", f"b.{format}", "--out", "third").code == 0
    same(call, lenet5, "third", ("china",), "digits")


@pytest.mark.slow
def test_images_that_are_padded_and_the_names_of_classes(call, folder, tmp_path):
    words = ("--input", "32x32x1", "--set", "scaling=symmetric", "--set", "resize=30", "--batch-size", 8)
    assert call("train", "lenet5", "--dataset", folder, *words, *BRIEF, "--out", "run").code == 0
    # As a run on MNIST has it: images of 28x28 for an input of 32x32.
    run = RunFolder(tmp_path / "run")
    facts = run.read_facts()
    run.write_facts(facts | {"data": facts["data"] | {"shape": [28, 28, 1], "fit": "pad"}})
    exported(call, "run", "a.safetensors")
    answer = call("weights", "import", "a.safetensors", "--out", "again")
    assert answer.err.splitlines()[-1] == "then padded: from 28x28x1 to 32x32x1"
    found = RunFolder(tmp_path / "again").read_facts()["data"]
    assert (found["classes"], found["shape"]) == (["dark", "light"], [28, 28, 1])
    same(call, "run", "again", [folder / "test/dark/1.png", "china"], folder)


def test_a_network_at_another_input_with_other_settings(cli, tmp_path):
    cli.features = "hidden"
    words = ("--set", "loss=mean-squared-error", "--set", "fit=pad", "--set", "precision=bfloat16")
    assert cli("train", "mlp", "--dataset", "digits", "--input", "14x12x1", *words, *BRIEF, "--out", "run").code == 0
    exported(cli, "run", "a.npz")
    assert cli("weights", "import", "a.npz", "--out", "again").code == 0
    same(cli, "run", "again", ("china",), "digits")
    recipe = (tmp_path / "again/recipe.toml").read_text()
    assert all(line in recipe for line in ('loss = "mean-squared-error"', 'fit = "pad"', 'precision = "bfloat16"'))


def test_scales_of_one_value_for_three_channels(cli, tmp_path):
    cli.features = "hidden"
    for name, level in (("a", 10), ("b", 200)):
        (tmp_path / f"data/train/{name}").mkdir(parents=True)
        for place in range(12):
            colour = Image.new("RGB", (8, 8), (level + place, level, 7))
            colour.save(tmp_path / f"data/train/{name}/{place}.png")
    words = ("--input", "8x8x3", "--set", "scaling=unit", "--set", "validation=0", "--batch-size", 8)
    answer = cli("train", "mlp", "--dataset", "data", *words, *BRIEF, "--out", "run")
    assert answer.code == 0, answer.err
    exported(cli, "run", "a.npz")
    assert cli("weights", "import", "a.npz", "--out", "again").code == 0
    assert np.array_equal(logits(cli, "run", "china"), logits(cli, "again", "china"))


def test_of_a_mean_image_the_means_are_left_and_it_is_said(cli, tmp_path):
    words = ("--set", "scaling=mean-image", *BRIEF, "--out", "run")
    assert cli("train", "mlp", "--dataset", "digits", *words).code == 0
    assert "the mean image that is subtracted is not in the file" in exported(cli, "run", "a.npz").err
    answer = cli("weights", "import", "a.npz", "--out", "again")
    assert answer.code == 0
    said = "note: the mean image that was subtracted is not in the file; the mean of each channel takes its place"
    assert answer.err.splitlines()[-1] == said
    mean = RunFolder(tmp_path / "again").read_facts()["data"]["mean"]
    assert mean == pytest.approx([0.305434], abs=0.003)


@pytest.mark.slow
def test_training_goes_on_from_the_file_as_from_the_run(call, lenet5, tmp_path):
    exported(call, lenet5, "a.safetensors")
    words = ("--dataset", "digits", "--set", "validation=0.1", *BRIEF)
    for name, source in (("one", lenet5), ("two", "a.safetensors")):
        answer = call("train", "--from", source, *words, "--out", name)
        assert answer.code == 0, answer.err
        assert "says nothing of" not in answer.err
    one, two = (RunFolder(tmp_path / name).read_facts() for name in ("one", "two"))
    assert one["last"]["train_accuracy"] == two["last"]["train_accuracy"]
    assert one["data"] == two["data"]


def test_the_command_line_comes_first(call, lenet5, tmp_path):
    exported(call, lenet5, "a.safetensors")
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij"))
    words = ("--mean", 0.5, "--labels", "names.txt", "--source", "me", "--out", "again")
    assert call("weights", "import", "a.safetensors", *words).code == 0
    facts = RunFolder(tmp_path / "again").read_facts()
    assert (facts["data"]["mean"], facts["data"]["deviation"]) == ([0.5], [0.375957])
    assert facts["data"]["classes"] == list("abcdefghij") and facts["weights"]["source"] == "me"


HOW = {"resize": 0, "crop": 8, "interpolation": "bilinear", "mean": [0.25], "deviation": [0.5], "scaling": "standard"}


@pytest.mark.parametrize(
    "text",
    [
        *("no JSON", "", "3", "[]", "null", "[" * 100_000, "9" * 10_000),
        *(json.dumps(HOW | {key: -1}) for key in HOW if key != "scaling"),
        *(json.dumps(HOW | {key: 10**500}) for key in ("resize", "crop")),
        *(json.dumps(HOW | {key: [value]}) for key in ("mean", "deviation") for value in (float("nan"), 10**500, "1")),
        json.dumps(HOW | {"deviation": [0]}),
        json.dumps(HOW | {"mean": [True]}),
        json.dumps(HOW | {"mean": [0.1, 0.2]}),
        json.dumps(HOW | {"resize": True}),
        json.dumps(HOW | {"interpolation": ["bilinear"]}),
    ],
)
def test_preprocessing_that_cannot_be_is_left_out(cli, lenet5, tmp_path, text):
    cli("weights", "export", lenet5, "--out", "a.safetensors")
    about = {"cnncli": "1.0.0", "network": "lenet5", "preprocessing": text}
    save_file(load_file("a.safetensors"), "b.safetensors", about)
    answer = cli("weights", "import", "b.safetensors", "--out", "run")
    assert (answer.code, answer.out) == (0, "run\n"), answer.err
    said = "note: what b.safetensors says of its images' preprocessing cannot be read, and is left out"
    assert answer.err.splitlines()[-1] == said
    found = RunFolder(tmp_path / "run").read_facts()["data"]
    assert (found["shape"], found["mean"], found["deviation"]) == ([32, 32, 1], [0.0], [1.0])


def test_other_texts_that_cannot_be_are_left_out(cli, lenet5, tmp_path):
    cli("weights", "export", lenet5, "--out", "a.safetensors")
    tensors = load_file("a.safetensors")
    for place, (key, text) in enumerate(
        [
            ("input", "[3, 3, 1]"),
            ("input", "[100000, 32, 1]"),
            ("images", '{"shape": [8, 8, 3], "fit": "pad"}'),
            ("images", '{"shape": [8, 8], "fit": "pad"}'),
            ("images", '{"shape": [8, 8, 1], "fit": ["pad"]}'),
            ("classes", '["a"]'),
            ("classes", json.dumps(["a"] * 10)),
            ("classes", json.dumps(["\x1b[2J", *"bcdefghij"])),
            ("classes", json.dumps(["\ud800", *"bcdefghij"])),
            ("recipe", '{"fit": "stretch", "loss": ["map"], "precision": 3}'),
            ("recipe", "[]"),
            ("source", "\x1b[2J"),
        ]
    ):
        about = {"cnncli": "1.0.0", "network": "lenet5", "preprocessing": json.dumps(HOW), key: text}
        save_file(tensors, "b.safetensors", about)
        answer = cli("weights", "import", "b.safetensors", "--out", f"run{place}")
        assert answer.code == 0, (key, text, answer.err)
        facts = RunFolder(tmp_path / f"run{place}").read_facts()
        assert facts["data"]["shape"] == [32, 32, 1] and facts["data"]["fit"] == "resize", (key, text)
        assert facts["data"]["classes"] == list("0123456789") and facts["weights"]["source"] == ""
        assert facts["data"]["mean"] == [0.25]
    save_file(tensors, "c.safetensors", {"network": "lenet7\x1b"})
    answer = cli("weights", "import", "c.safetensors")
    assert (answer.code, answer.err.count("\n")) == (2, 1) and "expected --network" in answer.err
    # The arrays decide which network a file can be of.
    save_file(tensors, "d.safetensors", {"network": "mlp"})
    answer = cli("weights", "import", "d.safetensors")
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)
