"""Training that starts from a run or from weights: what goes along, what stays as it was, and what is refused."""

import json
import shutil
import tomllib

import numpy as np
import pytest
from safetensors.numpy import save_file

from cnncli.commands import opened
from cnncli.models.arrays import flat
from cnncli.runs.digests import digests
from cnncli.runs.folder import RunFolder
from cnncli.training import loop

TWO = ("--dataset", "digits", "--only", "8,9")
HEAD = (*TWO, "--freeze", "all-but-head")


def arrays(run, slot="best"):
    """Parameters, statistics and scale of a run."""
    folder = RunFolder.open_run(run)
    found = opened.trained(folder, slot, opened.known(folder))
    return found.params, found.stats, found.scale


def facts_of(run):
    return json.loads((run / "run.json").read_text())


def recipe_of(run):
    return tomllib.loads((run / "recipe.toml").read_text())


def test_a_head_is_trained_on_the_features_of_another_run(cli, trained, tmp_path):
    answer = cli("train", "--from", trained, *HEAD, "--out", "head")
    assert (answer.code, answer.out) == (0, "head\n")
    assert "note: head output is new: 10 -> 2 classes" in answer.err
    assert "mlp at 8x8x1 on digits: 8,578 parameters (8,320 frozen), 226 images (and 57 to validate on)" in answer.err
    assert "features up to relu1 of 283 images, once" in answer.err
    facts = facts_of(tmp_path / "head")
    assert (facts["from"]["run"], facts["from"]["checkpoint"]) == (str(trained), "best")
    assert facts["from"]["step"] == facts_of(trained)["best"]["step"]
    assert (facts["from"]["taken"], facts["from"]["new"]) == (1, ["output"])
    frozen = facts["frozen"]
    assert (frozen["layers"], frozen["values"], frozen["unchanged"]) == (1, 8320, True)
    assert f"8,320 values of 1 frozen layer are unchanged: SHA-256 {frozen['sha256'][:16]}... before" in answer.err
    source = arrays(trained)
    for slot in ("best", "last"):
        ours = arrays(tmp_path / "head", slot)
        assert digests((ours[0]["hidden"], *ours[1:])) == digests((source[0]["hidden"], *source[1:]))
    assert facts["best"]["val_accuracy"] > 0.9
    assert cli("eval", "head", "--require", 0.85).code == 0
    again = cli("train", "--from", trained, *HEAD, "--out", "other", "--epochs", 1)
    assert (again.code, facts_of(tmp_path / "other")["frozen"]) == (0, frozen)


def test_without_augmentation_or_a_recipe_asked_for_the_defaults_are_for_fine_tuning(cli, trained, tmp_path):
    brief = ("--max-time", "0.001s")
    cli("train", "--from", trained, *HEAD, "--out", "head", *brief)
    cli("train", "--from", trained, *TWO, "--out", "whole", *brief)
    head, whole = recipe_of(tmp_path / "head"), recipe_of(tmp_path / "whole")
    assert (head["optimizer"]["lr"], head["augment"], head["freeze"]) == (0.01, [], "all-but-head")
    assert (whole["optimizer"]["lr"], whole["augment"][0]["name"], whole["freeze"]) == (0.001, "affine", "")
    answer = cli("train", "--from", trained, *HEAD, "--out", "mirrored", "--augment", "mirror", *brief)
    assert "note: up to relu1 nothing ever trains: with --augment none that part is computed once" in answer.err
    assert recipe_of(tmp_path / "mirrored")["augment"] == [{"name": "mirror", "probability": 0.5}]


def test_preprocessing_goes_along_unless_it_is_set(cli, copy, tmp_path):
    facts = facts_of(copy)
    facts["data"] |= {"mean": [0.25], "deviation": [0.5], "fit": "pad"}
    (copy / "run.json").write_text(json.dumps(facts))
    recipe = (copy / "recipe.toml").read_text()
    (copy / "recipe.toml").write_text(recipe.replace("resize = 0", "resize = 9").replace("bilinear", "bicubic"))
    brief = ("--max-time", "0.001s")
    assert cli("train", "--from", copy, *TWO, "--out", "run", *brief).code == 0
    data, recipe = facts_of(tmp_path / "run")["data"], recipe_of(tmp_path / "run")
    assert (data["mean"], data["deviation"], data["classes"]) == ([0.25], [0.5], ["8", "9"])
    assert [recipe[key] for key in ("scaling", "fit", "resize", "interpolation")] == ["standard", "pad", 9, "bicubic"]
    assert digests(arrays(tmp_path / "run", "last")[2]) == digests(arrays(copy)[2])
    words = ("--set", "scaling=unit", "--set", "resize=0", "--out", "unit", *brief)
    assert cli("train", "--from", copy, *TWO, *words).code == 0
    assert facts_of(tmp_path / "unit")["data"]["mean"] == [0.305434]
    scale = arrays(tmp_path / "unit", "last")[2]
    assert (float(scale["shift"][0]), float(scale["factor"][0])) == (0.0, pytest.approx(1 / 255))
    assert recipe_of(tmp_path / "unit")["resize"] == 0


