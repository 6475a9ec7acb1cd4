import re
import time
from dataclasses import replace

from cnncli.console.training import Reporter
from cnncli.training import events

STARTED = events.Started("mlp", "8x8x1", "digits", 9610, 1295, 142, 2, 80, 0, "1 x cpu")
EPOCH = events.Epoch(1, 40, 0.5, 1.25, 0.5, 0.75, 0.625, 0.001, 2000.0, 3.5)


def said(capsys, *happened):
    with Reporter() as report:
        for event in happened:
            report(event)
    return capsys.readouterr()


def test_everything_is_on_standard_error(capsys):
    shown = said(capsys, STARTED, events.Compiled(1.5), EPOCH)
    assert shown.out == ""
    assert shown.err.splitlines()[:2] == [
        "mlp at 8x8x1 on digits: 9,610 parameters, 1,295 images (and 142 to validate on), 2 epochs of 40 steps, "
        "1 x cpu",
        "compiled in 1.5 s",
    ]


def test_an_epoch_is_a_line(capsys):
    line = said(capsys, STARTED, EPOCH).err.splitlines()[-1]
    assert line.startswith("epoch 1/2  loss 1.2500 acc 50.00%  val loss 0.7500 acc 62.50%  2,000 img/s  0:0")


def test_what_ran_away_has_few_digits_and_long_times_have_hours(capsys):
    wild = replace(EPOCH, train_loss=2.254e31, step=1)
    with Reporter() as report:
        report._steps, report._began = 10_000, time.monotonic() - 1
        report(wild)
    line = capsys.readouterr().err.splitlines()[-1]
    assert "loss 2.25e+31 acc" in line
    assert re.search(r"img/s  2:4\d:\d\d left", line)


def test_one_epoch_is_not_many(capsys):
    one = events.Started("mlp", "8x8x1", "digits", 9610, 1295, 0, 1, 40, 0, "1 x cpu")
    assert "1,295 images, 1 epoch of 40 steps" in said(capsys, one).err


def test_a_resumed_training_says_where_it_is(capsys):
    resumed = events.Started("mlp", "8x8x1", "digits", 9610, 1295, 142, 2, 80, 40, "1 x cpu")
    assert said(capsys, resumed).err.splitlines()[-1] == "going on at step 40 of 80"


def test_progress_needs_a_terminal(capsys):
    progress = events.Progress(1, 2, 10, 80, 1.0, 0.5, 100.0)
    assert "100 img/s" not in said(capsys, STARTED, progress).err
