"""Real processes: killed at any moment and resumed; one device and eight."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TRAIN = ["train", "lenet5-keras", "--dataset", "digits", "--batch-size", "64"]
# All that a checkpoint must hold, or that must be a function of seed and step.
EVERYTHING = {
    "average": 0.95,
    "accumulate": 2,
    "label_smoothing": 0.1,
    "clip_norm": 1,
    "class_weights": "balanced",
    "last_batch": "train",
    "choose": "loss",
    "optimizer": "sgd",
    "augment": "shift, mixup",
    "schedule": "plateau",
    "schedule.patience": 1,
    "schedule.factor": 0.5,
    "stop": "early",
    "stop.patience": 8,
}

# Digests of everything in the last checkpoint of a run, and its metrics without what a clock decides.
KEPT = """
import json, sys
from pathlib import Path
import orbax.checkpoint as ocp
run = Path(sys.argv[1])
step = max(int(path.name) for path in (run / "checkpoints" / sys.argv[2]).iterdir() if path.name.isdigit())
found = {}
for path in sorted((run / "checkpoints" / sys.argv[2] / str(step)).rglob("*")):
    if path.is_dir() and (path / "_METADATA").exists():
        import jax
        from cnncli.runs.digests import digests
        with ocp.StandardCheckpointer() as checkpointer:
            found[path.name] = digests(checkpointer.restore(path))
lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
timed = ("seconds", "images_per_second")
print(json.dumps([found, [{k: v for k, v in line.items() if k not in timed} for line in lines]]))
"""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "NPROC": "2", "JAX_PLATFORMS": "cpu", **more}


def cnncli(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cnncli", *words]
    return subprocess.run(command, cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=300)


def kept(run: Path, slot: str) -> list:
    command = [sys.executable, "-W", "ignore", "-c", KEPT, str(run), slot]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found, lines = json.loads(done.stdout)
    assert found, "no arrays were found in the checkpoint"
    return [found, lines]


def killed(run: Path, after: float, cwd: Path, *words: str) -> bool:
    """Start a training and kill it `after` seconds from its first metrics line; whether it was still running."""
    command = [sys.executable, "-m", "cnncli", *words]
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    before = (run / "metrics.jsonl").read_text().count("\n") if (run / "metrics.jsonl").exists() else 0
    while process.poll() is None:
        metrics = run / "metrics.jsonl"
        if metrics.exists() and metrics.read_text().count("\n") > before:
            time.sleep(after)
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def check_killing(tmp_path: Path, moments: list[float], *words: str) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert cnncli(*TRAIN, *words, "--out", str(whole), cwd=tmp_path).returncode == 0
    first = [*TRAIN, *words, "--out", str(broken)]
    kills = sum(
        killed(broken, moment, tmp_path, *(["train", "--resume", str(broken)] if broken.exists() else first))
        for moment in moments
    )
    assert kills >= 1
    done = cnncli("train", "--resume", str(broken), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{broken}\n"), done.stderr
    assert kept(whole, "last") == kept(broken, "last")
    assert kept(whole, "best") == kept(broken, "best")


@pytest.mark.slow
def test_a_killed_run_ends_in_the_same_bits_as_one_never_killed(tmp_path):
    settings = [word for key, value in EVERYTHING.items() for word in ("--set", f"{key}={value}")]
    check_killing(tmp_path, [0.1], "--epochs", "40", *settings)


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_bits(tmp_path):
    moments = np.random.default_rng().uniform(0, 2.5, 8)
    check_killing(tmp_path, [float(moment) for moment in moments], "--epochs", "150")


STEPS = """
import json
from pathlib import Path
import jax, numpy as np
from cnncli.data.dataset import load
from cnncli.evaluation.metrics import evaluated
from cnncli.networks.catalogue import find
from cnncli.training.recipe import changed
from cnncli.training.recipes import default
from cnncli.training.session import Session
network = find("lenet5-keras")
settings = {"batch_size": 64, "validation": 0.1, "accumulate": 2, "class_weights": "balanced", "average": 0.9}
recipe = changed(default(network, "digits"), {**settings, "augment": "affine, mixup", "last_batch": "train"})
session = Session(recipe, network, load("digits", "train"), {})
state, losses, before = session.initial(), [], 0.0
session.compile(state)
for step in (*range(6), session.per_epoch - 1):
    state, tally = session.train(state, session.chunk(step))
    losses.append(float(tally.loss) - before)
    before = float(tally.loss)
state = session.initial()
predictions = session._evaluator.predict(state.params, state.stats, state.scale, session.val_examples)
result = evaluated(predictions, session.data.facts.classes)
last = session.chunk(session.per_epoch - 1).size
print(json.dumps([len(jax.devices()), losses, result.count, result.confusion, last]))
"""


@pytest.mark.slow
def test_eight_devices_train_and_evaluate_as_one():
    def run(flags: str) -> list:
        command = [sys.executable, "-c", STEPS]
        done = subprocess.run(command, env=environment(XLA_FLAGS=flags), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    one, eight = run(""), run("--xla_force_host_platform_device_count=8")
    assert (one[0], eight[0]) == (1, 8)
    # Of 1,295 images 15 are left in the last batch, which eight devices cannot share.
    assert (one[4], eight[4]) == (15, 8)
    np.testing.assert_allclose(eight[1][:-1], one[1][:-1], rtol=1e-5)
    assert one[2:4] == eight[2:4]
    assert one[2] == 142
