"""The README's commands do what it shows: results to the word where arithmetic decides them, their form elsewhere."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncli.data.dataset import load

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"(?:<!-- (.*?) -->\n)?```console\n\$ (.*?)\n(.*?)```", README, flags=re.S)
SHOWN = [(words, output, 1 if note == "exit 1" else 0) for note, words, output in BLOCKS if note != "runs"]
RUNS = [(words, output) for note, words, output in BLOCKS if note == "runs"]


def cnncli(words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).parents[1] / "examples.toml", cwd)
    command = [sys.executable, "-m", *shlex.split(words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def form(text: str) -> list[str]:
    """The words of a text, every number and unit of time the same."""
    return re.sub(r"\b(ms|s|seconds?|minutes?|hours?)\b", "s", re.sub(r"[\d.,:]+", "#", text)).split()


def test_it_starts_with_the_two_commands():
    commands = re.findall(r"```sh\n(.*?)```", README, flags=re.S)
    assert commands[0] == "pip install . && cnncli train lenet5 --dataset digits\n"
    assert commands[1] == "pip install '.[test]' && pytest\n"


# Several trainings after each other.
LONG = "cnncli train --reproduce"


@pytest.mark.parametrize(
    ("words", "output"),
    [
        pytest.param(words, output, id=words, marks=[pytest.mark.slow] if words.startswith(LONG) else [])
        for words, output in RUNS[2:]
    ],
)
def test_a_command_that_measures_prints_what_is_shown(words, output, tmp_path):
    done = cnncli(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert form(done.stdout) == form(output)


@pytest.mark.parametrize(("words", "output", "code"), SHOWN, ids=[words for words, _, _ in SHOWN])
def test_a_command_prints_what_is_shown(words, output, code, tmp_path):
    done = cnncli(words, tmp_path)
    assert (done.returncode, (done.stdout + done.stderr).split()) == (code, output.split())


@pytest.mark.slow
def test_training_and_evaluation_print_what_is_shown(tmp_path):
    (train, trained), (evaluate, evaluated) = RUNS[:2]
    done = cnncli(train, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/lenet5-digits-1\n"
    assert done.stdout in trained
    assert form(done.stderr)[: len(form("lenet5 at 28x28x1 on digits: # parameters"))] == form(trained)[:7]
    done = cnncli(evaluate, tmp_path)
    assert form(done.stdout) == form(evaluated)
    assert float(re.search(r"accuracy\s+([\d.]+)%", done.stdout)[1]) >= 95


def script(first: str, cwd: Path) -> str:
    """What the script that begins so prints."""
    words = re.findall(rf"```sh\n({re.escape(first)}.*?)```", README, flags=re.S)[0]
    here = cwd / "cnncli"
    here.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnncli "$@"\n')
    here.chmod(0o755)
    command = ["bash", "-c", f'set -e\nPATH="{cwd}:$PATH"\n{words}']
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_script_for_ci_runs(tmp_path):
    (tmp_path / "net.toml").write_text(re.findall(r"```toml\n(.*?)```", README, flags=re.S)[0])
    said = script("set -euo pipefail", tmp_path)
    assert json.loads((tmp_path / "size.json").read_text())["totals"]["params"] == 14_362
    assert json.loads((tmp_path / "eval.json").read_text())["count"] == 360
    assert said == f"accuracy {json.loads((tmp_path / 'eval.json').read_text())['accuracy']}\n"


@pytest.mark.slow
def test_the_script_that_transfers_runs(tmp_path):
    (tmp_path / "pictures").mkdir()
    digits = load("digits", "test").split
    for place in np.flatnonzero(digits.labels >= 8)[:4]:
        Image.fromarray(digits.images[place, ..., 0]).save(tmp_path / "pictures" / f"{place}.png")
    said = script("cnncli train lenet5 --dataset digits --only", tmp_path)
    assert said.splitlines()[:2] == ["eight", "two"]
    assert re.search(r"two  best \(step \d+\) on digits test\nimages +71\n", said)
    frozen = json.loads((tmp_path / "two" / "run.json").read_text())["frozen"]
    # LeNet5 but for its last layer.
    assert (frozen["values"], frozen["unchanged"]) == (61_706 - 850, True)
    with Image.open(tmp_path / "predictions.png") as sheet:
        assert "cnncli" in sheet.text["Command"]
