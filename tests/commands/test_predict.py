"""`cnncli predict`: evaluation's own labels for pictures of files, however they are named, and what it writes."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnncli.commands import opened, predict
from cnncli.commands.source import Source
from cnncli.commands.visualize.looking import Place, look
from cnncli.data import digits, framing, pictures
from cnncli.data.facts import Facts
from cnncli.data.inputs import scale_for
from cnncli.data.subset import per_class
from cnncli.models.model import model
from cnncli.networks import toml
from cnncli.networks.layers import Activation, Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network
from cnncli.runs.checkpoints import Checkpoints
from cnncli.runs.folder import RunFolder
from cnncli.training.recipe import Recipe
from cnncli.visualize.subject import activation
from tests.commands.conftest import at_terminal, command, process


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The test split of digits as files, DIGIT/PLACE.png."""
    folder = tmp_path_factory.mktemp("written")
    for place, (pixels, label) in enumerate(zip(*digits.read("test"), strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(folder / str(label) / f"{place}.png")
    return folder


COLOUR = Network(
    "colour",
    (12, 10, 3),
    (
        Conv(4, 3, name="conv"),
        Activation("relu", name="relu"),
        Pool("max", 2, 2, name="pool"),
        Flatten(),
        Dense(4, name="fc"),
    ),
)
CLASSES = ("ant", "bee", "a cat that has quite a long name", "dög")


def imported(path, loss="cross-entropy", **recipe):
    """A run folder of random weights for pictures in colour, as weights of a file become one."""
    facts = Facts("imported", "", (20, 16, 3), CLASSES, 0, 0, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), "resize", "")
    folder, how = RunFolder.create("colour", "imported", path), Recipe("colour", "imported", loss=loss, **recipe)
    folder.write_recipe(how.to_table())
    folder.write_network(toml.write(COLOUR))
    device = {"platform": "cpu", "kind": "cpu", "count": 1, "threads": 1}
    about = {"status": "imported", "network": "colour", "dataset": "imported", "started": "", "versions": {}}
    folder.write_facts({**about, "data": {"dir": None, "read_from": "", **facts.to_table()}, "device": device})
    params, stats = model(COLOUR).initialize(0)
    scale = scale_for("standard", facts, np.zeros((1, *facts.shape), np.uint8))
    with Checkpoints(folder.slot("best")) as checkpoints:
        checkpoints.save(1, params, {"stats": stats, "scale": scale}, {}, {"step": 0})
    return path


@pytest.fixture(scope="module")
def colour(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("colour") / "run", resize=22, interpolation="bicubic")


def labels(answer):
    """The most probable class of each image of a document, by its name."""
    assert (answer.code, answer.err) == (0, ""), answer.err
    return {one["image"]: one["predictions"][0]["label"] for one in answer.json["images"]}


@pytest.mark.parametrize("batch_size", [64, 7, 1000])
def test_the_test_split_as_files_gives_evaluations_labels(cli, trained, written, batch_size):
    expected = cli("eval", trained, "--json").json
    found = labels(cli("predict", trained, written, "--batch-size", batch_size, "--json"))
    matrix = np.zeros((10, 10), int)
    for name, label in found.items():
        matrix[int(name.split("/")[-2]), label] += 1
    assert matrix.tolist() == expected["confusion"]
    assert matrix.trace() / len(found) == expected["accuracy"]
    # Not only as many of each: the very same.
    view = look(trained, "predict", Place(source=Source(None, "cpu", False)))
    every = view.subject.logits(view.data.split.images).argmax(axis=1)
    assert {int(name.split("/")[-1].removesuffix(".png")): label for name, label in found.items()} == dict(
        enumerate(every.tolist())
    )


def test_mnist_as_files_gives_evaluations_labels(cli, real_data, tmp_path):
    words = ("--dataset", "mnist", "--data-dir", real_data, "--only", "3,7", "--per-class", 60, "--batch-size", 60)
    # The mean image has the shape of the images, and padding comes before it is subtracted.
    scaled = ("--set", "scaling=mean-image", "--set", "fit=pad", "--set", "validation=0")
    assert cli("train", "lenet5", *words, *scaled, "--out", "run", "--epochs", 1, "--device", "cpu").code == 0
    view = look(tmp_path / "run", "predict", Place(source=Source(None, "cpu", False)))
    some = per_class(view.data, 30, seed=0).split
    (tmp_path / "some").mkdir()
    for place, pixels in enumerate(some.images):
        Image.fromarray(pixels[..., 0]).save(tmp_path / "some" / f"{place}.png")
    document = cli("predict", "run", "some", "--json", "--top", 2).json
    logits = view.subject.logits(some.images).astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for one, expected in zip(document["images"], shares, strict=True):
        found = {each["label"]: each["probability"] for each in one["predictions"]}
        assert [found[0], found[1]] == pytest.approx(expected.tolist(), rel=1e-4)
    assert {each["class"] for each in document["images"][0]["predictions"]} == {"3", "7"}


def test_a_large_photograph_is_framed_as_the_run_says(cli, colour, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(pixels).resize((1200, 900)).save(tmp_path / "large.jpg", quality=95)
    document = cli("predict", colour, "large.jpg", "--json").json
    framed = framing.Framing((20, 16), 22, "bicubic")(pictures.read("large.jpg", 3))
    folder = RunFolder.open_run(colour)
    trained = opened.trained(folder, "best", opened.known(folder))
    seen = look(colour, "m", Place(source=Source(None, "cpu", False))).subject.seen(framed[None])
    logits = np.asarray(trained.model.logits(trained.params, trained.stats, seen), np.float64)[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    (one,) = document["images"]
    assert [each["label"] for each in one["predictions"]] == np.argsort(-shares).tolist()
    assert [each["probability"] for each in one["predictions"]] == pytest.approx(sorted(shares)[::-1], rel=1e-5)
    assert [each["class"] for each in one["predictions"]] == [CLASSES[label] for label in np.argsort(-shares)]


def test_the_document_says_what_it_is_of(cli, trained, written):
    document = cli("predict", trained, written / "3", "--json", "--checkpoint", "last", "--top", 2).json
    about = {key: value for key, value in document.items() if key != "images"}
    assert about == {
        "schema": "cnncli.predict/1",
        "run": str(trained),
        "checkpoint": "last",
        "step": 70,
        "skipped": [],
        "probability": "softmax of the logits",
    }
    for one in document["images"]:
        first, second = one["predictions"]
        assert 1 > first["probability"] > second["probability"] > 0
        assert first["class"] == str(first["label"])


def test_the_table_has_a_line_for_each_class(cli, trained, written):
    paths = sorted((written / "0").iterdir())[:3]
    document = cli("predict", trained, *paths, "--json", "--top", 2).json
    answer = cli("predict", trained, *paths, "--top", 2)
    header, heads, *lines = answer.out.splitlines()
    assert header == f"{trained}  best (step 70); probability: softmax of the logits"
    assert heads.split() == ["image", "class", "probability"]
    expected = [
        [*([one["image"]] if rank == 0 else []), each["class"]]
        for one in document["images"]
        for rank, each in enumerate(one["predictions"])
    ]
    assert [line.split()[: len(words)] for line, words in zip(lines, expected, strict=True)] == expected
    assert all(re.search(r" (\d+\.\d\d%|[<>] \d+\.\d\d%)$", line) for line in lines)


def test_probabilities_of_penalties_are_said_to_be_so(cli, tmp_path):
    answer = cli("predict", imported(tmp_path / "map", loss="map"), "china")
    assert "probability: softmax of minus the penalties, without" in answer.out


def test_more_classes_than_there_are_give_all(cli, colour):
    (one,) = cli("predict", colour, "china", "--top", 50, "--json").json["images"]
    assert sorted(each["class"] for each in one["predictions"]) == sorted(CLASSES)
    assert sum(each["probability"] for each in one["predictions"]) == pytest.approx(1)


def piped(content, *words):
    """A command line in a process of its own that gets these bytes."""
    return subprocess.run(command(*words), input=content, capture_output=True, timeout=100)


def test_a_picture_or_a_list_by_standard_input(cli, trained, written):
    paths = sorted((written / "5").iterdir())
    expected = labels(cli("predict", trained, *paths, "--json"))
    listed = piped("\n".join(map(str, paths)).encode(), "predict", trained, "-", "--json")
    assert [one["image"] for one in json.loads(listed.stdout)["images"]] == [str(path) for path in paths]
    assert {one["image"]: one["predictions"][0]["label"] for one in json.loads(listed.stdout)["images"]} == expected
    (one,) = json.loads(piped(paths[0].read_bytes(), "predict", trained, "-", "--json").stdout)["images"]
    assert (one["image"], one["predictions"][0]["label"]) == ("-", expected[str(paths[0])])


def test_a_pattern_and_files_in_one_line(cli, trained, written):
    found = labels(cli("predict", trained, f"{written}/[01]/*.png", written / "2", "--json"))
    assert len(found) == sum(len(list((written / digit).iterdir())) for digit in "012")


def test_a_reader_that_has_gone_is_no_error(trained, written):
    line = '"$@" | (exec <&-; sleep 0.7); exit ${PIPESTATUS[0]}'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *command("predict", trained, written)], capture_output=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_nothing_is_cut_at_40_columns_or_without_a_terminal(colour, tmp_path):
    name = tmp_path / "a picture with a very long name indeed, ä, that fits no narrow terminal.png"
    Image.new("RGB", (30, 30), (200, 30, 90)).save(name)
    narrow = at_terminal(40, "predict", colour, name)
    shown = re.sub(r"\x1b\[[\d;?]*\w", "", narrow.out)
    assert (narrow.code, "…" in shown) == (0, False)
    # What is longer than a line is for the terminal to fold; no column stands beside another one.
    assert re.search(rf"terminal\.png\n +\d\d\.\d\d%  ({'|'.join(CLASSES)})\n", shown)
    assert all(re.search(rf"\d%  {one}\n", shown) for one in CLASSES)
    (line,) = [line for line in process("predict", colour, name).out.splitlines() if str(name) in line]
    assert re.fullmatch(rf"{re.escape(str(name))}  .*\d%", line)


def test_names_of_any_letters(cli, trained, written, tmp_path):
    source = next((written / "8").iterdir())
    names = ["ä ö.png", "日本.png", os.fsdecode(b"\xe4.png")]
    for name in names:
        shutil.copy(source, tmp_path / name)
    document = cli("predict", trained, *names, "--json", "--save", "f.npz", "--features", "relu1").json
    assert [one["image"] for one in document["images"]] == names
    assert np.load("f.npz")["images"].tolist() == names
    assert cli("predict", trained, *names).code == 0


@pytest.fixture
def spoilt(written, tmp_path):
    """A folder of two digits and two files that are none."""
    folder = tmp_path / "spoilt"
    folder.mkdir()
    for name, source in zip(("1.png", "4.png"), (written / "6").iterdir(), strict=False):
        shutil.copy(source, folder / name)
    (folder / "2.png").write_text("words")
    (folder / "3.png").write_bytes((folder / "1.png").read_bytes()[:60])
    return folder


def test_what_cannot_be_read_is_refused_before_anything_is_printed(cli, trained, spoilt, tmp_path):
    words = ("--batch-size", 1, "--features", "relu1", "--save", "f.npz", "--out", "s.png")
    answer = cli("predict", trained, spoilt, *words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == (
        f"error: {spoilt}/2.png: it is no picture that can be read, or it is damaged (--skip-bad goes on without such "
        "files)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["spoilt"]


def test_what_cannot_be_read_is_skipped_and_counted(cli, trained, spoilt):
    answer = cli("predict", trained, spoilt, "absent.png", "--skip-bad", "--json", "--save", "f.npz", "--features", "d")
    assert answer.code == 2  # There is no layer d.
    words = ("--skip-bad", "--json", "--save", "f.npz", "--features", "relu1", "--batch-size", 1)
    answer = cli("predict", trained, spoilt, "absent.png", *words)
    assert answer.code == 0
    assert answer.err == (f"note: 3 of 5 images cannot be read, left out: {spoilt}/2.png, {spoilt}/3.png, absent.png\n")
    assert [one["image"] for one in answer.json["images"]] == [f"{spoilt}/1.png", f"{spoilt}/4.png"]
    assert [one["image"] for one in answer.json["skipped"]] == [f"{spoilt}/2.png", f"{spoilt}/3.png", "absent.png"]
    assert "there is no picture absent.png" in answer.json["skipped"][2]["reason"]
    found = np.load("f.npz")
    assert (found["images"].tolist(), found["features"].shape) == ([f"{spoilt}/1.png", f"{spoilt}/4.png"], (2, 128))


def test_where_none_can_be_read_nothing_is_said_of_them(cli, trained, tmp_path):
    (tmp_path / "a.png").write_text("words")
    answer = cli("predict", trained, "a.png", "--skip-bad")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: none of 1 images can be read; the first: a.png: it is no picture")


@pytest.mark.parametrize(("path", "shape"), [("conv", (10, 8, 4)), ("relu", (10, 8, 4)), ("fc", (4,))])
def test_features_are_the_layers_activations(cli, colour, written, path, shape):
    files = sorted((written / "7").iterdir())[:5]
    answer = cli("predict", colour, *files, "--features", path, "--save", "f.npz", "--batch-size", 2, "--json")
    view = look(colour, "m", Place(source=Source(None, "cpu", False)))
    pixels = np.stack([view.framing(pictures.read(str(file), 3)) for file in files])
    looked = view.subject
    expected = np.asarray(activation(looked.model, looked.weights, looked.seen(pixels), path))
    with np.load("f.npz", allow_pickle=False) as found:
        assert (found["features"].shape, found["features"].dtype) == ((5, *shape), np.float32)
        assert np.allclose(found["features"], expected, rtol=1e-5, atol=1e-6)
        assert np.allclose(found["logits"], looked.logits(pixels), rtol=1e-5, atol=1e-6)
        assert found["images"].tolist() == [str(file) for file in files]
        assert (str(found["path"]), str(found["run"])) == (path, str(colour))
        assert found["classes"].tolist() == list(CLASSES)
        assert found["logits"].argmax(axis=1).tolist() == list(labels(answer).values())


def test_the_sheet_shows_the_first_images_and_says_so(cli, trained, written, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "SHOWN", 12)
    monkeypatch.setattr(sys, "argv", ["cnncli", *map(str, (written / "4").iterdir())])
    count = len(list((written / "4").iterdir()))
    answer = cli("predict", trained, written / "4", "--out", "s.png", "--batch-size", 5)
    assert (answer.code, answer.err) == (0, f"s.png: the first 12 of {count} images\n")
    with Image.open(tmp_path / "s.png") as picture:
        assert (picture.text["Run"], picture.text["Checkpoint"].startswith("best, step 70")) == (str(trained), True)
        assert len(picture.text["Command"]) <= predict.WORDS + 4
        # Two lines of images of 96 pixels.
        assert 2 * 96 < picture.height < 4 * 96
    monkeypatch.setattr(predict, "SHOWN", 100)
    assert cli("predict", trained, written / "4", "--out", "s.png", "--force").err == f"s.png: {count} images\n"


def test_a_run_without_a_checkpoint_is_said(cli, copy):
    shutil.rmtree(copy / "checkpoints")
    answer = cli("predict", copy, "china")
    assert (answer.code, answer.out) == (3, "")
    assert "has no checkpoint yet" in answer.err


def test_imported_weights_have_pictures_and_no_split(cli, colour, tmp_path):
    words = ("visualize", "saliency", colour, "--device", "cpu")
    assert cli(*words, "--image", "flower").code == 0
    answer = cli("visualize", "mistakes", colour, "--device", "cpu")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: run has imported weights and no dataset; give --image FILE or --dataset\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("absent.png", 3, "there is no picture absent.png"),
        ("*.gif", 3, "no file matches '*.gif'"),
        (". --top 0", 2, "--top is '0'; expected greater than or equal to 1"),
        ("", 2, "missing argument 'IMAGE' (cnncli predict --help shows more)"),
        ("china --features relu", 2, "--features PATH says which layer and --save FILE.npz where to"),
        ("china --save f.npz", 2, "expected both or none"),
        ("china --features rleu1 --save f.npz", 2, "--features: mlp has no layer 'rleu1'; did you mean 'relu1'?"),
        ("china --features relu1 --save f.npy", 2, "--save f.npy: expected a name ending in .npz"),
        ("china --features relu1 --save taken.npz", 2, "taken.npz exists already; choose another name with --save"),
        ("china --out s.jpg", 2, "--out s.jpg: expected a name ending in .png"),
        ("china --out absent/s.png", 2, "there is no folder"),
        ("china --checkpoint first", 2, "--checkpoint is 'first'"),
        ("china --device xpu", 2, "--device is 'xpu'"),
        ("notes.txt", 3, "notes.txt: it is no picture that can be read"),
    ],
)
def test_a_mistake_costs_one_line(cli, trained, tmp_path, words, code, said):
    for name in ("taken.npz", "notes.txt"):
        (tmp_path / name).write_text("mine")
    answer = cli("predict", trained, *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
    assert said in answer.err
    assert (tmp_path / "taken.npz").read_text() == "mine"


@pytest.mark.parametrize("words", ["--help", "absent.gif", "*.gif"])
def test_what_computes_nothing_imports_no_jax(trained, words):
    code = "import sys; from cnncli.commands.app import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, "predict", words], capture_output=True, text=True, timeout=60)
    assert not {"jax", "flax", "optax", "matplotlib", "sklearn"} & set(done.stderr.split())


def test_what_is_no_run_is_missing_data(cli):
    answer = cli("predict", "absent", "china")
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)
