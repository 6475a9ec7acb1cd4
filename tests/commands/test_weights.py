import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from cnncli.commands import opened
from cnncli.console.weights import import_command
from cnncli.networks.catalogue import find
from cnncli.runs.folder import RunFolder
from cnncli.weights import published
from cnncli.weights.files import read
from cnncli.weights.layout import slots
from tests.data.test_download import BYTES, DIGEST, Behaviour, serve  # noqa: F401
from tests.weights import formula, made
from tests.weights.test_fetching import NAME, known  # noqa: F401


@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_a_run_is_exported(cli, trained, format):
    answer = cli("weights", "export", trained, "--format", format)
    assert (answer.code, answer.out, answer.err) == (0, f"mlp.{format}\n", "")
    folder = RunFolder.open_run(trained)
    kept = opened.trained(folder, "best", opened.known(folder))
    found = read(Path(f"mlp.{format}"))
    assert found.keys() == {slot.key for slot in slots(kept.model.network)}
    for slot in slots(kept.model.network):
        assert found[slot.key].tobytes() == np.asarray(slot.of(kept.params, kept.stats)).tobytes()


def test_what_an_export_says_of_itself(cli, trained):
    assert cli("weights", "export", trained, "--out", "a.safetensors").out == "a.safetensors\n"
    with safe_open("a.safetensors", "numpy") as file:
        said = file.metadata()
    assert (said["network"], json.loads(said["classes"])) == ("mlp", list("0123456789"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["cnncli"])
    how = json.loads(said["preprocessing"])
    assert how["mean"] == [0.305434] and (how["crop"], how["scaling"]) == (8, "standard")


def test_a_checkpoint_can_be_chosen(cli, copy):
    assert cli("weights", "export", copy, "--checkpoint", "last", "--out", "last.npz", "--format", "npz").code == 0
    (copy / "checkpoints" / "last").rename(copy / "elsewhere")
    answer = cli("weights", "export", copy, "--checkpoint", "last")
    assert (answer.code, answer.err) == (3, f"error: {copy} has no checkpoint 'last', only best\n")


def test_export_and_import_give_the_same_bits(cli, tmp_path):
    """Through torchvision's names and layout, with statistics and without a dataset."""
    network = find("resnet18")
    first = {slot.key: formula.tensor(slot.key, slot.shape) for slot in slots(network)}
    made.safetensors(tmp_path / "first.safetensors", first)
    words = ("--network", "resnet18", "--source", "a friend", "--licence", "MIT")
    assert cli("weights", "import", "first.safetensors", *words, "--out", "one").code == 0
    answer = cli("weights", "export", "one", "--format", "torch-names")
    assert (answer.code, answer.out) == (0, "resnet18-torch.safetensors\n")
    with safe_open("resnet18-torch.safetensors", "numpy") as file:
        said = file.metadata()
    assert (said["source"], said["licence"], said["format"]) == ("a friend", "MIT", "pt")
    how = {"resize": 256, "crop": 224, "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}
    assert json.loads(said["preprocessing"]) == {"scaling": "standard", "interpolation": "bilinear", **how}
    assert cli("weights", "import", "resnet18-torch.safetensors", "--network", "resnet18", "--out", "two").code == 0
    assert cli("weights", "export", "two").code == 0
    again = read(tmp_path / "resnet18.safetensors")
    assert again.keys() == first.keys() and all(again[key].tobytes() == first[key].tobytes() for key in first)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--format", "onnx"), 2, "no library that is well kept makes ONNX of Flax NNX; export --format torch-names"),
        (("--format", "safetensor"), 2, "--format is 'safetensor'; did you mean 'safetensors'?"),
        (("--format", "torch-names"), 2, "torchvision has no name for hidden of mlp"),
        (("--out", "a.pth"), 2, "--out a.pth: expected a name ending in .safetensors"),
        (("--out", "none/a.safetensors"), 2, "--out none/a.safetensors: there is no folder"),
        (("--out", "there.safetensors"), 2, "there.safetensors exists already; choose another with --out, or --force"),
        (("--out", "dir.safetensors", "--force"), 2, "--out dir.safetensors is a folder; expected a file"),
        (("--checkpoint", "first"), 2, "--checkpoint is 'first'; expected best or last"),
    ],
)
def test_exports_that_cannot_be(cli, trained, words, code, said):
    Path("there.safetensors").touch()
    Path("dir.safetensors").mkdir()
    answer = cli("weights", "export", trained, *words)
    assert (answer.code, answer.out) == (code, "") and said in answer.err and answer.err.count("\n") == 1
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["dir.safetensors", "there.safetensors"]


def test_force_overwrites(cli, trained):
    Path("a.npz").touch()
    assert cli("weights", "export", trained, "--format", "npz", "--out", "a.npz", "--force").code == 0
    assert len(read(Path("a.npz"))) == 4