def test_a_mean_image_goes_along(cli, tmp_path):
    short = ("--max-time", "0.001s")
    assert cli("train", "mlp", *TWO, "--set", "scaling=mean-image", *short, "--out", "source").code == 0
    assert cli("train", "--from", "source", "--dataset", "digits", *short, "--out", "run").code == 0
    assert digests(arrays(tmp_path / "run", "last")[2]) == digests(arrays(tmp_path / "source", "last")[2])


def test_as_many_other_classes_have_a_new_head(cli, tmp_path):
    short = ("--max-time", "0.001s")
    assert cli("train", "mlp", *TWO, *short, "--out", "source").code == 0
    answer = cli("train", "--from", "source", "--dataset", "digits", "--only", "3,4", "--out", "run", *short)
    assert "note: head output is new: it told 8, 9" in answer.err
    assert facts_of(tmp_path / "run")["from"]["new"] == ["output"]
    same = cli("train", "--from", "source", "--dataset", "digits", "--only", "9,8", "--out", "same", *short)
    assert same.code == 0, same.err
    assert facts_of(tmp_path / "same")["from"]["new"] == []
    # What is taken along tells the classes in its own order.
    assert facts_of(tmp_path / "same")["data"]["classes"] == ["8", "9"]
    assert cli("train", "--resume", "same", "--until", 0.9).code == 0
    assert cli("eval", "same", "--json").json["accuracy"] > 0.8


def test_it_starts_from_a_file_of_weights(cli, trained, tmp_path):
    params, _, _ = arrays(trained)
    save_file({f"{path}/{name}": np.asarray(array) for path, name, array in flat(params)}, tmp_path / "w.safetensors")
    words = ("--from", "w.safetensors", *HEAD, "--input", "8x8x1", "--epochs", 1, "--out", "run")
    answer = cli("train", "mlp", *words)
    assert (answer.code, answer.out) == (0, "run\n")
    assert "note: w.safetensors says nothing of its images' preprocessing: resize 0, mean 0, deviation 1" in answer.err
    facts = facts_of(tmp_path / "run")
    assert facts["from"]["file"] == str(tmp_path / "w.safetensors")
    assert len(facts["from"]["sha256"]) == 64
    assert (facts["data"]["mean"], facts["data"]["deviation"]) == ([0.0], [1.0])
    assert digests(arrays(tmp_path / "run")[0]["hidden"]) == digests(params["hidden"])
    assert "a file of weights needs its network" in cli("train", *words).err


def test_thawed_and_at_rates_of_groups(cli, trained, tmp_path):
    words = ("--thaw", "hidden=2", "--lr", "head=0.02,rest=0.001", "--epochs", 3, "--out", "run")
    answer = cli("train", "--from", trained, *HEAD, *words)
    assert answer.code == 0, answer.err
    recipe = recipe_of(tmp_path / "run")
    assert (recipe["optimizer"]["lr"], recipe["lr_shares"], recipe["thaw"]) == (0.02, "head=1, rest=0.05", "hidden=2")
    # All of it trains some time: nothing is to be proved.
    assert "frozen" not in facts_of(tmp_path / "run")
    assert digests(arrays(tmp_path / "run", "last")[0]["hidden"]) != digests(arrays(trained)[0]["hidden"])


def test_a_stopped_run_goes_on_where_its_source_is_no_more(cli, copy, tmp_path):
    words = (*HEAD, "--epochs", 4, "--set", "schedule=constant")
    assert cli("train", "--from", copy, *words, "--out", "whole").code == 0
    assert "stopped by --until" in cli("train", "--from", copy, *words, "--until", 0.01, "--out", "part").err
    shutil.rmtree(copy)
    answer = cli("train", "--resume", "part")
    assert (answer.code, answer.out) == (0, "part\n")
    assert "8,320 values of 1 frozen layer are unchanged" in answer.err
    assert facts_of(tmp_path / "part")["frozen"] == facts_of(tmp_path / "whole")["frozen"]
    assert digests(arrays(tmp_path / "part", "last")) == digests(arrays(tmp_path / "whole", "last"))


def test_a_run_that_saved_nothing_of_its_start_is_not_begun_from_new_arrays(cli, trained, tmp_path):
    assert cli("train", "--from", trained, *HEAD, "--epochs", 2, "--max-time", "0.001s", "--out", "run").code == 0
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    for begun in (False, True):
        if begun:
            # What a kill leaves that comes while the first checkpoint is being written.
            (tmp_path / "run" / "checkpoints" / "last" / "0.orbax-checkpoint-tmp-1").mkdir(parents=True)
        answer = cli("train", "--resume", "run")
        assert (answer.code, answer.out) == (3, "")
        assert "run was stopped before it had saved what it starts from; train it anew" in answer.err


