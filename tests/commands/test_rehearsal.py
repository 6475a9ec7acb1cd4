"""What can be known before a training: nothing is trained, and no run is made."""

import tomllib

import numpy as np
import pytest
from PIL import Image

from cnncli.training import probe

SMALL = ("--dataset", "digits", "--device", "cpu")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Times are measured for no more than a moment."""
    measure = probe.timed
    monkeypatch.setattr(probe, "timed", lambda session: measure(session, seconds=0.05))


def test_a_dry_run_shows_the_recipe_and_what_it_would_take(cli, tmp_path):
    answer = cli("train", "mlp", *SMALL, "--epochs", 7, "--augment", "crop(padding=2)", "--dry-run")
    assert (answer.code, list(tmp_path.iterdir())) == (0, [])
    _, _, plan = answer.out.partition("\n\n# mlp at 8x8x1, 10 classes: ")
    found = tomllib.loads(answer.out)
    assert (found["network"], found["epochs"], found["precision"]) == ("mlp", 7, "float32")
    assert found["augment"] == [{"name": "crop", "padding": 2}]
    assert plan.startswith("9,610 parameters\n# 245 steps, 35 an epoch, of 32 images\n# memory of a step: about ")
    assert "ms a step" in plan or "us a step" in plan
    # What it shows can be given again.
    (tmp_path / "r.toml").write_text(answer.out)
    again = cli("train", "--recipe", "r.toml", "--dry-run")
    assert tomllib.loads(again.out) == found


def test_a_dry_run_as_a_document(cli, tmp_path):
    answer = cli("train", "lenet5-keras", "--recipe", "keras-article", *SMALL, "--dry-run", "--json")
    assert (answer.code, list(tmp_path.iterdir())) == (0, [])
    plan = answer.json
    assert (plan["schema"], plan["network"], plan["params"]) == ("cnncli.plan/1", "lenet5-keras", 44_426)
    # 1,437 images in batches of 128, the last one smaller.
    assert (plan["steps"], plan["steps_per_epoch"]) == (12 * 12, 12)
    assert plan["recipe"]["optimizer"] == {"name": "adadelta", "lr": 1.0, "rho": 0.95, "epsilon": 1e-7}
    assert plan["total_seconds"] == pytest.approx(plan["compile_seconds"] + 144 * plan["step_seconds"])
    assert plan["memory_bytes"] > 3 * 4 * 44_426


def test_the_range_test_is_drawn_and_a_rate_suggested(cli, tmp_path):
    answer = cli("train", "mlp", *SMALL, "--optimizer", "sgd", "--lr-find", "rates.png")
    assert (answer.code, answer.out) == (0, "rates.png\n")
    assert [path.name for path in tmp_path.iterdir()] == ["rates.png"]
    with Image.open(tmp_path / "rates.png") as picture:
        assert np.asarray(picture).shape[:2] == (450, 800)
    said = answer.err.splitlines()[-1]
    assert said.startswith("the loss was lowest at ")
    assert 0.001 < float(said.rpartition(" ")[2]) < 0.5
    refused = cli("train", "mlp", *SMALL, "--lr-find", "rates.png")
    assert (refused.code, refused.out) == (2, "")
    assert "--lr-find rates.png exists already; choose another name" in refused.err


def test_a_range_test_without_a_single_finite_loss_is_missing_data(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "range_test", lambda session: probe.RangeTest((), (), ()))
    answer = cli("train", "mlp", *SMALL, "--lr-find", "rates.png")
    assert (answer.code, answer.out, list(tmp_path.iterdir())) == (3, "", [])
    assert "there is nothing to draw" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--dry-run --lr-find a.png", "--dry-run and --lr-find do not go together; give one of them"),
        ("--dry-run --resume run", "--resume and --dry-run do not go together"),
        ("--dry-run --reproduce lenet5", "--reproduce and --dry-run do not go together"),
        ("--dry-run --until 0.9", "--dry-run makes no run; --out, --until"),
        ("--dry-run --out run", "--dry-run makes no run; --out"),
        ("--lr-find a.png --log csv", "--lr-find makes no run"),
        ("--lr-find a.png --out run", "--lr-find makes no run; --out"),
        ("--lr-find a.jpg", "--lr-find a.jpg: expected a name ending in .png"),
        ("--lr-find no/a.png", "--lr-find no/a.png: there is no folder"),
        ("--lr-find a.png --json", "--json belongs to --dry-run and --reproduce"),
        ("--dry-run --batch-size 5000", "batch_size is 5000; expected at most the 1,150 images"),
        ("--dry-run --seeds 3", "--seeds belongs to --reproduce"),
    ],
)
def test_a_mistake_costs_one_line(cli, tmp_path, words, said):
    answer = cli("train", "mlp", *SMALL, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
