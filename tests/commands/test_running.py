"""How a training is run: what it leaves, when it ends, what it says, and what it does where it cannot write."""

import csv
import json
import resource
import sys

import pytest

from cnncli.runs.folder import RunFolder
from cnncli.training import logs
from tests.commands.conftest import process

MLP = ("mlp", "--dataset", "digits", "--device", "cpu")
EARLY = ("--epochs", 9, "--set", "stop=early", "--set", "stop.patience=1", "--set", "stop.minimum_change=100.0")


def facts(run):
    return json.loads((run / "run.json").read_text())


def files(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_early_stopping_finishes_a_run(cli, tmp_path):
    answer = cli("train", *MLP, *EARLY, "--out", "run")
    run = tmp_path / "run"
    assert (answer.code, answer.out) == (0, "run\n")
    assert "stopped early, since nothing got better: " in answer.err
    assert (facts(run)["status"], facts(run)["ended"], facts(run)["last"]["epoch"]) == ("done", "early", 2)
    before = files(run)
    again = cli("train", "--resume", "run")
    assert (again.code, again.out) == (0, "run\n")
    assert "run is finished" in again.err
    assert files(run) == before


def test_the_verdict_is_said_and_kept(cli, copy):
    cli("train", *MLP, "--epochs", 2, "--out", "run")
    found = facts(copy.parent / "run")["diagnosis"]
    assert (found["schema"], found["verdict"]) == ("cnncli.diagnosis/1", "unknown")
    assert found["evidence"]["epochs"] == 2
    answer = cli("train", *MLP, "--epochs", 2, "--out", "other", "--fail-on", "overfit,unknown")
    assert (answer.code, answer.out) == (1, "other\n")
    assert f"unknown: {found['sentences'][0]}" in answer.err
    assert answer.err.splitlines()[-1] == "error: --fail-on unknown: that is how training went"
    # What is asked of a finished run is asked as well.
    assert cli("train", "--resume", "other", "--fail-on", "unknown").code == 1
    assert cli("train", "--resume", "other", "--fail-on", "overfit").code == 0


def test_metrics_go_where_the_command_says(cli, tmp_path):
    words = ("--epochs", 2, "--until", 0.1, "--set", "schedule=constant", "--log", "csv", "--out", "run")
    assert cli("train", *MLP, *words).code == 0
    assert cli("train", "--resume", "run", "--log", "csv").code == 0
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [{key: float(value) for key, value in row.items()} for row in rows] == lines
    assert [line["epoch"] for line in lines] == [1, 2]
    assert all(line["gradient_norm"] > 0 for line in lines)


def test_a_log_whose_library_is_absent_is_a_mistake_before_anything_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    answer = cli("train", *MLP, "--log", "wandb")
    assert (answer.code, answer.out, list(tmp_path.iterdir())) == (2, "", [])
    assert "--log wandb needs wandb, which is not installed: pip install 'cnncli[wandb]'" in answer.err


def test_evaluation_writes_into_the_run_what_the_test_split_gave(cli, copy):
    said = cli("eval", copy, "--json").json
    found = facts(copy)["test"]
    assert found == {**{key: said[key] for key in ("accuracy", "loss", "count", "step")}, "checkpoint": "best"}
    # By another checkpoint, another split, or while somebody is writing, nothing is changed.
    before = files(copy)
    cli("eval", copy, "--checkpoint", "last")
    cli("eval", copy, "--split", "train")
    assert files(copy) == before
    (copy / "run.json").write_text(json.dumps({**facts(copy), "test": None}))
    with RunFolder(copy).writing():
        assert cli("eval", copy).code == 0
    assert facts(copy)["test"] is None


def test_a_run_that_goes_on_forgets_what_it_was_evaluated_to(cli, tmp_path):
    cli("train", *MLP, "--epochs", 2, "--until", 0.1, "--set", "schedule=constant", "--out", "run")
    cli("eval", "run")
    assert facts(tmp_path / "run")["test"]["count"] == 360
    cli("train", "--resume", "run")
    assert facts(tmp_path / "run")["test"] is None


def test_where_nothing_was_held_out_evaluation_says_how_training_went(cli, tmp_path):
    words = ("--epochs", 6, "--set", "validation=0", "--augment", "none", "--out", "run")
    trained = cli("train", *MLP, *words)
    assert "unknown: Training accuracy is typically " in trained.err
    assert "val loss" not in trained.err
    evaluated = cli("eval", "run", "--json")
    assert evaluated.err.startswith("good: ")
    assert "on the test split" in evaluated.err
    assert facts(tmp_path / "run")["diagnosis"]["verdict"] == "good"
    assert facts(tmp_path / "run")["diagnosis"]["evidence"]["evaluated"] == evaluated.json["accuracy"]


def test_what_diverged_says_where_and_what_is_left(cli, tmp_path):
    words = ("--epochs", 4, "--optimizer", "sgd", "--lr", 0.01, "--set", "schedule=constant", "--out", "run")
    cli("train", *MLP, *words, "--until", 0.1)
    recipe = tmp_path / "run" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("lr = 0.01", "lr = 1e30"))
    answer = cli("train", "--resume", "run")
    assert (answer.code, answer.out) == (1, "")
    assert "training diverged in epoch 2, in step 37, first in layer output: not a number; " in answer.err
    assert "the last good checkpoint is in run; try a lower --lr than 1e+30" in answer.err
    found = facts(tmp_path / "run")
    assert (found["status"], found["diagnosis"]["verdict"]) == ("stopped: diverged", "diverged")
    assert cli("eval", "run").code == 0


