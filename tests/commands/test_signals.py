"""Trainings that are stopped, by a signal or by another one."""

import json
import os
import signal
import subprocess

import pytest

from cnncli.runs.folder import RunFolder
from tests.commands.conftest import command, process

# Long enough never to end by itself here; a constant rate, so that a part of it is as good as the whole.
LONG = ("--dataset", "digits", "--epochs", 100000, "--set", "schedule=constant", "--device", "cpu")


def started(out, *words):
    """A training in a process of its own, in its first epochs."""
    going = subprocess.Popen(
        command("train", "mlp", *LONG, "--out", out, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while (line := going.stderr.readline()) and not line.startswith("epoch "):
        pass
    return going


def ended(going):
    out, err = going.communicate(timeout=60)
    return going.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number):
    run = tmp_path / "run"
    going = started(run)
    going.send_signal(number)
    code, out, err = ended(going)
    assert (code, out) == (75, f"{run}\n")
    assert err.splitlines()[-1].endswith(f"go on with: cnncli train --resume {run}")
    assert json.loads((run / "run.json").read_text())["status"] == "stopped: signal"
    step = max(int(path.name) for path in (run / "checkpoints" / "last").iterdir())
    assert f"stopped at step {step}, saved" in err


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_to_its_end(tmp_path):
    run = tmp_path / "run"
    going = started(run)
    going.send_signal(signal.SIGINT)
    assert ended(going)[:2] == (75, f"{run}\n")
    done = json.loads((run / "run.json").read_text())["last"]["epoch"]
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("epochs = 100000", f"epochs = {done + 2}"))
    answer = process("train", "--resume", run)
    assert (answer.code, answer.out) == (0, f"{run}\n")
    epochs = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, done + 3))


def test_a_run_is_trained_by_one_process_at_a_time(cli, copy):
    facts = copy / "run.json"
    facts.write_text(facts.read_text().replace('"done"', '"running"'))
    with RunFolder(copy).writing():
        answer = cli("train", "--resume", copy)
    assert (answer.code, answer.out) == (2, "")
    assert f"another process is writing this run (pid {os.getpid()})" in answer.err


@pytest.mark.slow
def test_two_trainings_at_once_have_a_folder_each(tmp_path):
    words = command("train", "mlp", "--dataset", "digits", "--epochs", 1, "--device", "cpu")
    both = [
        subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sorted(ended(one)[:2] for one in both) == [(0, "runs/mlp-digits-1\n"), (0, "runs/mlp-digits-2\n")]


def test_messages_without_a_reader_do_not_stop_a_training(tmp_path):
    ours, theirs = os.pipe()
    os.close(ours)
    words = command("train", "mlp", "--dataset", "digits", "--epochs", 1, "--out", tmp_path / "run")
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, timeout=60)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'run'}\n".encode())


def test_an_interrupt_elsewhere_is_130(tmp_path):
    code = "import os, signal, time; from cnncli.networks import catalogue; from cnncli.commands import app; "
    code += "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a background job ignores it
    code += "catalogue.CATALOGUE['lenet5'] = lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(9); "
    code += "raise SystemExit(app.run(['size', 'lenet5']))"
    done = subprocess.run([command()[0], "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
