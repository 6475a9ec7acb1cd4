"""`cnncli visualize curves`: one run as training drew it, several over each other, without JAX."""

import subprocess
import sys

import numpy as np
from PIL import Image


def test_one_run_is_drawn_as_training_drew_it(cli, trained, tmp_path):
    answer = cli("visualize", "curves", trained)
    assert (answer.code, answer.out, answer.err) == (0, "mlp-curves.png\n", "")
    with Image.open(tmp_path / "mlp-curves.png") as picture, Image.open(trained / "curves.png") as trained_one:
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(trained_one))
        assert picture.text["Run"] == str(trained)
        assert picture.text["Seed"] == "0"
        assert "Checkpoint" not in picture.text


def test_several_runs_are_laid_over_each_other(cli, trained, copy, tmp_path):
    answer = cli("visualize", "curves", trained, copy)
    assert (answer.code, answer.out) == (0, "curves.png\n")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.text["Run"] == f"{trained}, {copy}"
        assert picture.text["Seed"] == "0, 0"


def test_what_cannot_be_drawn_costs_one_line(cli, trained, copy, tmp_path):
    (copy / "metrics.jsonl").unlink()
    for words, code, said in (
        ((copy,), 3, f"{copy}: no epoch is trained yet; go on with: cnncli train --resume {copy}"),
        ((trained, copy), 3, f"{copy}: no epoch is trained yet"),
        ((trained, trained), 2, "a run is given twice; expected each once"),
        ((tmp_path,), 3, "is not a run folder: it lacks run.json"),
        ((trained, "--out", "a.svg"), 2, "--out a.svg: expected a name ending in .png"),
    ):
        answer = cli("visualize", "curves", *words)
        assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
        assert said in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


WITHOUT_JAX = """
import sys
from cnncli.commands.app import run
assert run(["visualize", "curves", sys.argv[1]]) == 0
assert not {"jax", "flax", "matplotlib.pyplot", "sklearn"} & set(sys.modules)
"""


def test_curves_need_no_jax(trained, tmp_path):
    words = [sys.executable, "-c", WITHOUT_JAX, str(trained)]
    subprocess.run(words, check=True, timeout=60, cwd=tmp_path, stdout=subprocess.PIPE)
    assert [file.name for file in tmp_path.iterdir()] == ["mlp-curves.png"]
