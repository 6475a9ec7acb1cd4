import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from cnncli.commands import opened
from cnncli.errors import DataError
from cnncli.networks.catalogue import find
from cnncli.networks.network import adapt
from cnncli.runs.folder import RunFolder
from cnncli.weights.layout import slots
from cnncli.weights.preprocessing import Preprocessing
from cnncli.weights.published import PUBLISHED, Published
from tests.weights import formula, made
from tests.weights.states import state_of
from tests.weights.test_parity import TOLERANCE, difference

LENET5 = find("lenet5")


def opened_run(path):
    folder = RunFolder.open_run(path)
    return opened.trained(folder, "best", opened.known(folder))


def small(classes=10):
    """Weights of lenet5 under our own names."""
    return {slot.key: formula.tensor(slot.key, slot.shape) for slot in slots(adapt(LENET5, classes=classes))}


@pytest.fixture
def file(tmp_path):
    return made.npz(tmp_path / "lenet5.npz", small())


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory):
    return made.safetensors(tmp_path_factory.mktemp("weights") / "resnet18.safetensors", state_of(find("resnet18")))


def test_a_file_becomes_a_run(cli, file, tmp_path):
    answer = cli("weights", "import", file, "--network", "lenet5", "--source", "a friend", "--licence", "MIT")
    assert (answer.code, answer.out) == (0, "runs/lenet5-imported-1\n")
    assert answer.err.splitlines() == [
        "lenet5: 10 arrays by cnncli's names, 61,706 parameters and 0 statistics; nothing that it needs is missing",
        "left over: nothing",
        "images: 32 pixels cut out (bilinear); mean 0.0; standard deviation 1.0",
    ]
    facts = json.loads((tmp_path / "runs/lenet5-imported-1/run.json").read_text())
    assert (facts["status"], facts["network"]) == ("imported", "lenet5")
    assert facts["data"]["classes"] == list("0123456789")
    assert facts["weights"] == {
        "source": "a friend",
        "licence": "MIT",
        "file": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "names": "cnncli",
        "preprocessing": {"resize": 0, "crop": 32, "interpolation": "bilinear", "mean": [0.0], "deviation": [1.0]},
    }
    assert cli("weights", "import", file, "--network", "lenet5").out == "runs/lenet5-imported-2\n"


def test_its_logits_are_the_original_frameworks(cli, resnet18, tmp_path):
    """Through the run folder, and from pixels: with the preprocessing that it keeps."""
    import jax.numpy as jnp

    from cnncli.data.inputs import prepare

    assert cli("weights", "import", resnet18, "--network", "resnet18", "--out", "run").code == 0
    trained = opened_run(tmp_path / "run")
    x = prepare(jnp.asarray(formula.image(224), jnp.float32), trained.scale, trained.fit)
    assert difference(np.asarray(trained.model.logits(trained.params, trained.stats, x)), "resnet18") < TOLERANCE


def test_codes_take_the_place_of_classes(cli, tmp_path):
    network = find("lenet5-1998")
    tensors = {slot.key: formula.tensor(slot.key, slot.shape) for slot in slots(network)}
    file = made.npz(tmp_path / "a.npz", tensors)
    assert cli("weights", "import", file, "--network", network.name).code == 0
    refused = cli("weights", "import", file, "--network", network.name, "--classes", 5)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "has a fixed code for each of its 10 classes; 5 asked for" in refused.err


def test_every_command_takes_the_run(cli, file):
    assert cli("weights", "import", file, "--network", "lenet5", "--out", "run").code == 0
    summary = cli("summary", "run")
    assert [line.split()[0] for line in summary.out.splitlines()[:6]] == [
        *("status", "weights", "source", "licence", "imported", "images")
    ]
    assert cli("summary", "run", "--json").json["run"]["weights"]["names"] == "cnncli"
    assert "imported" in cli("summary", "run", "run").out
    assert cli("size", "run", "--json").json["totals"]["params"] == 61706
    evaluated = cli("eval", "run", "--dataset", "digits", "--json")
    assert (evaluated.code, evaluated.json["count"], evaluated.json["step"]) == (0, 360, 0)
    assert cli("visualize", "filters", "run").out == "run-filters.png\n"
    assert cli("predict", "run", "china").code == 0


def test_a_run_without_a_dataset_asks_for_one(cli, file):
    cli("weights", "import", file, "--network", "lenet5", "--out", "run")
    answer = cli("eval", "run")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: run has imported weights and no dataset of its own: give one with --dataset\n"


def test_the_document_says_what_became_of_every_array(cli, tmp_path):
    file = made.safetensors(tmp_path / "a.safetensors", small() | {"extra": np.zeros(2, np.float32)})
    document = cli("weights", "import", file, "--network", "lenet5", "--json").json
    assert (document["schema"], document["run"]) == ("cnncli.import/1", "runs/lenet5-imported-1")
    assert document["matched"] == [slot.key for slot in slots(LENET5)]
    assert (document["missing"], document["missing_heads"], document["leftover"]) == ([], [], ["extra"])
    assert (document["classes"], document["params"], document["stats"]) == (10, 61706, 0)


