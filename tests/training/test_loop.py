"""A training from its first event to its last, its limits, and what it leaves on disk."""

from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.dataset import Loaded
from cnncli.errors import DataError, UsageError
from cnncli.networks.network import adapt
from cnncli.runs.checkpoints import Checkpoints
from cnncli.training.events import Compiled, Epoch, Progress, Saved, Started, Stopped
from cnncli.training.loop import Limits
from cnncli.training.session import Session


def kept(training, folder, slot="last"):
    """Everything in a checkpoint, as a flat list of arrays."""
    like = Session(training.recipe, training.network, training.data, {}).like()
    others = {"stats": like.stats, "scale": like.scale}
    rest = {"optimizer": like.optimizer, "seed": like.seed, "step": like.step, "tally": like.tally}
    with Checkpoints(folder.slot(slot)) as checkpoints:
        if slot == "best":
            restored = checkpoints.restore_params(like.params, others)
            return jax.tree.leaves((restored.params, restored.stats))
        restored = checkpoints.restore(like.params, others, rest)
    return jax.tree.leaves((restored.params, restored.stats, restored.rest))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def lines(folder):
    """The metrics without what a clock decides."""
    timed = ("seconds", "images_per_second")
    return [{key: value for key, value in line.items() if key not in timed} for line in folder.metrics()]


def test_a_training_tells_what_happens_and_learns(training):
    folder = training.folder()
    events = list(training.events(folder))
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert kinds[:2] == [Started, Compiled]
    assert kinds.count(Epoch) == 3
    assert kinds[-3:] == [Saved, Saved, Stopped]
    started, stopped = events[0], events[-1]
    assert (started.params, started.train_count, started.val_count) == (64 * 128 + 128 + 1290, 1295, 142)
    assert (started.steps, stopped.step, stopped.reason) == (60, 60, "done")
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert epochs[-1].val_accuracy > 0.7 > epochs[0].train_accuracy
    assert [asdict(epoch) for epoch in epochs] == folder.metrics()


def test_the_best_checkpoint_is_that_of_the_best_line(training):
    folder = training.folder()
    events = list(training.events(folder))
    best = max(folder.metrics(), key=lambda line: (line["val_accuracy"], -line["val_loss"]))
    with Checkpoints(folder.slot("best")) as checkpoints:
        meta = checkpoints.meta()
    assert meta["step"] == best["step"]
    assert meta["best"] == {key: best[key] for key in ("epoch", "step", "val_accuracy", "val_loss")}
    assert asdict(events[-1].best) == meta["best"]


def test_without_validation_nothing_is_chosen(training):
    folder = training.folder()
    list(training.events(folder, validation=0.0, epochs=1))
    assert folder.metrics()[0]["val_accuracy"] is None
    assert not folder.slot("best").exists()
    assert folder.slot("last").exists()


def test_until_ends_with_the_epoch_that_reaches_it(training):
    folder = training.folder()
    events = list(training.events(folder, Limits(until=0.5), epochs=50))
    assert events[-1].reason == "until"
    accuracies = [line["val_accuracy"] for line in folder.metrics()]
    assert accuracies[-1] >= 0.5
    assert all(accuracy < 0.5 for accuracy in accuracies[:-1])


def test_time_ends_a_training(training):
    events = list(training.events(training.folder(), Limits(seconds=1e-9)))
    assert (events[-1].reason, events[-1].step) == ("max-time", 1)


@pytest.mark.parametrize("calls", [1, 20, 33])
def test_stopped_anywhere_and_resumed_it_ends_in_the_same_bits(training, calls):
    whole = training.folder()
    list(training.events(whole))

    asked = iter(range(10**6))
    broken = training.folder()
    events = list(training.events(broken, Limits(stop=lambda: next(asked) + 1 >= calls)))
    assert (events[-1].reason, events[-1].step) == ("signal", calls)
    resumed = list(training.events(broken, resume=True))
    assert (resumed[0].step, resumed[-1].step) == (calls, 60)

    assert same(kept(training, whole), kept(training, broken))
    assert same(kept(training, whole, "best"), kept(training, broken, "best"))
    assert lines(whole) == lines(broken)


