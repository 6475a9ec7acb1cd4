"""Trainings that are stopped, by a signal or by another one."""

import json
import os
import signal
import subprocess
import sys

import pytest

from cnncli.commands import signals
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


def test_what_nohup_started_does_not_heed_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stoppable() as stopped:
            signal.raise_signal(signal.SIGHUP)
            assert not stopped()
    finally:
        signal.signal(signal.SIGHUP, before)


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


def test_a_second_signal_interrupts_and_says_so(tmp_path):
    run = tmp_path / "run"
    going = started(run)
    going.send_signal(signal.SIGINT)
    going.send_signal(signal.SIGTERM)  # Two of the same that come at once are one.
    code, out, err = ended(going)
    assert (code, out, err.splitlines()[-1]) == (130, "", "error: interrupted")
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"


BEGINNING = """
import gc, os, signal, sys, time
from cnncli.commands import app, signals, task
from cnncli.networks import catalogue
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
"""

DROPPING = "def callback(*_):\n  gc.callbacks.remove(callback)\n  interrupt()"


def interrupted(tmp_path, code, *words):
    """What a command line does where `code` has changed something of it."""
    (tmp_path / "extension.py").write_text("from __main__ import interrupt\ninterrupt()\nprint('whole')\n")
    code = f"{BEGINNING}{code}\nraise SystemExit(app.run(sys.argv[1:]))"
    done = subprocess.run(
        [command()[0], "-c", code, *map(str, words)], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("code", "out"),
    [
        ("def lenet5(): interrupt()", ""),
        # What an import is interrupted in may abort the process, or become another error.
        ("def lenet5(): import extension; time.sleep(9)", "whole\n"),
        # As in what JAX does when garbage is collected.
        (f"{DROPPING}\ndef lenet5(): gc.callbacks.append(callback); gc.collect(); time.sleep(9)", ""),
        ("def lenet5():\n  try: interrupt()\n  except KeyboardInterrupt: raise ImportError('no extension')", ""),
    ],
    ids=["at once", "in an import", "in a callback", "as another error"],
)
def test_an_interrupt_elsewhere_is_130(tmp_path, code, out):
    code = f"{code}\ncatalogue.CATALOGUE['lenet5'] = lenet5"
    assert interrupted(tmp_path, code, "size", "lenet5") == (130, out, "error: interrupted\n")


def test_an_interrupt_that_was_put_off_comes_before_a_run_is_made(tmp_path):
    code = "signals.SECONDS_TO_COME_AGAIN = 60\nresolved = task.resolved\n"
    code += "def late(*given):\n  import extension\n  return resolved(*given)\ntask.resolved = late"
    words = ("train", "mlp", "--dataset", "digits", "--epochs", 1, "--out", "run")
    assert interrupted(tmp_path, code, *words) == (130, "whole\n", "error: interrupted\n")
    assert not (tmp_path / "run").exists()


def test_an_interrupt_that_was_put_off_comes_before_training(monkeypatch):
    monkeypatch.setattr(signals, "_noted", [signal.SIGINT])
    with pytest.raises(KeyboardInterrupt), signals.stoppable():
        pytest.fail("it began")


def test_a_command_leaves_signals_as_they_were(cli):
    def found():
        return sys.unraisablehook, *(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM))

    before = found()
    cli("size", "lenet5")
    assert found() == before


def test_what_a_command_imports_keeps_its_filter_of_messages(tmp_path):
    code = "import sys\nfrom cnncli.commands.signals import interruptible\nwith interruptible():\n"
    code += "  import cnncli.runs.checkpoints\nprint(sys.unraisablehook.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "unless_late\n"


def test_an_interrupt_that_is_ignored_stays_ignored(tmp_path):
    code = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nnet = catalogue.CATALOGUE['mlp']\n"
    code += "catalogue.CATALOGUE['mlp'] = lambda: interrupt() or net()"
    code, out, err = interrupted(tmp_path, code, "size", "mlp")
    assert (code, err) == (0, "")
    assert out.startswith("mlp  28x28x1\n")