def test_the_files_classes_are_the_networks(cli, tmp_path):
    file, labels = made.npz(tmp_path / "three.npz", small(3)), tmp_path / "labels.txt"
    labels.write_text("crane\nship\ncrane\n\n")
    answer = cli("weights", "import", file, "--network", "lenet5", "--labels", labels, "--out", "run")
    assert answer.code == 0
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert facts["data"]["classes"] == ["crane", "ship", "crane (2)"]
    refused = cli("weights", "import", file, "--network", "lenet5", "--classes", 10)
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        f"error: {file}: it tells 3 classes, not 10: import it without --classes, and train a head of your own with "
        "cnncli train lenet5 --from RUN --dataset DIR\n"
    )


def test_preprocessing_is_kept_as_it_is_given(cli, file, tmp_path):
    words = ("--resize", 40, "--interpolation", "bicubic", "--mean", 0.25, "--std", 0.5, "--out", "run")
    assert cli("weights", "import", file, "--network", "lenet5", *words).code == 0
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert facts["weights"]["preprocessing"] == {
        "resize": 40,
        "crop": 32,
        "interpolation": "bicubic",
        "mean": [0.25],
        "deviation": [0.5],
    }
    assert (facts["data"]["mean"], facts["data"]["deviation"]) == ([0.25], [0.5])
    assert 'resize = 40\ninterpolation = "bicubic"' in (tmp_path / "run/recipe.toml").read_text()


def test_imagenets_networks_have_its_preprocessing(cli, resnet18, tmp_path):
    words = ("--crop", 96, "--std", 0.25, "--out", "run")
    assert cli("weights", "import", resnet18, "--network", "resnet18", *words).code == 0
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert facts["data"]["shape"] == [96, 96, 3]
    assert facts["weights"]["preprocessing"] == {
        "resize": 110,
        "crop": 96,
        "interpolation": "bilinear",
        "mean": [0.485, 0.456, 0.406],
        "deviation": [0.25, 0.25, 0.25],
    }