def test_what_is_frozen_and_has_changed_is_our_bug(cli, trained, tmp_path, monkeypatch):
    honest, calls = loop.proof, iter("0123456789abcdef")

    def lying(state, layers):
        found = honest(state, layers)
        return type(found)(found.layers, found.values, next(calls) * 64)

    monkeypatch.setattr(loop, "proof", lying)
    answer = cli("train", "--from", trained, *HEAD, "--epochs", 1, "--out", "run")
    assert (answer.code, answer.out) == (70, "")
    assert f"run: what is frozen has changed: its SHA-256 was {'0' * 64}, is {'1' * 64}" in answer.err
    assert facts_of(tmp_path / "run")["frozen"]["unchanged"] is False


NET = """
[two]
input = [8, 8, 1]
layers = [
  { layer = "conv", features = 4, window = 3, name = "conv1" },
  { layer = "auxiliary-head", name = "side", layers = [{ layer = "flatten" }, { layer = "dense", features = 10 }] },
  { layer = "conv", features = 4, window = 3, name = "conv2" },
  { layer = "flatten" },
  { layer = "dense", features = 10, name = "fc" },
]
"""


@pytest.mark.slow
def test_heads_that_would_train_nothing_else_are_left_out(cli, tmp_path):
    (tmp_path / "net.toml").write_text(NET)
    short = ("--max-time", "0.001s")
    assert cli("train", "net.toml", "--dataset", "digits", *short, "--out", "source").code == 0
    brief = (*short, "--freeze", "conv1")
    answer = cli("train", "--from", "source", *TWO, *brief, "--out", "run")
    assert answer.code == 0, answer.err
    assert "note: nothing trains below side, which is left out" in answer.err
    assert "side" not in (tmp_path / "run" / "network.toml").read_text()
    assert cli("train", "--from", "source", *TWO, *short, "--out", "all").code == 0
    assert facts_of(tmp_path / "all")["from"]["new"] == ["side/dense1", "fc"]
    frozen = cli("train", "net.toml", "--dataset", "digits", *brief, "--out", "random")
    assert "note: what is frozen was never trained; --from RUN starts from a network that was" in frozen.err


@pytest.mark.slow
def test_a_dry_run_tells_what_trains_when_and_what_is_computed_once(cli, trained):
    words = ("train", "--from", trained, *HEAD, "--dry-run", "--epochs", 3)
    text = cli(*words)
    assert "# mlp at 8x8x1, 2 classes: 8,578 parameters, of which 258 train\n" in text.out
    assert "for features up to relu1" in text.out
    plan = cli(*words, "--thaw", "hidden=2", "--json").json
    assert plan["phases"] == [{"epoch": 1, "params": 258}, {"epoch": 2, "params": 8320}]
    assert plan["features"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--from RUN", 2, "no dataset given; expected --dataset, as in cnncli train mlp"),
        ("--from nowhere --dataset digits", 3, "--from nowhere: there is no such run or file"),
        ("--from RUN/run.json --dataset digits", 2, "a file of weights needs its network: cnncli train NETWORK"),
        ("mlp --from RUN/run.json --dataset digits", 3, "RUN/run.json"),
        ("--from RUN/checkpoints --dataset digits", 3, "is not a run folder"),
        ("lenet5 --from RUN --dataset digits --input 32", 3, "it lacks c1, c3, c5, f6; the network has no hidden"),
        ("--from RUN --dataset digits --input 9", 3, "hidden/kernel is 64x128, the network takes 81x128"),
        ("--from RUN --dataset digits --freeze hiden", 2, "no layer or group 'hiden'; did you mean 'hidden'?"),
        ("--from RUN --dataset digits --freeze output", 2, "nothing is left to train"),
        ("--from RUN --dataset digits --freeze hidden --thaw hidden=99", 2, "expected an epoch from 2 to 40"),
        ("--from RUN --dataset digits --lr head=1", 2, "--lr is 'head=1'; expected a rate above 0 for each group"),
        ("--from RUN --dataset digits --lr 0,1", 2, "--lr is '0,1'; expected one rate, such as 0.1"),
        ("--from RUN --dataset digits --lr head=1,rest=1,head=2", 2, "and no group twice"),
        ("--from RUN --dataset digits --lr head=1,rest=x", 2, "expected a valid number, or those of groups"),
        ("--from RUN --dataset digits --lr hed=1,rest=0.1", 2, "no layer or group 'hed'; did you mean 'head'"),
        ("--from RUN --dataset digits --lr head=-1,rest=1", 2, "expected a rate above 0"),
        ("--from RUN --resume RUN", 2, "--resume goes on with the run's own network and recipe"),
        ("--from RUN --reproduce lenet5-digits", 2, "--reproduce trains its network from the beginning"),
        ("mlp --dataset digits --thaw hidden=2", 2, "thaw: 'hidden' is not frozen"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(cli, trained, words, code, said):
    answer = cli("train", *words.replace("RUN", str(trained)).split())
    assert (answer.code, answer.out) == (code, "")
    assert said.replace("RUN", str(trained)) in answer.err
    assert len(answer.err.splitlines()) == 1