@pytest.mark.slow
def test_what_was_kept_before_the_disk_was_full_is_gone_on_with(cli, tmp_path, monkeypatch):
    """The best checkpoint fits, the last one with its optimizer does not: no epoch is lost to those who make room."""
    answer = full([*MLP, "--epochs", 2, "--out", "run"], 60_000, tmp_path, monkeypatch)
    assert answer.code == 3
    assert "run/checkpoints/last" in answer.err.splitlines()[-1]
    resumed = cli("train", "--resume", "run")
    assert (resumed.code, resumed.out) == (0, "run\n")
    assert [line["epoch"] for line in RunFolder(tmp_path / "run").metrics()] == [1, 2]
    assert facts(tmp_path / "run")["status"] == "done"


def test_a_run_that_is_being_written_is_refused(cli, copy):
    cli("train", *MLP, "--epochs", 2, "--until", 0.1, "--set", "schedule=constant", "--out", "run")
    with RunFolder(copy.parent / "run").writing():
        answer = cli("train", "--resume", "run")
    assert (answer.code, answer.out) == (2, "")
    assert "another process is writing this run (pid " in answer.err


@pytest.mark.parametrize("out", ["file/run", "/proc/run"])
def test_a_folder_that_cannot_be_made_is_one_line(cli, tmp_path, out):
    (tmp_path / "file").write_text("")
    answer = cli("train", *MLP, "--out", out)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith(f"error: {out}: ")
    assert answer.err.count("\n") == 1


FULL = """
import resource, signal, sys
from cnncli.commands.app import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(run(sys.argv[2:]))
"""


def full(words, most, tmp_path, monkeypatch):
    """Train where no file may be larger than so many bytes."""
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
    monkeypatch.setattr("tests.commands.conftest.command", lambda *words: [str(word) for word in words])
    return process(sys.executable, "-c", FULL, most, "train", *words, cwd=tmp_path)


@pytest.mark.parametrize(("most", "file"), [(300, "run/recipe.toml"), (20_000, "run/checkpoints/best")])
def test_a_full_disk_is_one_line(tmp_path, monkeypatch, most, file):
    """The recipe does not fit, or the first checkpoint."""
    answer = full([*MLP, "--epochs", 1, "--out", "run"], most, tmp_path, monkeypatch)
    assert (answer.code, answer.out) == (3, "")
    last = answer.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert file in last
    assert last.endswith("File too large")
    assert "Traceback" not in answer.err
    # Of a run that has not begun nothing is left.
    assert (tmp_path / "run").exists() == (most != 300)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