@pytest.fixture
def published(file, monkeypatch):
    """That file, as if somebody had published it."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    how = Preprocessing(36, 32, "bicubic", (0.25,), (0.5,))
    known = Published("us/lenet5", "lenet5", "https://example.org/lenet5-a.npz", "MIT", how, sha256=digest[:8])
    monkeypatch.setitem(PUBLISHED, known.name, known)
    return known


def test_a_published_file_is_known_by_its_digest(cli, file, published, tmp_path):
    answer = cli("weights", "import", file, "--out", "run", "--mean", 0.75)
    assert (answer.code, answer.out) == (0, "run\n")
    assert answer.err.splitlines()[-1] == f"classes are numbers; their names: {published.labels}, for --labels"
    kept = json.loads((tmp_path / "run/run.json").read_text())["weights"]
    assert (kept["source"], kept["licence"]) == ("https://example.org/lenet5-a.npz", "MIT")
    assert kept["preprocessing"] == {**published.preprocessing.to_table(), "mean": [0.75], "deviation": [0.5]}
    file.write_bytes(made.npz(tmp_path / "other.npz", small(3)).read_bytes())
    assert cli("weights", "import", file).err.endswith("; expected --network, such as --network resnet18\n")


def test_fetched_weights_go_by_their_name(cli, file, published, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path / "data"))
    absent = cli("weights", "import", published.name)
    assert (absent.code, absent.err.count("\n")) == (3, 1)
    assert "cnncli weights fetch us/lenet5" in absent.err
    (tmp_path / "data/weights").mkdir(parents=True)
    file.rename(tmp_path / "data/weights/lenet5-a.npz")
    answer = cli("weights", "import", published.name)
    assert (answer.code, answer.out) == (0, "runs/lenet5-imported-1\n")


def test_the_input_of_published_weights_is_transformed_once(cli, tmp_path, monkeypatch):
    file = made.safetensors(tmp_path / "g.safetensors", state_of(find("googlenet-torchvision")))
    known = PUBLISHED["torchvision/googlenet"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, known.name, replace(known, sha256=digest))
    for words in ((), ("--transform-input",)):
        document = cli("weights", "import", file, "--json", *words).json
        assert (document["network"], document["licence"]) == ("googlenet-torchvision", "BSD-3-Clause")
        assert document["preprocessing"]["mean"] == document["preprocessing"]["deviation"] == [0.5, 0.5, 0.5]


def test_googlenet_without_its_heads(cli, tmp_path):
    state = state_of(find("googlenet-torchvision"))
    main = {name: tensor for name, tensor in state.items() if not name.startswith("aux")}
    file = made.safetensors(tmp_path / "g.safetensors", main)
    words = ("--network", "googlenet-torchvision", "--transform-input", "--out", "run")
    answer = cli("weights", "import", file, *words)
    assert answer.code == 0
    assert "missing of its auxiliary heads, where it starts anew: 18 (head4a/conv/kernel, " in answer.err
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert (facts["data"]["mean"], facts["data"]["deviation"]) == ([0.5] * 3, [0.5] * 3)
    params = opened_run(tmp_path / "run").params
    assert np.asarray(params["head4d"]["conv"]["kernel"]).any()
    expected = state["inception3a.branch1.conv.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(params["inception3a"]["1x1"]["kernel"], expected)


def without(name):
    return {key: tensor for key, tensor in small().items() if key != name}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (without("c3/bias"), "its weights are not those of lenet5; missing: 1 (c3/bias)"),
        (
            small() | {"f6/bias": np.zeros(3)},
            "its weights are not those of lenet5; of another shape: 1 (f6/bias: the file has 3, the network takes 84)",
        ),
        ({"a": np.zeros(3)}, "no name of lenet5 in it: expected cnncli's such as c1/kernel; it has a"),
    ],
    ids=["missing", "shape", "names"],
)
def test_weights_that_do_not_fit_are_refused(cli, tmp_path, tensors, said):
    file = made.npz(tmp_path / "a.npz", tensors)
    answer = cli("weights", "import", file, "--network", "lenet5")
    assert (answer.code, answer.out, answer.err) == (3, "", f"error: {file}: {said}\n")
    assert not (tmp_path / "runs").exists()


def test_a_file_of_another_network_is_refused_with_its_name(cli, resnet18, tmp_path):
    answer = cli("weights", "import", resnet18, "--network", "resnet34")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert answer.err.endswith("...); all of it fits --network resnet18\n")
    deep = made.safetensors(tmp_path / "resnet34.safetensors", state_of(find("resnet34")))
    answer = cli("weights", "import", deep, "--network", "resnet18")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert "; left over: 80 (layer1.2." in answer.err
    assert answer.err.endswith("; all of it fits --network resnet34\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--network lenet6", 2, "unknown network 'lenet6'; did you mean 'lenet5'"),
        ("--network lenet5 --resize 20", 2, "--resize is 20; expected at least the 32 pixels that are cut out, or 0"),
        ("--network lenet5 --interpolation cubic", 2, "--interpolation is 'cubic'; expected one of bilinear, bicubic"),
        ("--network lenet5 --mean 1,2", 2, "--mean is '1,2'; expected a number for each of 1 channels, such as 0.5"),
        ("--network lenet5 --mean nan", 2, "--mean is 'nan'; expected a number"),
        ("--network lenet5 --std 0", 2, "--std is '0'; expected numbers above 0"),
        ("--network lenet5 --transform-input", 2, "--transform-input belongs to googlenet-torchvision, not to lenet5"),
        ("--network lenet5 --crop 3", 2, "the smallest square input that lenet5 accepts is"),
        ("--network lenet5 --crop 40", 3, "of another shape: 1 (c5/kernel: the file has 400x120, the network takes"),
        ("--network lenet5 --labels absent", 3, "--labels absent: No such file or directory"),
        ("--network lenet5 --labels two.txt", 3, "--labels two.txt has 2 lines; the network tells 10 classes"),
        ("--network lenet5 --labels empty.txt", 3, "--labels empty.txt: line 2 is empty; expected the name of a class"),
        ("--network lenet5 --labels lenet5.npz", 3, "--labels lenet5.npz: it is not UTF-8 text"),
        ("--network lenet5 --out full", 2, "full is a folder that is not empty and holds no run; give another --out"),
        ("--network lenet5 --out lenet5.npz/run", 3, "Not a directory"),
        ("--network inception-naive", 2, "inception-naive ends in an image of 28x28x672: it tells no classes"),
        ("", 2, "lenet5.npz; expected --network, such as --network resnet18"),
    ],
)
def test_a_mistake_costs_one_line(cli, file, tmp_path, words, code, said):
    (tmp_path / "two.txt").write_text("a\nb\n")
    (tmp_path / "empty.txt").write_text("a\n\n" + "b\n" * 8)
    (tmp_path / "full/inside").mkdir(parents=True)
    answer = cli("weights", "import", file, *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
    assert said in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_to_the_end_is_taken_away(cli, file, tmp_path, monkeypatch):
    def full(self, text):
        raise DataError("run.json: No space left on device")

    monkeypatch.setattr(RunFolder, "write_facts", full)
    answer = cli("weights", "import", file, "--network", "lenet5", "--out", "run")
    assert (answer.code, answer.err) == (3, "error: run.json: No space left on device\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("change", [{"file": 3}, {"preprocessing": {}}, {"licence": None}])
def test_a_run_that_was_edited_is_refused(cli, file, tmp_path, change):
    cli("weights", "import", file, "--network", "lenet5", "--out", "run")
    path = tmp_path / "run/run.json"
    facts = json.loads(path.read_text())
    facts["weights"] |= change
    path.write_text(json.dumps(facts))
    answer = cli("summary", "run")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert "weights" in answer.err
