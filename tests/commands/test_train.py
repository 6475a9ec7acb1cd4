import json
import tomllib

import pytest

from cnncli.commands import task
from cnncli.commands.task import Request

DIGITS = ("--dataset", "digits")


def recipe_of(run):
    return tomllib.loads((run / "recipe.toml").read_text())


def test_a_run_folder_holds_what_the_design_says(trained):
    names = ("run.json", "recipe.toml", "network.toml", "metrics.jsonl", "curves.png")
    assert [name for name in names if not (trained / name).is_file()] == []
    assert [slot for slot in ("best", "last") if not (trained / "checkpoints" / slot).is_dir()] == []


def test_facts_say_how_it_ended(trained):
    facts = json.loads((trained / "run.json").read_text())
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert (facts["schema"], facts["status"], facts["dataset"]) == ("cnncli.run/1", "done", "digits")
    assert facts["last"] == lines[-1]
    best = max(lines, key=lambda line: (line["val_accuracy"], -line["val_loss"]))
    assert facts["best"] == {key: best[key] for key in ("epoch", "step", "val_accuracy", "val_loss")}
    assert [line["epoch"] for line in lines] == [1, 2]


def test_an_existing_folder_is_never_written_to(cli, trained):
    before = sorted(path.stat().st_mtime_ns for path in trained.rglob("*"))
    answer = cli("train", "mlp", *DIGITS, "--out", trained)
    assert (answer.code, answer.out) == (2, "")
    assert f"run folder exists: {trained}" in answer.err
    assert sorted(path.stat().st_mtime_ns for path in trained.rglob("*")) == before


def test_a_finished_run_says_so_and_prints_its_path(cli, trained):
    answer = cli("train", "--resume", trained)
    assert (answer.code, answer.out) == (0, f"{trained}\n")
    assert "is finished" in answer.err


def test_until_stops_at_an_accuracy_and_resume_goes_on(cli):
    stopped = cli("train", "mlp", *DIGITS, "--epochs", 2, "--until", 0.1, "--out", "run", "--set", "schedule=constant")
    assert (stopped.code, stopped.out) == (0, "run\n")
    assert "stopped by --until" in stopped.err
    resumed = cli("train", "--resume", "run")
    assert (resumed.code, resumed.out) == (0, "run\n")
    assert "epoch 2/2" in resumed.err


def test_settings_reach_the_recipe(cli, tmp_path):
    words = ("--epochs", 1, "--lr", 0.5, "--optimizer", "sgd", "--seed", 7, "--batch-size", 64)
    answer = cli("train", "mlp", *DIGITS, *words, "--set", "optimizer.momentum=0.5", "--set", "validation=0")
    assert (answer.code, answer.out) == (0, "runs/mlp-digits-1\n")
    recipe = recipe_of(tmp_path / "runs" / "mlp-digits-1")
    assert (recipe["seed"], recipe["batch_size"], recipe["validation"]) == (7, 64, 0)
    assert recipe["optimizer"]["name"] == "sgd"
    assert (recipe["optimizer"]["lr"], recipe["optimizer"]["momentum"]) == (0.5, 0.5)
    assert "val loss" not in answer.err


def test_a_runs_own_recipe_makes_the_same_training(cli, trained, tmp_path):
    answer = cli("train", "--recipe", trained / "recipe.toml", "--max-time", "0.001s")
    run = tmp_path / "runs" / "mlp-digits-1"
    assert (answer.code, answer.out) == (0, "runs/mlp-digits-1\n")
    assert "stopped by --max-time" in answer.err
    assert recipe_of(run) == recipe_of(trained)


def test_a_recipe_is_found_by_its_table(cli, tmp_path):
    (tmp_path / "r.toml").write_text('[a]\nnetwork = "mlp"\nepochs = 1\n[b]\nnetwork = "mlp"\nepochs = 2\n')
    assert cli("train", *DIGITS, "--recipe", "r.toml:a", "--out", "run").code == 0
    assert recipe_of(tmp_path / "run")["epochs"] == 1
    assert "holds several recipes; say which" in cli("train", *DIGITS, "--recipe", "r.toml").err
    assert "no recipe 'c'" in cli("train", *DIGITS, "--recipe", "r.toml:c").err