def test_the_list(cli):
    answer = cli("weights", "list")
    assert answer.code == 0 and len(answer.out.splitlines()) == len(published.PUBLISHED) + 1
    row = next(line for line in answer.out.splitlines() if line.startswith("torchvision/resnet50-v2"))
    assert row.split() == [
        *("torchvision/resnet50-v2", "resnet50", "80.86%", "95.43%", "97.79", "MiB", "11ad3fa6...", "BSD-3-Clause"),
        "https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
    ]
    document = cli("weights", "list", "--json").json
    assert document["schema"] == "cnncli.weights/1"
    (one,) = [one for one in document["weights"] if one["name"] == "microsoft/resnet-50"]
    assert (one["top1"], one["mebibytes"], one["sha256_prefix"]) == (None, None, None)
    assert one["preprocessing"]["interpolation"] == "bicubic"


def test_fetched_weights_say_how_they_are_imported(cli, known, tmp_path):  # noqa: F811
    known(Behaviour())
    answer = cli("weights", "fetch", NAME, "--dir", "here")
    assert (answer.code, answer.out) == (0, "here/some.bin\n")
    assert "make a run of it: cnncli weights import here/some.bin --network resnet18 --source http" in answer.err
    assert "names of the classes, for --labels: https://raw.githubusercontent.com/" in answer.err
    assert (tmp_path / "here" / "some.bin").read_bytes() == BYTES and DIGEST.startswith(published.find(NAME).sha256)
    assert cli("weights", "fetch", NAME, "--dir", "here", "--offline").code == 0


def test_what_cannot_be_fetched(cli):
    answer = cli("weights", "fetch", "torchvision/resnet51")
    assert answer.code == 2 and "no published weights named 'torchvision/resnet51'; did you mean" in answer.err
    answer = cli("weights", "fetch", NAME, "--dir", "here", "--offline")
    assert answer.code == 3 and "is not in here and the network is not to be used" in answer.err


def test_the_commands_that_import_say_what_is_not_taken_for_granted():
    def said(name):
        words = shlex.split(import_command(Path("a b.pth"), published.find(name)))
        assert words[:6] == ["cnncli", "weights", "import", "a b.pth", "--network", published.find(name).network]
        assert words[6:10:2] == ["--source", "--licence"]
        return words[10:]

    assert said("torchvision/resnet18") == []
    assert said("torchvision/resnet50-v2") == ["--resize", "232"]
    assert said("torchvision/googlenet") == ["--transform-input"]
    assert said("timm/resnet50.a1_in1k") == ["--resize", "235", "--interpolation", "bicubic"]


def refused(answer, *words):
    assert (answer.code, answer.out) == (3, "") and answer.err.count("\n") == 1
    for word in ("error: ", *words):
        assert word in answer.err
    assert not Path("runs").exists()


LENET5 = {slot.key: formula.tensor(slot.key, slot.shape) for slot in slots(find("lenet5"))}


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({key: array for key, array in LENET5.items() if "c3" not in key}, ("c3/kernel",)),
        ({**LENET5, "c1/kernel": LENET5["c1/kernel"].transpose(3, 2, 0, 1)}, ("c1/kernel", "6x1x5x5", "5x5x1x6")),
        ({**LENET5, "c1/bias": np.zeros((6, 1), np.float32)}, ("c1/bias", "6x1")),
        ({**LENET5, "c1/bias": np.zeros(6, np.int64)}, ("c1/bias", "int64")),
        ({**LENET5, "c1/bias": np.full(6, np.nan, np.float32)}, ("c1/bias", "not finite")),
        ({"other": np.ones(3, np.float32)}, ("other",)),
    ],
)
def test_weights_of_another_network(cli, tmp_path, tensors, words):
    path = made.npz(tmp_path / "a.npz", tensors)
    refused(cli("weights", "import", path, "--network", "lenet5"), str(path), *words)


def test_damaged_files_cost_one_line(cli, tmp_path):
    path = made.pth(tmp_path / "a.pth", LENET5)
    path.write_bytes(path.read_bytes()[:-50])
    refused(cli("weights", "import", path, "--network", "lenet5"), f"{path} is damaged")
    call = made.Call(made.Global("os", "system"), (f"touch {tmp_path}/ran",))
    path = made.torch_zip(tmp_path / "b.pth", made.Pickle({"w": call}))
    refused(cli("weights", "import", path, "--network", "lenet5"), "asks for os.system", "nothing of it was run")
    refused(cli("weights", "import", tmp_path, "--network", "lenet5"), "is a folder, not a file")
    refused(cli("weights", "import", "none.pth", "--network", "lenet5"), "none.pth: No such file or directory")
    assert not (tmp_path / "ran").exists()