def test_a_finished_run_has_nothing_to_resume(training):
    folder = training.folder()
    list(training.events(folder))
    before = lines(folder)
    events = list(training.events(folder, resume=True))
    assert [type(event) for event in events] == [Started, Stopped]
    assert (events[-1].reason, lines(folder)) == ("done", before)


def test_seeds_differ_and_repeat(training):
    runs = []
    for seed in (0, 1, 0):
        folder = training.folder()
        list(training.events(folder, seed=seed, epochs=1))
        runs.append(lines(folder))
    assert runs[0] == runs[2] != runs[1]


def test_a_loss_that_is_no_number_ends_training_and_saves_nothing(training):
    folder = training.folder()
    events = list(training.events(folder, **{"optimizer": "sgd", "optimizer.lr": 1e30}))
    assert events[-1].reason == "diverged"
    assert folder.metrics() == []
    assert not folder.slot("last").exists()


@pytest.mark.parametrize("calls", [2, 20])
def test_a_stop_does_not_save_a_loss_that_is_no_number(training, calls):
    folder, asked = training.folder(), iter(range(10**6))
    limits = Limits(stop=lambda: next(asked) + 1 >= calls)
    events = list(training.events(folder, limits, **{"optimizer": "sgd", "optimizer.lr": 1e30}))
    assert [type(event) for event in events if not isinstance(event, Progress)] == [Started, Compiled, Stopped]
    assert events[-1].reason == "diverged"
    assert folder.metrics() == []
    assert not folder.slot("last").exists()


def test_a_good_epoch_before_divergence_is_kept(training, monkeypatch):
    """The second epoch diverges before the first, short as it was, has been saved."""
    folder, asked = training.folder(), iter(range(10**6))
    spoil = Session.train

    def train(session, state, batches):
        if next(asked) == 25:
            state = replace(state, params=jax.tree.map(lambda leaf: leaf * jnp.nan, state.params))
        return spoil(session, state, batches)

    monkeypatch.setattr(Session, "train", train)
    events = list(training.events(folder))
    assert [type(event) for event in events[-2:]] == [Saved, Stopped]
    assert (events[-1].reason, events[-1].best.epoch) == ("diverged", 1)
    with Checkpoints(folder.slot("best")) as checkpoints:
        assert checkpoints.meta()["step"] == 20


@pytest.mark.parametrize("steps", [7, 20, 64])
def test_calls_of_many_steps_train_as_calls_of_one(training, monkeypatch, steps):
    one, many = training.folder(), training.folder()
    list(training.events(one))
    made = Session.__init__

    def init(session, *arguments):
        made(session, *arguments)
        session.steps_per_call = steps

    monkeypatch.setattr(Session, "__init__", init)
    asked = iter(range(10**6))
    stopped = list(training.events(many, Limits(stop=lambda: next(asked) == 1)))[-1]
    assert stopped.reason == "signal"
    list(training.events(many, resume=True))
    for ours, theirs in zip(lines(many), lines(one), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_a_limit_at_the_last_step_is_no_stop(training):
    asked = iter(range(10**6))
    events = list(training.events(training.folder(), Limits(stop=lambda: next(asked) == 59)))
    assert (events[-1].reason, events[-1].step) == ("done", 60)


def test_a_damaged_checkpoint_is_not_resumed(training):
    folder = training.folder()
    list(training.events(folder, epochs=1))
    data = max(
        (path for path in folder.slot("last").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(DataError, match="last"):
        list(training.events(folder, resume=True, epochs=1))


def test_two_processes_do_not_train_the_same_run(training):
    folder = training.folder()
    with folder.writing(), pytest.raises(UsageError, match="another process"):
        list(training.events(folder))


def test_what_does_not_go_together_is_refused_before_anything_compiles(training):
    folder = training.folder()
    with pytest.raises(UsageError, match="batch_size is 5000; expected at most the 1,295 images"):
        list(training.events(folder, batch_size=5000))
    with pytest.raises(UsageError, match="takes 3 channels, digits has 1: add --input 8x8x1"):
        Session(training.recipe, adapt(training.network, (8, 8, 3)), training.data, {})
    with pytest.raises(UsageError, match="gives 7 outputs, digits has 10 classes: add --classes 10"):
        Session(training.recipe, adapt(training.network, classes=7), training.data, {})


def test_data_is_only_read(digits: Loaded):
    assert not digits.split.images.flags.writeable