def test_a_training_that_diverges_is_an_expected_no(cli):
    answer = cli("train", "mlp", *DIGITS, "--epochs", 3, "--optimizer", "sgd", "--lr", 1e30)
    assert (answer.code, answer.out) == (1, "")
    assert "training diverged in epoch 1, in step 2, first in layer output: not a number" in answer.err
    assert "there was nothing to save yet" in answer.err
    assert "try a lower --lr than 1e+30" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no network given; expected one, as in cnncli train lenet5"),
        ("lenet5", "no dataset given; expected --dataset"),
        ("lenet6 --dataset digits", "unknown network 'lenet6'; did you mean 'lenet5'"),
        ("mlp --dataset digit", "did you mean 'digits'?"),
        (
            "mlp --dataset digits --recipe keras-article",
            "recipe 'keras-article' is for lenet5-keras, alexnet-cifar10, not for mlp",
        ),
        ("mlp --dataset digits --recipe keras-artikle", "did you mean 'keras-article' or"),
        ("mlp --dataset digits --set epochs", "--set 'epochs'; expected key=value"),
        ("mlp --dataset digits --set epoch=2", "unknown key 'epoch'; did you mean 'epochs'"),
        ("mlp --dataset digits --set epochs=x", "--set: epochs is 'x'; expected a whole number of at least 1"),
        ("mlp --dataset digits --set optimizer=sdg", "no 'sdg'; did you mean 'sgd'"),
        ("mlp --dataset digits --set optimiser.lr=1", "no table 'optimiser'; did you mean 'optimizer'"),
        ("mlp --dataset digits --set network=lenet5", "--set network: a network is given by itself"),
        ("mlp --dataset digits --epochs 0", "--epochs: epochs is 0; expected a whole number of at least 1"),
        ("mlp --dataset digits --batch-size 0 --set seed=1", "--batch-size: batch_size is 0; expected a whole number"),
        ("mlp --dataset digits --epochs 2 --set seed=-1", "--set: seed is -1; expected a whole number of at least 0"),
        ("mlp --dataset digits --optimizer sdg", "--optimizer"),
        ("mlp --dataset digits --set optimizer.momentum=2 --optimizer sgd", "(sgd): momentum is 2; expected a number"),
        ("mlp --dataset digits --lr x", "--lr is 'x'; expected a valid number"),
        ("mlp --dataset digits --precision half", "precision is 'half'; expected one of"),
        ("mlp --dataset digits --batch-size 100000", "expected at most the 1,150 images"),
        ("mlp --dataset digits --until 2", "--until is 2; expected a validation accuracy as a fraction"),
        ("mlp --dataset digits --until 0.5 --set validation=0", "--until needs images to validate on"),
        ("mlp --dataset digits --max-time 3x", "--max-time is '3x'; expected a time such as 90s, 2m or 1h"),
        ("mlp --dataset digits --lr -1", "--lr is -1; expected a rate above 0"),
        ("mlp --dataset digits --lr 0", "--lr is 0; expected a rate above 0"),
        ("mlp --dataset digits --lr hiden=0.1,rest=0.01", "--lr, lr_shares): no layer or group 'hiden'; did you mean"),
        ("mlp --dataset digits --lr nan", "--lr is nan; expected a rate above 0"),
        ("mlp --dataset digits --lr inf", "--lr is inf; expected a finite rate above 0"),
        ("mlp --dataset digits --set optimizer.lr=fast", "lr is 'fast'; expected a number of at least 0"),
        ("mlp --dataset digits --set clip_norm=-1", "clip_norm is -1; expected a number of at least 0"),
        ("mlp --dataset digits --set average=1", "average is 1; expected a number of at least 0 and below 1"),
        ("mlp --dataset digits --set accumulate=5", "accumulate is 5; expected a divisor of the 32 images a step"),
        ("mlp --dataset digits --set stop=early --set validation=0", "early stopping, a plateau and a choice by loss"),
        ("mlp --dataset digits --set stop.patience=3", "unknown key 'patience'"),
        (
            "mlp --dataset digits --set validation=0.001",
            "of the 142 training images of class 0 is 0; expected at least",
        ),
        ("mlp --dataset digits --classes 7", "mlp gives 7 outputs, digits has 10 classes: add --classes 10"),
        ("mlp --dataset digits --input 8x8x3", "mlp takes 3 channels, digits has 1: add --input 8x8x1"),
        ("lenet5-1998 --dataset digits --classes 7", "has a fixed code for each of its 10 classes; 7 asked for"),
        ("mlp --dataset digits --augment miror", "no augmentation 'miror'; did you mean 'mirror'?"),
        ("mlp --dataset digits --augment crop(4)", "expected values as in TOML between the brackets"),
        ("mlp --dataset digits --fail-on overfitted", "--fail-on: no 'overfitted'; did you mean 'overfit'"),
        ("mlp --dataset digits --log cvs", "--log: no 'cvs'; did you mean 'csv'?"),
        ("mlp --dataset digits --json", "--json belongs to --dry-run and --reproduce"),
        ("--recipe modern --dataset cifar10", "recipe 'modern' belongs to a network; give one of alexnet-cifar10"),
        ("alexnet --recipe paper", "recipe 'paper': names no dataset; give one"),
        ("mlp --dataset digits --device xpu", "--device is 'xpu'; expected one of cpu, gpu, tpu"),
        ("mlp --resume run", "--resume goes on with the run's own network and recipe"),
        ("--resume run --epochs 3", "--resume goes on with the run's own network and recipe"),
    ],
)
def test_a_mistake_costs_one_line_and_makes_no_run(cli, tmp_path, words, said):
    answer = cli("train", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_name_is_a_mistake(cli, tmp_path):
    answer = cli("train", "mlp", *DIGITS, "--out", "")
    assert (answer.code, answer.out, list(tmp_path.iterdir())) == (2, "", [])
    assert answer.err == "error: --out is ''; expected a name for the run folder to make, as in --out runs/mine\n"


@pytest.mark.parametrize("words", [("--resume", "absent"), ("--recipe", "absent.toml", *DIGITS)])
def test_what_is_not_there_is_missing_data(cli, words):
    answer = cli("train", *words)
    assert (answer.code, answer.err.count("\n")) == (3, 1)


@pytest.mark.parametrize(("input", "padding"), [(None, 28), ("32", 4), ("64", 8)])
def test_the_default_crops_by_the_size_that_was_asked_for(input, padding):
    request = Request("resnet18", "cifar10", None, {}, [], input, None, None)
    assert task._chosen(request)[0].augment.steps[0].padding == padding
